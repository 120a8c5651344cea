using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>Reads one provider: an entry of `openid_connect.APPS`.</summary>
/// <param name="clientKey">The key for clients without a secret; null if there is none.</param>
internal sealed partial class ProviderReader(string variable, Variables variables, ProvidersJson json, ProviderNames names, ClientKey? clientKey)
{
    private const string DiscoveryPath = "/.well-known/openid-configuration";

    /// <summary>Parameters of the protocol, which `AUTH_PARAMS` must not set.</summary>
    private static readonly ImmutableHashSet<string> ReservedParameters = ImmutableHashSet.Create(
        StringComparer.Ordinal,
        "client_id", "client_secret", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
        "code_challenge", "code_challenge_method", "request", "request_uri");

    /// <returns>Null if a part is missing that a provider cannot do without.</returns>
    public ProviderSettings? Read(JsonElement app, string place, JsonElement connect)
    {
        if (app.ValueKind != JsonValueKind.Object)
        {
            variables.Problem(
                variable,
                $"{place} is not an object.",
                "Write {\"provider_id\": …, \"client_id\": …, \"secret\": …, \"settings\": {\"server_url\": …}}.");
            return null;
        }

        _ = ProvidersJson.TryGet(app, "settings", JsonValueKind.Object, out JsonElement settings);
        names.WarnOfApp(app, settings, place);
        string? id = json.Required(app, "provider_id", place);
        string? clientId = json.Required(app, "client_id", place);
        Uri? discovery = json.Required(settings, "server_url", place + ".settings") is { } url ? Discovery(url, place) : null;
        if (id is not null && !ProviderId().IsMatch(id))
        {
            variables.Problem(variable, $"{place}.provider_id \"{id}\" cannot stand in a path.", "Use letters, digits, '.', '_' and '-' only, 64 at the most.");
            return null;
        }

        TokenAuthMethod? method = AuthMethod(settings, place);
        string secret = json.Optional(app, "secret", place) ?? "";
        if (secret.Length == 0 && method is TokenAuthMethod.ClientSecretBasic or TokenAuthMethod.ClientSecretPost)
        {
            variables.Problem(
                variable,
                $"{place} has a token_auth_method but no secret.",
                "Add \"secret\", or remove \"token_auth_method\" for a public client.");
        }

        if (secret.Length == 0 && method is null && clientKey is null)
        {
            variables.Warn($"{variable}: {place} has no \"secret\", so it must be a public client at the provider. "
                + "If it is not, add the client secret; if it is, \"token_auth_method\": \"none\" in its settings says so.");
        }

        method = AuthMethod(method, secret, place);
        if (id is null || clientId is null || discovery is null)
        {
            return null;
        }

        return new ProviderSettings
        {
            Id = id,
            Name = json.Optional(app, "name", place) ?? id,
            ClientId = clientId,
            ClientSecret = secret,
            DiscoveryUrl = discovery,
            FetchUserInfo = settings.ValueKind != JsonValueKind.Object || !ProvidersJson.TryGet(settings, "fetch_userinfo", JsonValueKind.False, out _),
            TokenAuthMethod = method,
            ClientKey = method == TokenAuthMethod.PrivateKeyJwt ? clientKey : null,
            SubjectClaim = json.Optional(settings, "uid_field", place + ".settings") ?? "sub",
            Scopes = Scopes(settings, connect),
            AuthorizationParameters = AuthorizationParameters(connect, settings),
        };
    }

