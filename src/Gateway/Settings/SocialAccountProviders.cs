using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>Reads `PAPERLESS_SOCIALACCOUNT_PROVIDERS` in the format of django-allauth: each entry of `openid_connect.APPS` is a provider.</summary>
/// <param name="clientKey">The key for clients without a secret; null if there is none.</param>
internal sealed partial class SocialAccountProviders(string variable, Variables variables, ClientKey? clientKey)
{
    private const string DiscoveryPath = "/.well-known/openid-configuration";

    /// <summary>Parameters of the protocol, which `AUTH_PARAMS` must not set.</summary>
    private static readonly ImmutableHashSet<string> ReservedParameters = ImmutableHashSet.Create(
        StringComparer.Ordinal,
        "client_id", "client_secret", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
        "code_challenge", "code_challenge_method", "request", "request_uri");

    private readonly ProviderNames _names = new(variable, variables);

    public ImmutableArray<ProviderSettings> Read(string? text)
    {
        if (text is null && variables.IsUnreadable(variable))
        {
            return [];
        }

        if (text is null)
        {
            variables.Problem(variable, "is not set.", "Copy the value that Paperless's own sign-in uses (authentik's guide for Paperless-ngx has one).");
            return [];
        }

        if (Parse(text) is not { } document)
        {
            return [];
        }

        using (document)
        {
            try
            {
                return Read(document.RootElement);
            }
            catch (InvalidOperationException)
            {
                // JsonElement decodes texts when they are read, and throws at an unpaired surrogate.
                variables.Problem(variable, "has a \\u escape that is only half of a character.", "Write the character itself.");
                return [];
            }
        }
    }

