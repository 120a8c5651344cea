using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Gateway.Operations;

/// <summary>The files that `setup` writes, with the addresses and the secrets of one installation.</summary>
internal sealed partial class SetupFiles
{
    public const string GatewayEnvironment = "gateway.env";
    public const string PaperlessEnvironment = "paperless.env";
    public const string Blueprint = "authentik-blueprint.yaml";
    public const string Compose = "compose.gateway.yaml";
    public const string Nginx = "nginx.conf";

    private const string ComposeText = """
        # The gateway's service, beside Paperless: docker compose -f docker-compose.yml -f compose.gateway.yaml up --detach
        # Remove "ports:" from Paperless: only the gateway may reach it.
        services:
          gateway:
            image: paperless-gateway:0.1.0
            restart: unless-stopped
            env_file: gateway.env
            ports:
              - "127.0.0.1:8080:8080"
            volumes:
              - gateway-data:/data
            read_only: true
            tmpfs:
              - /tmp
            cap_drop:
              - ALL
            security_opt:
              - no-new-privileges:true
            stop_grace_period: 45s

        volumes:
          gateway-data:

        """;

    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SetupAnswers _answers;
    private readonly SetupSecrets _secrets;

    public SetupFiles(SetupAnswers answers, SetupSecrets secrets)
    {
        _answers = answers;
        _secrets = secrets;
        Settings =
        [
            ("PAPERLESS_URL", answers.Public.Origin),
            ("PAPERLESS_ENABLE_HTTP_REMOTE_USER", "true"),
            ("PAPERLESS_SOCIALACCOUNT_PROVIDERS", Providers()),
            ("GATEWAY_UPSTREAM_URL", answers.Paperless.GetLeftPart(UriPartial.Authority)),
            .. answers.IsAuthentik
                ?
                [
                    ("GATEWAY_ALLOWED_GROUPS", AuthentikSetup.GroupName),
                    ("GATEWAY_APP_CLIENT_IDS", SetupAnswers.AppClientId),
                    ("GATEWAY_APP_ISSUERS", $"{answers.ProviderUrl.AbsoluteUri.TrimEnd('/')}/application/o/{SetupAnswers.AppClientId}/"),
                ]
                : Array.Empty<(string, string)>(),
            .. answers.IsExisting
                ? [("GATEWAY_PAPERLESS_TOKEN", secrets.Token ?? $"<api token of {answers.Admin}>")]
                : new (string, string)[] { ("PAPERLESS_ADMIN_USER", answers.Admin), ("PAPERLESS_ADMIN_PASSWORD", secrets.Password) },
        ];
    }

    /// <summary>The gateway's own variables.</summary>
    public IReadOnlyList<(string Name, string Value)> Settings { get; }

    public static IReadOnlyList<string> Names(SetupAnswers answers) =>
        [GatewayEnvironment, PaperlessEnvironment, .. answers.IsAuthentik ? [Blueprint] : Array.Empty<string>(), Compose, Nginx];

    /// <summary>The files by their names, and whether a file holds a secret.</summary>
    public IReadOnlyList<(string Name, string Text, bool IsSecret)> All() =>
    [
        (GatewayEnvironment, "# The settings of Paperless Gateway, written by \"setup\".\n" + Lines(Settings), true),
        (PaperlessEnvironment, "# Add these lines to the env file of Paperless. Only the gateway may reach Paperless then.\n" + Lines(ForPaperless()), true),
        .. _answers.IsAuthentik ? [(Blueprint, BlueprintText(), true)] : Array.Empty<(string, string, bool)>(),
        (Compose, ComposeText, false),
        (Nginx, NginxText(), false),
    ];

