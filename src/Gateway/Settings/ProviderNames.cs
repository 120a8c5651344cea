using System.Collections.Immutable;
using System.Text.Json;

namespace Gateway.Settings;

/// <summary>Warns of names in `PAPERLESS_SOCIALACCOUNT_PROVIDERS` that neither the gateway nor django-allauth knows: a typo has no effect in silence.</summary>
internal sealed class ProviderNames(string variable, Variables variables)
{
    /// <summary>The names in `openid_connect`, in an entry of `APPS`, and in its `settings`; some are of allauth alone.</summary>
    private static readonly ImmutableArray<string> Connect =
    [
        "APPS", "APP", "SCOPE", "AUTH_PARAMS", "OAUTH_PKCE_ENABLED", "FETCH_USERINFO", "EMAIL_AUTHENTICATION", "EMAIL_AUTHENTICATION_AUTO_CONNECT",
        "VERIFIED_EMAIL", "SERVERS", "METHOD", "HEADERS",
    ];

    private static readonly ImmutableArray<string> App =
        ["provider", "provider_id", "name", "client_id", "secret", "key", "certificate_key", "settings", "sites"];

    private static readonly ImmutableArray<string> Settings =
    [
        "server_url", "token_auth_method", "uid_field", "fetch_userinfo", "oauth_pkce_enabled", "scope", "auth_params", "hidden", "email_authentication",
        "email_authentication_auto_connect", "verified_email",
    ];

    public void WarnOfConnect(JsonElement connect) => Warn(connect, "openid_connect", Connect);

    public void WarnOfApp(JsonElement app, JsonElement settings, string place)
    {
        Warn(app, place, App);
        Warn(settings, place + ".settings", Settings);
    }

    private void Warn(JsonElement parent, string place, ImmutableArray<string> known)
    {
        if (parent.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (string name in parent.EnumerateObject().Select(property => property.Name).Where(name => !known.Contains(name)))
        {
            variables.Warn($"{variable}: {place}.{name} is not a name that the gateway or Paperless knows, and has no effect. {Hint(name, known)}");
        }
    }

    private static string Hint(string name, ImmutableArray<string> known)
    {
        if (Settings.Contains(name) && known != Settings)
        {
            return $"\"{name}\" belongs into \"settings\" of an entry of APPS.";
        }

        if (App.Contains(name) && known != App)
        {
            return $"\"{name}\" belongs into an entry of APPS.";
        }

        string? nearest = known.FirstOrDefault(one => EditDistance.IsWithin(one.ToUpperInvariant(), name.ToUpperInvariant(), 2))
            ?? known.Where(one => name.Contains(one, StringComparison.OrdinalIgnoreCase)).MaxBy(one => one.Length);
        return nearest is null ? "Remove it, or look for a typo." : $"Did you mean \"{nearest}\"?";
    }
}