    private ImmutableArray<ProviderSettings> Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            variables.Problem(variable, "is not a JSON object.", "It starts with {\"openid_connect\": {\"APPS\": [ … ]}}.");
            return [];
        }

        foreach (JsonProperty kind in root.EnumerateObject())
        {
            if (kind.Name != "openid_connect")
            {
                variables.Warn($"{variable}: the provider kind \"{kind.Name}\" is not OpenID Connect and is ignored by the gateway.");
            }
        }

        _ = TryGet(root, "openid_connect", JsonValueKind.Object, out JsonElement connect);
        if (Apps(connect) is not { Length: > 0 } apps)
        {
            variables.Problem(variable, "names no OpenID Connect provider.", "Put at least one entry into openid_connect.APPS.");
            return [];
        }

        _names.WarnOfConnect(connect);
        ReportPlaceholders(connect, "openid_connect");
        ImmutableArray<ProviderSettings>.Builder providers = ImmutableArray.CreateBuilder<ProviderSettings>(apps.Length);
        for (int index = 0; index < apps.Length; index++)
        {
            if (App(apps[index], index, connect) is { } provider)
            {
                providers.Add(provider);
            }
        }

        foreach (IGrouping<string, ProviderSettings> twice in providers.GroupBy(provider => provider.Id, StringComparer.OrdinalIgnoreCase)
            .Where(group => group.Count() > 1))
        {
            variables.Problem(
                variable,
                $"the provider_id \"{twice.Key}\" stands {twice.Count()} times in openid_connect.APPS.",
                "Give each provider an id of its own.");
        }

        foreach (IGrouping<Uri, ProviderSettings> same in providers
            .GroupBy(provider => new Uri(provider.DiscoveryUrl.AbsoluteUri.TrimEnd('/'))).Where(group => group.Count() > 1))
        {
            string ids = string.Join(" and ", same.Select(provider => $"\"{provider.Id}\""));
            variables.Problem(
                variable,
                $"the providers {ids} have the same server_url, and an issuer has one provider.",
                "Keep one of them; two applications of one authentik have a server_url each.");
        }

        if (clientKey is not null && providers.All(provider => provider.ClientKey is null))
        {
            variables.Warn($"{variables.Source(GatewaySettingsReader.ClientKeyVariable)}: no provider uses the key. Remove \"secret\" from the provider "
                + "that it is for.");
        }

        return providers.ToImmutable();
    }

    private void ReportPlaceholders(JsonElement value, string place)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in value.EnumerateObject())
            {
                ReportPlaceholders(property.Value, $"{place}.{property.Name}");
            }
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            int index = 0;
            foreach (JsonElement item in value.EnumerateArray())
            {
                ReportPlaceholders(item, $"{place}[{index++}]");
            }
        }
        else if (value.ValueKind == JsonValueKind.String && Placeholder.Find(value.GetString()!) is { } placeholder)
        {
            variables.ReportPlaceholder(variable, place, placeholder);
        }
    }

    /// <summary>Like allauth, accepts a single `APP` instead of `APPS`.</summary>
    private static JsonElement[]? Apps(JsonElement connect)
    {
        if (TryGet(connect, "APPS", JsonValueKind.Array, out JsonElement apps))
        {
            return [.. apps.EnumerateArray()];
        }

        return TryGet(connect, "APP", JsonValueKind.Object, out JsonElement app) ? [app] : null;
    }

    private ProviderSettings? App(JsonElement app, int index, JsonElement connect)
    {
        string place = $"openid_connect.APPS[{index}]";
        if (app.ValueKind != JsonValueKind.Object)
        {
            variables.Problem(
                variable,
                $"{place} is not an object.",
                "Write {\"provider_id\": …, \"client_id\": …, \"secret\": …, \"settings\": {\"server_url\": …}}.");
            return null;
        }

        _ = TryGet(app, "settings", JsonValueKind.Object, out JsonElement settings);
        _names.WarnOfApp(app, settings, place);
        string? id = Required(app, "provider_id", place);
        string? clientId = Required(app, "client_id", place);
        Uri? discovery = Required(settings, "server_url", place + ".settings") is { } url ? Discovery(url, place) : null;
        if (id is not null && !ProviderId().IsMatch(id))
        {
            variables.Problem(variable, $"{place}.provider_id \"{id}\" cannot stand in a path.", "Use letters, digits, '.', '_' and '-' only, 64 at the most.");
            return null;
        }

        TokenAuthMethod? method = AuthMethod(settings, place);
        string secret = Optional(app, "secret", place) ?? "";
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
            Name = Optional(app, "name", place) ?? id,
            ClientId = clientId,
            ClientSecret = secret,
            DiscoveryUrl = discovery,
            FetchUserInfo = settings.ValueKind != JsonValueKind.Object || !TryGet(settings, "fetch_userinfo", JsonValueKind.False, out _),
            TokenAuthMethod = method,
            ClientKey = method == TokenAuthMethod.PrivateKeyJwt ? clientKey : null,
            SubjectClaim = Optional(settings, "uid_field", place + ".settings") ?? "sub",
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
        switch (Optional(settings, "token_auth_method", place + ".settings"))
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
        if (TryGet(parent, name, JsonValueKind.Array, out JsonElement array))
        {
            return [.. array.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).SelectMany(item => Words(item.GetString()!))];
        }

        return Text(parent, name) is { } text ? Words(text) : null;
    }

    private static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private ImmutableSortedDictionary<string, string> AuthorizationParameters(JsonElement connect, JsonElement settings)
    {
        ImmutableSortedDictionary<string, string>.Builder parameters = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach ((JsonElement parent, string name) in new[] { (connect, "AUTH_PARAMS"), (settings, "auth_params") })
        {
            if (!TryGet(parent, name, JsonValueKind.Object, out JsonElement given))
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

    private string? Required(JsonElement parent, string name, string place)
    {
        string? text = Text(parent, name);
        if (text is null)
        {
            variables.Problem(variable, $"{place} has no {name}.", $"Add \"{name}\" as a text.");
        }

        return text;
    }

    /// <summary>An optional text. A value of another type, such as a secret without quotes, is a problem and not the same as a missing one.</summary>
    private string? Optional(JsonElement parent, string name, string place)
    {
        if (parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement given)
            && given.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
        {
            variables.Problem(variable, $"{place}.{name} is not a text.", "Put double quotes around it.");
        }

        return Text(parent, name);
    }

    private static string? Text(JsonElement parent, string name) =>
        TryGet(parent, name, JsonValueKind.String, out JsonElement text) && !string.IsNullOrWhiteSpace(text.GetString()) ? text.GetString()!.Trim() : null;

    private static bool TryGet(JsonElement parent, string name, JsonValueKind kind, out JsonElement value)
    {
        value = default;
        return parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out value) && value.ValueKind == kind;
    }

    private JsonDocument? Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 16 });
        }
        catch (JsonException error)
        {
            (string wrong, string remedy) = Explain(text, error);
            variables.Problem(variable, wrong, remedy);
            return null;
        }
    }

    /// <summary>Describes the place of an error without quoting the text, which may be the secret.</summary>
    private static (string Wrong, string Remedy) Explain(string text, JsonException error)
    {
        string place = $"at line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}";
        if (error.Message.Contains("trailing comma", StringComparison.Ordinal))
        {
            return ($"is not valid JSON: a comma before a closing bracket ({place}).", "Remove that comma; Paperless does not start with it either.");
        }

        if (error.Message.Contains("uplicate", StringComparison.Ordinal))
        {
            return ("has the same name twice in one object.", "Keep one of the two; for several providers put several entries into openid_connect.APPS.");
        }

        string start = string.Concat(text.Where(letter => !char.IsWhiteSpace(letter)).Take(2));
        return start switch
        {
            "{'" => ("is not valid JSON: names and texts stand in single quotes.", "Use double quotes inside, and single quotes only around the whole value."),
            "{\\" => ("is not valid JSON: there are backslashes before its quotes.", "Remove the backslashes, or put single quotes around the whole "
                + "value where a shell or Compose reads it."),
            _ when PythonWord().IsMatch(text) => ($"is not valid JSON {place}: True, False and None are Python.", "Write true, false and null."),
            _ => ($"is not valid JSON {place}.", "Check quotes, commas and brackets there (a text must not go over the end of a line); a JSON checker "
                + "helps (mind the secret)."),
        };
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex ProviderId();

    [GeneratedRegex(@":\s*(True|False|None)\b")]
    private static partial Regex PythonWord();
}
