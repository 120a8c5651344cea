using System.Collections.Immutable;
using System.Text;
using static System.FormattableString;

namespace Gateway.Settings;

/// <summary>The documentation of an environment variable.</summary>
/// <param name="Default">Markdown; `required` or `none` if there is no default.</param>
internal sealed record Setting(string Name, string Default, string Meaning);

/// <summary>Settings under a common heading.</summary>
internal sealed record SettingsSection(string Title, ImmutableArray<Setting> Settings);

/// <summary>The documentation of all settings, in the order in which an operator needs them. `docs/settings.md` is generated from it.</summary>
internal static class SettingsReference
{
    public const string Required = "required";

    public const string None = "none";

    public static readonly ImmutableArray<SettingsSection> Sections =
    [
        new("Start here",
        [
            new("PAPERLESS_URL", Required, "The public address of Paperless, without a slash at the end, such as `https://docs.example.com`."),
            new("PAPERLESS_SOCIALACCOUNT_PROVIDERS", Required,
                "The providers, in the JSON format of Paperless. Every entry of `openid_connect.APPS` is one provider. A sign-in must fulfil `max_age` and "
                + "`acr_values` of `AUTH_PARAMS`, by the claims `auth_time` and `acr` of the ID token."),
            new("GATEWAY_CLIENT_KEY", None,
                "A private key (PEM without a password; RSA, or EC P-256) with which the gateway authenticates at the provider in place of a client " +
                "secret (`private_key_jwt`). It is usually given as `GATEWAY_CLIENT_KEY_FILE`. It is for providers without `secret`, or with the " +
                "`token_auth_method` `private_key_jwt`. Register its public key at the provider. " +
                "Microsoft Entra takes certificates only, so it does not work there."),
            new("PAPERLESS_ENABLE_HTTP_REMOTE_USER", Required,
                "`true`, for the gateway and for Paperless: Paperless takes the user from the gateway's header."),
            new("GATEWAY_UPSTREAM_URL", "`http://localhost:8000`",
                "The internal address of Paperless. Several addresses, separated by commas, are replicas of one Paperless."),
            new("GATEWAY_PAPERLESS_TOKEN", Required,
                "The API token of a Paperless superuser; the gateway manages accounts and groups with it. `PAPERLESS_ADMIN_USER` and " +
                "`PAPERLESS_ADMIN_PASSWORD` can replace it."),
            new("PAPERLESS_ADMIN_USER", None, "A Paperless superuser. Without `GATEWAY_PAPERLESS_TOKEN` the gateway fetches this user's API token."),
            new("PAPERLESS_ADMIN_PASSWORD", None, "The password of `PAPERLESS_ADMIN_USER`."),
        ]),
        new("Who may sign in",
        [
            new("GATEWAY_ALLOWED_GROUPS", "everybody",
                "Only members of one of these groups may sign in. The provider's name of a group counts, the last part of a path or of a " +
                "distinguished name, and the name in Paperless. An entry between slashes (`/dms-.*/`) is a regular expression for the whole name. " +
                "An entry with commas needs a JSON list: `[\"/cn=dms-[a-z]+,.*/\", \"editors\"]`."),
            new("GATEWAY_ID_TOKEN_ALGORITHMS", "those of the discovery document",
                "The algorithms with which the provider signs ID tokens for this client, such as `RS256`, `ES256`, `EdDSA` or `HS256`. Set it if the " +
                "client is registered for an algorithm that the discovery document does not list, such as `HS256` with the client secret, or to accept " +
                "no other one. With several providers, write each as `provider_id:algorithm`."),
            new("GATEWAY_USERNAME_CLAIM", "`preferred_username`", "The claim that holds the user name."),
            new("GATEWAY_USERNAME_MAP", "`{}`",
                "JSON that maps the provider's user names to Paperless's names, as `GATEWAY_GROUP_MAP` does: `{\"*@idm.example\": \"*\"}`. A name that " +
                "maps to `null` counts as missing."),
            new("GATEWAY_ALLOWED_EMAIL_DOMAINS", "everybody",
                "Only people with a verified email address (`email_verified`) in one of these domains may sign in. Subdomains do not count."),
            new("GATEWAY_REQUIRED_CLAIMS", "none",
                "JSON of claims that a person must have to sign in, such as `{\"department\": [\"office\", \"/tax-.*/\"]}`: each claim with one of the " +
                "values. A value between slashes is a regular expression for the whole value."),
            new("GATEWAY_ALLOWED_TENANTS", None,
                "For a `server_url` of Microsoft Entra with `common` or `organizations`: the ids of the tenants whose people may sign in. It is required " +
                "there, and all listed tenants are trusted alike. A provider with the id of one tenant in its `server_url` ignores it."),
            new("GATEWAY_MATCH_ACCOUNTS", "`username`; with several providers or open sign-up `never`",
                "`username`: a first sign-in takes over the ordinary Paperless account of the same name. `verified-email`: the one of the same " +
                "email address, if the provider has verified it. `never`: people connect their account themselves, or an operator links it."),
            new("PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS", "`true`", "New people get a Paperless account."),
            new("PAPERLESS_SOCIAL_AUTO_SIGNUP", "`false`", "`true`: the gateway creates that account at once. `false`: new people choose a user name first."),
            new("PAPERLESS_ACCOUNT_ALLOW_SIGNUPS", "`false`", "`true`: anyone can create an account on Paperless's own sign-up page."),
            new("PAPERLESS_DISABLE_REGULAR_LOGIN", "`false`", "`true`: no password reaches Paperless, whether from a page, an app or HTTP Basic."),
            new("GATEWAY_FAILED_LOGINS", "`10/5m`",
                "So many wrong passwords and API tokens may come from one address, or for one user name, within a time; after that the next attempt gets " +
                "429 for as long. A user name that is under attack still works from networks that sent no wrong password. `off`: no limit here."),
            new("PAPERLESS_REDIRECT_LOGIN_TO_SSO", "`false`", "`true`: people go straight to the first provider and skip the sign-in page."),
        ]),
        new("Groups",
        [
            new("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "`false`", "`true`: the groups in Paperless follow the provider at each sign-in and each recheck."),
            new("GATEWAY_GROUPS_CLAIM", "`PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS_CLAIM`, else `groups`",
                "The claim that holds the groups. A path with dots, such as `realm_access.roles`, leads into nested claims. Several claims, such as " +
                "`groups,roles`, are added together."),
            new("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS_CLAIM", None, "Paperless's own name for `GATEWAY_GROUPS_CLAIM`."),
            new("GATEWAY_GROUP_MAP", "`{}`",
                "JSON that maps the provider's group names to Paperless's names, or to `null` to drop a group. A `*` at one end of a name is a " +
                "wildcard. A name between slashes is a regular expression for the whole name: `{\"/cn=([^,]+),.*/\": \"$1\"}`. Commas separate several " +
                "groups in Paperless; a comma in a name is written `\\\\,`."),
            new("GATEWAY_CREATE_GROUPS", "`false`", "`true`: the gateway creates groups that Paperless lacks, without permissions."),
            new("PAPERLESS_SOCIAL_ACCOUNT_DEFAULT_GROUPS", None, "Paperless groups that every new account gets."),
            new("PAPERLESS_ACCOUNT_DEFAULT_GROUPS", None, "More Paperless groups that every new account gets."),
            new("GATEWAY_SUPERUSER_GROUPS", None, "Members of these groups become superusers; people who leave the groups lose the flag. With several "
                + "providers, write each as `provider_id:group`."),
            new("GATEWAY_STAFF_GROUPS", None, "The same for staff, who may use Paperless's `/admin/`."),
            new("PAPERLESS_SOCIAL_ACCOUNT_SYNC_SUPERUSER_GROUP", None,
                "Paperless's own variable (since 3.1), for one group and one provider, if `GATEWAY_SUPERUSER_GROUPS` is not set. Its members become staff as " +
                "well."),
            new("PAPERLESS_SOCIAL_ACCOUNT_SYNC_STAFF_GROUP", None,
                "The same for staff, if `GATEWAY_STAFF_GROUPS` is not set. Superusers become staff as well."),
        ]),
        new("Sessions",
        [
            new("GATEWAY_SESSION_IDLE", "`24h`", "A session expires after this time without use (`90s`, `5m`, `24h`, `7d`)."),
            new("GATEWAY_SESSION_LIFETIME", "`PAPERLESS_SESSION_COOKIE_AGE`", "A session expires after this time even if it is in use."),
            new("GATEWAY_SESSION_RECHECK", "`5m`", "While a session is in use, the gateway asks the provider this often whether the person still has access."),
            new("GATEWAY_OFFLINE_ACCESS", "`auto`",
                "Whether a sign-in asks for the scope `offline_access`, which gives a refresh token. `auto`: if `SCOPE` names it, and at authentik if " +
                "its discovery document lists it. `never`: not even if `SCOPE` names it. `always`: at every provider. A provider that refuses the scope " +
                "(`invalid_scope`) is asked again without it at once."),
            new("PAPERLESS_SESSION_COOKIE_AGE", "`1814400`", "Paperless's own session lifetime, in seconds."),
            new("PAPERLESS_LOGOUT_REDIRECT_URL", "the provider's end-session endpoint", "The address that the browser goes to after a logout."),
        ]),
        new("Apps and scanners",
        [
            new("GATEWAY_APPS", "`true`", "Whether apps sign in by single sign-on and people can make device passwords."),
            new(
                "GATEWAY_APP_RECHECK",
                "`1h`",
                "While a device password is in use, the gateway asks the provider this often whether the person still has access."),
            new("GATEWAY_APP_LIFETIME", "`180d`", "A device password that the provider cannot be asked about (no refresh token) expires after this time."),
            new("GATEWAY_APP_CLIENT_IDS", "the provider's `client_id`",
                "The clients at the provider with which apps sign in by single sign-on, comma-separated: `client_id`, or `provider_id:client_id` " +
                "where there are several providers. An app keeps no secret, so its client is a public one. Apps are told to use the first one of each " +
                "provider. The client must put the claims, such as the groups, into the ID token, unless the app sends the access token, too."),
            new("GATEWAY_APP_ISSUERS", None,
                "The issuers of the clients in `GATEWAY_APP_CLIENT_IDS` where they differ from the provider's, as at authentik, comma-separated: " +
                "`issuer`, or `provider_id:issuer`. Such a client must sign with the provider's key and give everybody the same `sub` as the " +
                "provider's `client_id` does."),
            new("GATEWAY_PAPERLESS_TOKENS", "`true`", "Whether the API accepts Paperless's own API tokens. `false`: only device passwords."),
            new("GATEWAY_BEARER_AUDIENCES", None,
                "The API accepts access tokens of the providers (`Authorization: Bearer`, signed JWTs) for one of these audiences, comma-separated. "
                + "The answer about a token is kept for `GATEWAY_APP_RECHECK` at most."),
        ]),
        new("Look of the pages",
        [
            new("PAPERLESS_APP_TITLE", "`Paperless-ngx`", "The name on the pages. The title in Paperless's own configuration comes first."),
            new("PAPERLESS_APP_LOGO", None,
                "The logo on the pages, in place of the leaf: `/logo/` and the name of the file in Paperless's media directory. The logo in Paperless's own " +
                "configuration comes first. Paperless shows the logo to everybody; version 3.0 does so only with one from its configuration."),
            new("GATEWAY_SIGN_IN_TEXT", None,
                "Text on the sign-in page, at most 1000 characters: plain text, in which `\\n` begins a new line."),
            new("GATEWAY_PROVIDER_ICONS", None,
                "Pictures on the buttons of the sign-in page, comma-separated: `provider_id=/path/of/the/file`. PNG, WebP or SVG, at most 64 KiB each."),
        ]),
        new("Network",
        [
            new("GATEWAY_PUBLIC_URL", "`PAPERLESS_URL`", "The public address, if Paperless needs another value of `PAPERLESS_URL`."),
            new("GATEWAY_TRUSTED_PROXIES", "`PAPERLESS_TRUSTED_PROXIES`",
                "Addresses and networks whose `X-Forwarded-For` and `X-Forwarded-Host` the gateway accepts."),
            new("PAPERLESS_TRUSTED_PROXIES", None, "Paperless's own name for `GATEWAY_TRUSTED_PROXIES`."),
            new("PAPERLESS_ALLOWED_HOSTS", None, "More host names at which the gateway answers apps that bring an API token."),
            new("PAPERLESS_CORS_ALLOWED_HOSTS", "`http://localhost:8000`",
                "The origins of web apps that may call the API from a browser: their preflight requests are answered by Paperless."),
            new("PAPERLESS_FORCE_SCRIPT_NAME", None, "The path below which Paperless lives, such as `/paperless`."),
            new("GATEWAY_HSTS", "`30d` if the public address is https at port 443",
                "How long browsers use only https (`Strict-Transport-Security`), such as `30d` or `365d`. It applies to every port of the host name, " +
                "including ports that serve something else. `off`: the header is not sent."),
            new("GATEWAY_MANAGEMENT_URL", "`http://127.0.0.1:8081`",
                "The address of the health checks and metrics, apart from the public address. The image sets `http://+:8081`."),
            new("GATEWAY_DRAIN", "`off`",
                "How long the gateway accepts requests after SIGTERM, while `/health/serving` already answers 503, such as `10s`. For a load balancer: " +
                "[Restarts without a lost request](several-gateways.md#restarts-without-a-lost-request)."),
            new("GATEWAY_METRICS", "`true` if `GATEWAY_MANAGEMENT_URL` or `OTEL_EXPORTER_OTLP_ENDPOINT` is set",
                "Whether the gateway collects metrics: Prometheus reads them at `/metrics` of the management address."),
            new("OTEL_EXPORTER_OTLP_ENDPOINT", None,
                "The address of an OpenTelemetry collector, to which the gateway sends its metrics and traces, such as `http://collector:4317`. The standard " +
                "variables beside it count, too, such as `OTEL_EXPORTER_OTLP_PROTOCOL` (`grpc`, or `http/protobuf`) and `OTEL_METRIC_EXPORT_INTERVAL`."),
            new("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "`OTEL_EXPORTER_OTLP_ENDPOINT`", "The address of the collector for traces, if it is another one."),
            new("GATEWAY_TRACES", "`true` if one of the two addresses above is set", "Whether the gateway sends traces."),
            new("OTEL_TRACES_SAMPLER", "`parentbased_always_on`",
                "Which requests are recorded: `always_on`, `always_off` or `traceidratio`. With `parentbased_` in front, the decision of a trusted proxy " +
                "(`GATEWAY_TRUSTED_PROXIES`) counts where there is one. The decision of any other client never counts."),
            new("OTEL_TRACES_SAMPLER_ARG", "`1`", "The share of requests that `traceidratio` records, such as `0.01`."),
        ]),
        new("Log",
        [
            new("GATEWAY_LOG_FORMAT", "`auto`", "`text`: one readable line an event. `json`: one JSON object a line. `auto`: text on a terminal, else JSON."),
            new("GATEWAY_LOG_LEVEL", "`information`", "The lowest level of the log: `debug`, `information`, `warning` or `error`."),
            new("GATEWAY_ACCESS_LOG", "`true` at the level `information`", "Whether each request has a line in the log, whatever `GATEWAY_LOG_LEVEL` says."),
            new("GATEWAY_AUDIT_LOG", None,
                "Where the [audit stream](audit.md) goes: the path of a file, or `stdout`. A file is opened for each write, so it can be rotated."),
        ]),
        new("Storage",
        [
            new("GATEWAY_DATA_DIR", "`data`", "The directory of sessions, account links and keys. The image sets `/data`."),
            new("GATEWAY_REDIS_URL", None,
                "A Redis that several gateways share: `redis://user:password@host:6379/0`, `rediss://` for TLS, or a StackExchange.Redis " +
                "connection string."),
        ]),
        new("Same value as in Paperless",
        [
            new("PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME", "`HTTP_REMOTE_USER`", "The header that names the user, in Django's spelling."),
            new("PAPERLESS_ENABLE_HTTP_REMOTE_USER_API", "`false`",
                "The same header for Paperless's API. `true` also switches `PAPERLESS_ENABLE_HTTP_REMOTE_USER` on."),
            new("PAPERLESS_PROXY_SSL_HEADER", None,
                "`[\"HTTP_X_FORWARDED_PROTO\", \"https\"]` if the public address is https: Paperless then writes https into the links of its API. " +
                "The gateway sends the header that the variable names."),
            new("PAPERLESS_COOKIE_PREFIX", None, "A prefix of the names of Paperless's cookies."),
            new("GATEWAY_STATIC_CACHE", "`true`", "Paperless's static files come from the gateway's memory; `false` forwards every request for them."),
            new("GATEWAY_READ_AHEAD", "`true`; `false` with `GATEWAY_REDIS_URL`", "When somebody opens a page, the gateway asks Paperless at once for what " +
                "the page asked for last time, and holds each answer for two seconds. Any change through the gateway discards it. The browser is told to ask " +
                "early for what all pages of the person begin with. With several gateways " +
                "on one Redis, a change through another gateway is not seen: a page may then show what was there up to two seconds ago."),
        ]),
    ];

    /// <summary>A heading and a table for each section.</summary>
    public static string ToMarkdown()
    {
        StringBuilder text = new();
        foreach (SettingsSection section in Sections)
        {
            text.Append(Invariant($"## {section.Title}\n\n| Variable | Default | Meaning |\n|---|---|---|\n"));
            foreach (Setting setting in section.Settings)
            {
                text.Append(Invariant($"| `{setting.Name}` | {setting.Default} | {setting.Meaning} |\n"));
            }

            text.Append('\n');
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }
}
