using System.Security.Cryptography;
using System.Text.Json;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.SignIn;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.SignOut;

/// <summary>Where the browser goes to end the provider's session (OpenID Connect RP-Initiated Logout 1.0).</summary>
internal sealed partial class EndSessionRedirect(GatewaySettings settings, ProviderRegistry providers, TimeProvider time, ILogger<EndSessionRedirect> logger)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(3);

    /// <summary>Every browser and proxy accepts 2,000 characters. nginx accepts 8 kB by default for the whole request line.</summary>
    private const int MaxLocationLength = 2000;

    /// <summary>Longer values of a claim are no name of a person.</summary>
    private const int MaxLogoutHintLength = 256;

    /// <summary>The claims for `logout_hint`: Entra's own claim for it first, then what people type at a provider.</summary>
    private static readonly string[] LogoutHintClaims = ["login_hint", "preferred_username", "email", "sub"];

    /// <summary>The page that waits for a click, also after the provider's logout.</summary>
    public string SignedOutPage { get; } = $"{settings.Public.Origin}{settings.ScriptName}{SignInFeature.PagePath}?loggedout=1";

    public async Task<string> GetLocationAsync(string providerId, string? idToken, CancellationToken cancel)
    {
        Provider? provider = providers.Find(providerId);
        Uri? endpoint = provider is null ? null : await FindEndpointAsync(provider, willRedirect: true, cancel);
        if (settings.Paperless.LogoutRedirectUrl is { } chosen && !IsSame(chosen, endpoint))
        {
            return chosen.AbsoluteUri;
        }

        if (endpoint is null)
        {
            return SignedOutPage;
        }

        Uri address = settings.Paperless.LogoutRedirectUrl ?? endpoint;
        if (idToken is null)
        {
            return AddressWithoutHint(address, provider!.Settings.ClientId, logoutHint: null);
        }

        Dictionary<string, string?> parameters = ReturnParameters();
        parameters["id_token_hint"] = idToken;
        string location = QueryHelpers.AddQueryString(address.AbsoluteUri, parameters);
        if (location.Length <= MaxLocationLength)
        {
            return location;
        }

        HintLeftOut(provider!.Settings.Id, location.Length, MaxLocationLength);
        return AddressWithoutHint(address, provider.Settings.ClientId, FindLogoutHint(idToken));
    }

    /// <summary>Without the ID token the provider may ask the person; `client_id` says which application asks, and `logout_hint` who it is.</summary>
    private string AddressWithoutHint(Uri address, string clientId, string? logoutHint)
    {
        // authentik answers 400, and ends no session, if there is a return address without an ID token. It then shows a page of its own.
        Dictionary<string, string?> parameters = Authentik.IsEndSessionEndpoint(address) ? [] : ReturnParameters();
        parameters["client_id"] = clientId;
        if (logoutHint is not null)
        {
            parameters["logout_hint"] = logoutHint;
        }

        string location = QueryHelpers.AddQueryString(address.AbsoluteUri, parameters);
        if (location.Length <= MaxLocationLength || !parameters.Remove("logout_hint"))
        {
            return location;
        }

        return QueryHelpers.AddQueryString(address.AbsoluteUri, parameters);
    }

    private Dictionary<string, string?> ReturnParameters() => new()
    {
        ["post_logout_redirect_uri"] = SignedOutPage,
        ["state"] = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
    };

    private static string? FindLogoutHint(string idToken)
    {
        try
        {
            JsonElement claims = SignedToken.Parse(idToken, TokenKind.IdToken).Claims.Json;
            return LogoutHintClaims
                .Select(name => claims.TryGetProperty(name, out JsonElement claim) && claim.ValueKind == JsonValueKind.String ? claim.GetString() : null)
                .FirstOrDefault(text => text is { Length: > 0 and <= MaxLogoutHintLength });
        }
        catch (ProviderMistakeException)
        {
            // An earlier version of the gateway accepted this token.
            return null;
        }
    }

    /// <summary>`form-action` of a page with a button that signs out: browsers apply it to the redirect after the form, too.</summary>
    public async Task<string> GetFormActionAsync(string providerId, CancellationToken cancel)
    {
        IEnumerable<Uri?> targets = [settings.Paperless.LogoutRedirectUrl, providers.Find(providerId) is { } provider
            ? await FindEndpointAsync(provider, willRedirect: false, cancel)
            : null];
        return string.Join(' ', targets.OfType<Uri>().Select(url => new PublicOrigin(url).Origin).Prepend("'self'").Distinct());
    }

    /// <param name="willRedirect">Whether the browser is redirected there now.</param>
    private async Task<Uri?> FindEndpointAsync(Provider provider, bool willRedirect, CancellationToken cancel)
    {
        using Deadline deadline = new(AnswerTimeout, time, cancel);
        try
        {
            Uri? endpoint = Parse((await provider.Discovery.GetConfigurationAsync(deadline.Token)).EndSessionEndpoint);
            if (endpoint is not null && willRedirect)
            {
                // The cached discovery document says nothing about now: a logout must not end on the browser's own error page.
                await provider.EnsureReachableAsync(deadline.Token);
            }

            return endpoint;
        }
        catch (Exception error) when (error is ProviderUnavailableException or HttpRequestException
            || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            if (willRedirect)
            {
                ProviderUnavailableException failure = ProviderFailureText.From(error, provider.Settings.DiscoveryUrl.AbsoluteUri);
                NotEndedAtProvider(provider.Settings.Id, ProviderFailureText.Describe(failure, provider.Settings));
            }

            return null;
        }
    }

    private static Uri? Parse(string? url) => Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) && parsed.Scheme is "https" or "http" ? parsed : null;

    private static bool IsSame(Uri chosen, Uri? endpoint) =>
        endpoint is not null
        && Uri.Compare(chosen, endpoint, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0
        && chosen.AbsolutePath.TrimEnd('/') == endpoint.AbsolutePath.TrimEnd('/');

    [LoggerMessage(
        EventId = 6001,
        EventName = "ProviderSessionNotEnded",
        Level = LogLevel.Warning,
        Message = "{Provider} gives no usable answer, so its own session is not ended: {Reason}. The gateway's session is ended; sign out at the provider as "
            + "well")]
    private partial void NotEndedAtProvider(string provider, string reason);

    [LoggerMessage(
        EventId = 6002,
        EventName = "LogoutHintLeftOut",
        Level = LogLevel.Warning,
        Message = "The logout address of {Provider} would be {Length} characters long with the ID token; the limit is {Limit}, so the ID token is left out. "
            + "The provider may ask for a confirmation, or may not return to Paperless. Keep the groups out of the ID token (authentik: switch "
            + "\"Include claims in id_token\" off)")]
    private partial void HintLeftOut(string provider, int length, int limit);
}