    private Uri? Discovery(string text, string place)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || url.Scheme is not ("http" or "https")
            || url.Fragment.Length > 0 || url.UserInfo.Length > 0 || text.Contains(' ', StringComparison.Ordinal))
        {
            variables.Problem(
                variable,
                $"{place}.settings.server_url is not a full address without fragment, user name and spaces.",
                "Write the provider's issuer with https://, for authentik https://<authentik>/application/o/<slug>/.well-known/openid-configuration.");
            return null;
        }

        if (url.Scheme == Uri.UriSchemeHttp && !url.IsLoopback)
        {
            variables.Warn($"{variable}: {place}.settings.server_url is http; codes and tokens cross the network unencrypted.");
        }

        // A query belongs to the discovery document: `?appid=` at Entra, `?p=` at Azure AD B2C. A slash at the end of its path may matter, too.
        string address = url.GetLeftPart(UriPartial.Path);
        bool isDocument = address.Contains("/.well-known/", StringComparison.Ordinal);
        return new Uri((isDocument ? address : address.TrimEnd('/') + DiscoveryPath) + url.Query);
    }

    private TokenAuthMethod? AuthMethod(JsonElement settings, string place)
    {
        switch (json.Optional(settings, "token_auth_method", place + ".settings"))
        {
            case null: return null;
            case "client_secret_basic": return TokenAuthMethod.ClientSecretBasic;
            case "client_secret_post": return TokenAuthMethod.ClientSecretPost;
            case "private_key_jwt": return TokenAuthMethod.PrivateKeyJwt;
            case "none": return TokenAuthMethod.None;
            default:
                variables.Problem(
                    variable,
                    $"{place}.settings.token_auth_method is not one that the gateway knows.",
                    "Write client_secret_basic, client_secret_post or private_key_jwt, or leave it out.");
                return null;
        }
    }

    /// <summary>Without a secret, a client has the key, unless the settings say `none`; without either it is public.</summary>
    /// <returns>Null if the secret may be sent in any way.</returns>
    private TokenAuthMethod? AuthMethod(TokenAuthMethod? chosen, string secret, string place)
    {
        if (chosen == TokenAuthMethod.PrivateKeyJwt && clientKey is null && variables.Text(GatewaySettingsReader.ClientKeyVariable) is null
            && !variables.IsUnreadable(GatewaySettingsReader.ClientKeyVariable))
        {
            variables.Problem(
                GatewaySettingsReader.ClientKeyVariable + "_FILE",
                $"is not set, but {place} has the token_auth_method private_key_jwt.",
                "Name the file of the client's private key in PEM format.");
        }

        if (chosen == TokenAuthMethod.PrivateKeyJwt || secret.Length > 0)
        {
            return chosen;
        }

        return clientKey is not null && chosen is null ? TokenAuthMethod.PrivateKeyJwt : TokenAuthMethod.None;
    }

    private ImmutableArray<string> Scopes(JsonElement settings, JsonElement connect)
    {
        IEnumerable<string> scopes = Strings(settings, "scope") ?? Strings(connect, "SCOPE") ?? ["openid", "profile", "email"];
        foreach (string scope in scopes.Where(scope => scope.Contains(',', StringComparison.Ordinal)))
        {
            variables.Warn($"{variable}: SCOPE holds \"{scope}\", which is one scope with a comma in its name. "
                + "Write [\"openid\", \"profile\", \"email\"], or put spaces between the scopes.");
        }

        return [.. scopes.Prepend("openid").Distinct(StringComparer.Ordinal)];
    }

    /// <summary>`SCOPE` is an array in allauth. A string with spaces, as in the protocol, is accepted, too.</summary>
    private static string[]? Strings(JsonElement parent, string name)
    {
        if (ProvidersJson.TryGet(parent, name, JsonValueKind.Array, out JsonElement array))
        {
            return [.. array.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).SelectMany(item => Words(item.GetString()!))];
        }

        return ProvidersJson.Text(parent, name) is { } text ? Words(text) : null;
    }

    private static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private ImmutableSortedDictionary<string, string> AuthorizationParameters(JsonElement connect, JsonElement settings)
    {
        ImmutableSortedDictionary<string, string>.Builder parameters = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach ((JsonElement parent, string name) in new[] { (connect, "AUTH_PARAMS"), (settings, "auth_params") })
        {
            if (!ProvidersJson.TryGet(parent, name, JsonValueKind.Object, out JsonElement given))
            {
                continue;
            }

            foreach (JsonProperty parameter in given.EnumerateObject())
            {
                if (ReservedParameters.Contains(parameter.Name))
                {
                    variables.Problem(variable, $"{name} sets \"{parameter.Name}\", which belongs to the protocol.", "Remove it; the gateway sends its own.");
                }
                else if (parameter.Name == ProviderSettings.MaxAgeParameter && !IsSeconds(parameter.Value.ToString()))
                {
                    variables.Problem(variable, $"{name} sets \"max_age\" to something that is no number of seconds.", "Write a number such as 3600.");
                }
                else
                {
                    parameters[parameter.Name] = parameter.Value.ToString();
                }
            }
        }

        return parameters.ToImmutable();
    }

    private static bool IsSeconds(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex ProviderId();
}
