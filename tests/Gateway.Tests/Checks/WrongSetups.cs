using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.Checks;

/// <summary>A set-up with one fault, and the words of the line in which `check` must name it.</summary>
/// <param name="Name">What is wrong.</param>
/// <param name="Configure">Before the stand-ins start.</param>
/// <param name="Change">The gateway's variables, when the addresses of the stand-ins are known.</param>
/// <param name="Words">Parts of one line of the output, the remedy among them.</param>
internal sealed record WrongSetup(string Name, Action<WorldOptions>? Configure, Action<World, Dictionary<string, string?>>? Change, params string[] Words)
{
    /// <summary>Whether people can sign in all the same.</summary>
    public bool IsWarning { get; private init; }

    public static readonly WrongSetup[] All =
    [
        // The provider.
        new(
            "wrong slug",
            null,
            (world, settings) => Server(world, settings, url => url.Replace("/paperless/", "/papers/", StringComparison.Ordinal)),
            "404", "slug"),
        new(
            "https at an http port",
            null,
            (world, settings) => Server(world, settings, url => url.Replace("http://", "https://", StringComparison.Ordinal)),
            "TLS", "server_url"),
        new(
            "another host name",
            null,
            (world, settings) => Server(world, settings, _ => "http://no-such-host.invalid/"),
            "host name is not known", "server_url"),
        new(
            "nothing listens",
            null,
            (world, settings) => Server(world, settings, _ => $"http://127.0.0.1:{World.FreePort()}/"),
            "connection", "Check that the provider runs"),
        new(
            "Paperless as the provider",
            null,
            (world, settings) => Server(world, settings, _ => world.Paperless.Address.AbsoluteUri),
            "discovery", "server_url"),
        new(
            "another issuer",
            null,
            (world, _) => world.Provider.TamperDiscovery = document =>
            {
                document["issuer"] = "https://another.example/";
                return document;
            },
            "issuer", "server_url"),
        new("wrong client id", null, (world, settings) => App(world, settings, app => app["client_id"] = "papers"), "client papers", "Client ID"),
        new(
            "wrong client secret",
            null,
            (world, settings) => App(world, settings, app => app["secret"] = "not the secret"),
            "invalid_client", "client secret"),
        new(
            "redirect URI not registered",
            options => options.Provider = provider => provider with { RedirectUris = ["http://localhost:1/accounts/oidc/authentik/login/callback/"] },
            null,
            "redirect URI", "register exactly this redirect URI"),
        new(
            "a scope that the client may not have",
            options => options.Provider = provider => provider with { ClientScopes = ["openid", "profile"] },
            null,
            "invalid_scope", "SCOPE"),
        new("no client secret", null, (world, settings) => App(world, settings, app => app.Remove("secret")), "invalid_client", "client secret"),
        new(
            "a provider that redirects to another host",
            null,
            (world, settings) => Discovery(world, settings, response => response.Redirect("http://elsewhere.invalid/")),
            "redirect", "elsewhere.invalid", "server_url"),
        new(
            "a page instead of the discovery document",
            null,
            (world, settings) => Discovery(world, settings, response => response.ContentType = "text/html", "<html>Welcome</html>"),
            "HTML", "server_url"),
        new(
            "http at a port of TLS",
            null,
            (world, settings) => Discovery(
                world, settings, response => response.StatusCode = 400, "<html>The plain HTTP request was sent to HTTPS port</html>"),
            "400", "write https:// in server_url"),
        new(
            "a provider with an error",
            null,
            (world, settings) => Discovery(world, settings, response => response.StatusCode = 500),
            "500", "log"),
        new(
            "JSON that is no discovery document",
            null,
            (world, settings) => Discovery(world, settings, response => response.ContentType = "application/json", "{}"),
            "no discovery document", "server_url"),
        new(
            "algorithms that the gateway cannot check",
            null,
            (world, _) => Tamper(world, document => document["id_token_signing_alg_values_supported"] = new JsonArray("ES256K")),
            "ES256K", "cannot check", "Choose a key"),
        new(
            "no signing key",
            options => options.Provider = provider => provider with { Signing = SigningMode.HS256 },
            (world, _) => Tamper(world, document => document["id_token_signing_alg_values_supported"] = new JsonArray("RS256")),
            "publishes no signing key", "Signing Key"),
        new(
            "no offline_access",
            null,
            (world, _) => Tamper(world, document => document["scopes_supported"] = new JsonArray("openid", "profile")),
            "offline_access", "add the scope mapping") { IsWarning = true },
        new(
            "no logout at the provider",
            null,
            (world, _) => Tamper(world, document => document.Remove("end_session_endpoint")),
            "end_session_endpoint", "Switch on") { IsWarning = true },
        new(
            "no back-channel logout",
            null,
            (world, _) => Tamper(world, document => document.Remove("backchannel_logout_supported")),
            "back-channel", "2025.8") { IsWarning = true },
        new(
            "an endpoint with another scheme",
            null,
            (world, _) => Tamper(world, document => document["end_session_endpoint"] = "https://127.0.0.1/end"),
            "another scheme", "X-Forwarded-Proto") { IsWarning = true },
        new(
            "an endpoint at another host",
            null,
            (world, _) => Tamper(world, document => document["end_session_endpoint"] = "http://inside:9000/end"),
            "inside:9000", "keep the Host header") { IsWarning = true },

        // Paperless.
        new(
            "wrong upstream",
            null,
            (_, settings) => settings["GATEWAY_UPSTREAM_URL"] = $"http://127.0.0.1:{World.FreePort()}",
            "nothing listens", "GATEWAY_UPSTREAM_URL"),
        new(
            "https in front of Paperless's http port",
            null,
            (world, settings) => settings["GATEWAY_UPSTREAM_URL"] = $"https://127.0.0.1:{world.Paperless.Address.Port}",
            "TLS", "GATEWAY_UPSTREAM_URL"),
        new(
            "the provider as Paperless",
            null,
            (world, settings) => settings["GATEWAY_UPSTREAM_URL"] = new Uri(world.Provider.DiscoveryUrl, "/").GetLeftPart(UriPartial.Authority),
            "instead of Paperless's settings", "GATEWAY_UPSTREAM_URL"),
        new("wrong token", null, (_, settings) => settings["GATEWAY_PAPERLESS_TOKEN"] = new string('0', 40), "API token", "GATEWAY_PAPERLESS_TOKEN"),
        new(
            "an ordinary user's token",
            null,
            (world, settings) => settings["GATEWAY_PAPERLESS_TOKEN"] = world.Paperless.Data.TokenOf("alice"),
            "alice, who is no superuser", "GATEWAY_PAPERLESS_TOKEN"),
        new(
            "Remote-User is off in Paperless",
            options => options.Paperless = paperless => paperless with { RemoteUser = false },
            null,
            "ignores Remote-User", "PAPERLESS_ENABLE_HTTP_REMOTE_USER=true"),
        new(
            "another user header in Paperless",
            options => options.Paperless = paperless => paperless with { UserHeader = "X-Person" },
            null,
            "ignores Remote-User", "PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME"),
        new(
            "another cookie prefix in Paperless",
            options => options.Paperless = paperless => paperless with { CookiePrefix = "docs_" },
            null,
            "sessionid", "PAPERLESS_COOKIE_PREFIX"),
        new(
            "another base path in Paperless",
            null,
            (_, settings) => settings["PAPERLESS_FORCE_SCRIPT_NAME"] = "/docs",
            "302", "PAPERLESS_FORCE_SCRIPT_NAME"),
        new(
            "a wrong password of Paperless's administrator",
            null,
            (_, settings) =>
            {
                settings["GATEWAY_PAPERLESS_TOKEN"] = null;
                settings["PAPERLESS_ADMIN_USER"] = "admin";
                settings["PAPERLESS_ADMIN_PASSWORD"] = "not the password";
            },
            "PAPERLESS_ADMIN_PASSWORD", "Set GATEWAY_PAPERLESS_TOKEN"),
        new("Paperless with another public address", null, (world, _) => Paperless(world, 400), "400", "PAPERLESS_URL of Paperless"),
        new("a Paperless without version 9 of its API", null, (world, _) => Paperless(world, 406), "406", "use Paperless-ngx 3.0"),
        new("a Paperless with an error", null, (world, _) => Paperless(world, 500), "500", "Paperless's log"),
        new(
            "an older Paperless",
            null,
            (world, _) => Paperless(world, 200, """{"user": {"username": "admin", "is_superuser": true}, "settings": {"version": "2.20.3"}}"""),
            "2.20.3", "Update Paperless") { IsWarning = true },

        // The settings.
        new("a setting without a value that is needed", null, (_, settings) => settings["GATEWAY_PAPERLESS_TOKEN"] = null, "GATEWAY_PAPERLESS_TOKEN"),
        new(
            "the client secret of the example",
            null,
            (world, settings) => App(world, settings, app => app["secret"] = "<client secret>"),
            "secret still holds a placeholder (<…>)", "Write the real value"),
        new(
            "a shell variable left in the token",
            null,
            (_, settings) => settings["GATEWAY_PAPERLESS_TOKEN"] = "${TOKEN}",
            "GATEWAY_PAPERLESS_TOKEN", "placeholder (${…})"),
        new(
            "a command left in an address",
            null,
            (_, settings) => settings["GATEWAY_UPSTREAM_URL"] = "http://$(hostname):8000",
            "GATEWAY_UPSTREAM_URL", "placeholder ($(…))"),
        new(
            "a template left in an address",
            null,
            (world, settings) => Server(world, settings, _ => "https://{{ authentik }}/application/o/paperless/"),
            "server_url still holds a placeholder ({{…}})"),
        new(
            "the public address of the example",
            null,
            (_, settings) => settings["PAPERLESS_URL"] = "https://docs.example.com",
            "docs.example.com", "real host"),
        new(
            "the provider of the example",
            null,
            (world, settings) => Server(world, settings, _ => "https://auth.example.org/application/o/paperless/"),
            "auth.example.org", "server_url", "real host"),
        new(
            "an automatic sign-in in Paperless",
            null,
            (_, settings) => settings["PAPERLESS_AUTO_LOGIN_USERNAME"] = "alice",
            "PAPERLESS_AUTO_LOGIN_USERNAME", "Remove it"),
        new("Paperless in debug mode", null, (_, settings) => settings["PAPERLESS_DEBUG"] = "true", "PAPERLESS_DEBUG", "Remove it"),
        new(
            "Remote-User is off in the settings",
            null,
            (_, settings) => settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = null,
            "PAPERLESS_ENABLE_HTTP_REMOTE_USER", "Set it to true"),
        new(
            "a user header as HTTP writes it",
            null,
            (_, settings) => settings["PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME"] = "Remote-User",
            "PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME", "HTTP_REMOTE_USER"),
        new(
            "single quotes in the providers' JSON",
            null,
            (_, settings) => settings[ProvidersSetting.Variable] = "{'openid_connect': {}}",
            "single quotes", "Use double quotes"),
        new("no provider", null, (_, settings) => settings[ProvidersSetting.Variable] = "{}", "no OpenID Connect provider", "openid_connect.APPS"),
        new(
            "two entries for one provider",
            null,
            (world, settings) => settings[ProvidersSetting.Variable] =
                ProvidersSetting.Json(ProvidersSetting.Of(world.Provider), ProvidersSetting.Of(world.Provider.DiscoveryUrl, "second", "second", "secret")),
            "the same server_url", "Keep one"),
        new(
            "an unknown name in the providers' JSON",
            null,
            (world, settings) => App(world, settings, app => app["settings"]!["fetch_user_info"] = true),
            "fetch_user_info", "Did you mean \"fetch_userinfo\"") { IsWarning = true },
        new(
            "scopes with commas",
            null,
            (world, settings) => App(world, settings, app => app["settings"]!["scope"] = "openid,profile"),
            "SCOPE holds", "put spaces between") { IsWarning = true },
        new(
            "a misspelt variable of Paperless",
            null,
            (_, settings) => settings["PAPERLESS_SOCIAL_AUTO_SINGUP"] = "true",
            "PAPERLESS_SOCIAL_AUTO_SINGUP", "Did you mean PAPERLESS_SOCIAL_AUTO_SIGNUP") { IsWarning = true },
        new(
            "a variable of Paperless that the gateway does not read",
            null,
            (_, settings) => settings["PAPERLESS_ACCOUNT_SESSION_REMEMBER"] = "true",
            "PAPERLESS_ACCOUNT_SESSION_REMEMBER", "GATEWAY_SESSION_LIFETIME") { IsWarning = true },
        new(
            "a duration without a unit",
            null,
            (_, settings) => settings["GATEWAY_SESSION_IDLE"] = "24",
            "GATEWAY_SESSION_IDLE", "24 seconds", "Write 24s") { IsWarning = true },
        new("no duration", null, (_, settings) => settings["GATEWAY_SESSION_IDLE"] = "soon", "GATEWAY_SESSION_IDLE", "such as 24h"),
        new(
            "a secret's file that is not there",
            null,
            (world, settings) =>
            {
                settings["GATEWAY_PAPERLESS_TOKEN"] = null;
                settings["GATEWAY_PAPERLESS_TOKEN_FILE"] = Path.Combine(world.DataDirectory, "token");
            },
            "GATEWAY_PAPERLESS_TOKEN_FILE", "file"),
        new("a public address without a scheme", null, (_, settings) => settings["PAPERLESS_URL"] = "docs.example.org", "PAPERLESS_URL", "https://"),

        // The store.
        new(
            "a data directory that is a file",
            null,
            (world, settings) => settings["GATEWAY_DATA_DIR"] = FileIn(world),
            "GATEWAY_DATA_DIR"),
        new(
            "a database of a newer gateway",
            null,
            (world, _) => DatabaseFile(world, $"PRAGMA user_version = {DatabaseSchema.Current + 1};"),
            "a newer gateway", "Run that version"),
        new(
            "a database that is none",
            null,
            (world, _) => File.WriteAllText(DatabasePath(world), new string('x', 5000)),
            "cannot be opened", "GATEWAY_DATA_DIR"),
        new(
            "a Redis that does not answer",
            null,
            (_, settings) => settings["GATEWAY_REDIS_URL"] = $"redis://127.0.0.1:{World.FreePort()}",
            "no connection to Redis", "GATEWAY_REDIS_URL"),
    ];