    private IEnumerable<(string Name, string Value)> ForPaperless() =>
    [
        ("PAPERLESS_URL", _answers.Public.Origin),
        ("PAPERLESS_ENABLE_HTTP_REMOTE_USER", "true"),
        .. _answers.IsExisting
            ? Array.Empty<(string, string)>()
            : [("PAPERLESS_SECRET_KEY", _secrets.SecretKey), ("PAPERLESS_ADMIN_USER", _answers.Admin), ("PAPERLESS_ADMIN_PASSWORD", _secrets.Password)],
    ];

    private string Providers() => new JsonObject
    {
        ["openid_connect"] = new JsonObject
        {
            ["OAUTH_PKCE_ENABLED"] = true,
            ["APPS"] = new JsonArray(new JsonObject
            {
                ["provider_id"] = SetupAnswers.ProviderId,
                ["name"] = _answers.IsAuthentik ? "authentik" : _answers.ProviderUrl.Host,
                ["client_id"] = _secrets.ClientId,
                ["secret"] = _secrets.ClientSecret ?? "<client secret>",
                ["settings"] = new JsonObject { ["server_url"] = _answers.ServerUrl },
            }),
        },
    }.ToJsonString(Json);

    /// <summary>The shipped blueprint, without variables of authentik's worker.</summary>
    private string BlueprintText()
    {
        string text = Resource("Gateway.Operations.authentik-blueprint.yaml");
        text = FormattedAddress().Replace(text, match => $"\"{_answers.Public.Origin}{match.Groups["path"].Value}\"");
        return text
            .Replace("!Env PAPERLESS_URL", $"\"{_answers.Public.Origin}\"", StringComparison.Ordinal)
            .Replace("!Env PAPERLESS_CLIENT_ID", Quoted(_secrets.ClientId), StringComparison.Ordinal)
            .Replace("!Env PAPERLESS_CLIENT_SECRET", Quoted(_secrets.ClientSecret!), StringComparison.Ordinal)
            .Replace(
                "# It takes PAPERLESS_URL, PAPERLESS_CLIENT_ID and PAPERLESS_CLIENT_SECRET from the worker's environment.",
                "# It holds the client secret of this installation.",
                StringComparison.Ordinal);
    }

    /// <summary>nginx listens where people's browsers ask: at the port and with the scheme of the public address.</summary>
    private string ListenLines() => _answers.Public.IsHttps
        ? $"""
                listen {_answers.Public.Port} ssl http2;
                server_name {_answers.Public.Hostname};
                ssl_certificate     /etc/ssl/{_answers.Public.Hostname}.pem;
                ssl_certificate_key /etc/ssl/{_answers.Public.Hostname}.key;
            """
        : $"""
                listen {_answers.Public.Port};
                server_name {_answers.Public.Hostname};
            """;

    /// <summary>The recipe of docs/reverse-proxies.md.</summary>
    private string NginxText() => $$"""
        map $http_upgrade $connection_upgrade {
            default upgrade;
            ''      '';
        }

        server {
        {{ListenLines()}}
            client_max_body_size 0;
            large_client_header_buffers 4 32k;

            location / {
                proxy_pass http://127.0.0.1:8080;
                proxy_http_version 1.1;
                proxy_buffering off;
                proxy_request_buffering off;
                proxy_buffer_size 16k;
                proxy_buffers 4 16k;
                proxy_read_timeout 1h;
                proxy_set_header Host $http_host;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $connection_upgrade;
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            }
        }

        """;

    private static string Lines(IEnumerable<(string Name, string Value)> variables) =>
        string.Concat(variables.Select(variable => $"{variable.Name}={variable.Value}\n"));

    /// <summary>A text in double quotes means the same in YAML as in JSON.</summary>
    private static string Quoted(string text) => JsonValue.Create(text).ToJsonString(Json);

    private static string Resource(string name)
    {
        using Stream stream = typeof(SetupFiles).Assembly.GetManifestResourceStream(name)!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"!Format \[""%s(?<path>[^""]*)"", !Env PAPERLESS_URL\]")]
    private static partial Regex FormattedAddress();
}
