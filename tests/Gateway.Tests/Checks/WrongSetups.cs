using System.Text.Json.Nodes;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Checks;

/// <summary>A set-up with one fault, and the words of the line in which `check` must name it.</summary>
/// <param name="Name">What is wrong.</param>
/// <param name="Configure">Before the stand-ins start.</param>
/// <param name="Change">The gateway's variables, when the addresses of the stand-ins are known.</param>
/// <param name="Words">Parts of one line of the output, the remedy among them.</param>
internal sealed record WrongSetup(string Name, Action<WorldOptions>? Configure, Action<World, Dictionary<string, string?>>? Change, params string[] Words)
{
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
        new("a public address without a scheme", null, (_, settings) => settings["PAPERLESS_URL"] = "docs.example.org", "PAPERLESS_URL", "https://"),

        // The store.
        new(
            "a data directory that is a file",
            null,
            (world, settings) => settings["GATEWAY_DATA_DIR"] = FileIn(world),
            "GATEWAY_DATA_DIR"),
        new(
            "a Redis that does not answer",
            null,
            (_, settings) => settings["GATEWAY_REDIS_URL"] = $"redis://127.0.0.1:{World.FreePort()}",
            "no connection to Redis", "GATEWAY_REDIS_URL"),
    ];

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
