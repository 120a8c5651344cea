using Gateway.Settings;

namespace Gateway.Operations;

/// <summary>What `setup` has to know, from its options or from the person at the terminal.</summary>
/// <param name="ProviderUrl">authentik's own address, or another provider's issuer.</param>
/// <param name="Admin">The superuser of Paperless as whom the gateway manages accounts.</param>
internal sealed record SetupAnswers(PublicOrigin Public, bool IsAuthentik, Uri ProviderUrl, Uri Paperless, bool IsExisting, string Admin)
{
    public const string ClientId = "paperless";

    /// <summary>Of apps, at authentik; the slug of their application, too.</summary>
    public const string AppClientId = "paperless-app";

    public const string ProviderId = "authentik";

    /// <summary>The `server_url` of the provider's entry.</summary>
    public string ServerUrl => IsAuthentik
        ? $"{ProviderUrl.AbsoluteUri.TrimEnd('/')}/application/o/paperless/.well-known/openid-configuration"
        : ProviderUrl.AbsoluteUri;

    public string RedirectUri => $"{Public.Origin}/accounts/oidc/{ProviderId}/login/callback/";

    public string LogoutRedirectUri => $"{Public.Origin}/accounts/login/?loggedout=1";

    public string BackChannelLogoutUri => $"{Public.Origin}/accounts/oidc/{ProviderId}/logout/backchannel/";

    /// <returns>Null where a text is no address without user name, query and fragment.</returns>
    public static Uri? Address(string? text, bool mayHavePath) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
            && url is { UserInfo: "", Query: "", Fragment: "" } && (mayHavePath || url.AbsolutePath == "/")
            ? url
            : null;

    /// <summary>A name that means the same in an env file for Compose, docker run and systemd.</summary>
    public static bool IsPlainName(string name) =>
        name.Length is > 0 and <= 150 && name.All(letter => char.IsAsciiLetterOrDigit(letter) || ".@+-_".Contains(letter, StringComparison.Ordinal));
}