    /// <summary>The provider's address is Paperless's, which answers the question for the discovery document so.</summary>
    private static void Discovery(World world, Dictionary<string, string?> settings, Action<HttpResponse> answer, string body = "")
    {
        world.Paperless.Faults.Write(
            request => request.Path.Contains("openid-configuration", StringComparison.Ordinal),
            response =>
            {
                answer(response);
                return response.WriteAsync(body, World.Ct);
            });
        Server(world, settings, _ => world.Paperless.Address.AbsoluteUri);
    }

    private static void Tamper(World world, Action<JsonObject> change) => world.Provider.TamperDiscovery = document =>
    {
        change(document);
        return document;
    };

    private static void Paperless(World world, int status, string? json = null) =>
        world.Paperless.Faults.Answer(request => request.Path == "/api/ui_settings/", status, json);

    private static string DatabasePath(World world)
    {
        Directory.CreateDirectory(world.DataDirectory);
        return Path.Combine(world.DataDirectory, Database.FileName);
    }

    private static void DatabaseFile(World world, string sql)
    {
        using SqliteConnection connection = new($"Data Source={DatabasePath(world)};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static void App(World world, Dictionary<string, string?> settings, Action<JsonObject> change)
    {
        JsonObject app = ProvidersSetting.Of(world.Provider);
        change(app);
        settings[ProvidersSetting.Variable] = ProvidersSetting.Json(app);
    }

    private static void Server(World world, Dictionary<string, string?> settings, Func<string, string> change) =>
        App(world, settings, app => app["settings"]!["server_url"] = change(world.Provider.DiscoveryUrl.AbsoluteUri));

    private static string FileIn(World world)
    {
        Directory.CreateDirectory(world.DataDirectory);
        string file = Path.Combine(world.DataDirectory, "file");
        File.WriteAllText(file, "");
        return file;
    }
}
