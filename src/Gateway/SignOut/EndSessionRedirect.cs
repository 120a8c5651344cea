using System.Security.Cryptography;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.SignIn;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.SignOut;

/// <summary>Where the browser goes to end the provider's session (OpenID Connect RP-Initiated Logout 1.0).</summary>
internal sealed partial class EndSessionRedirect(GatewaySettings settings, ProviderRegistry providers, TimeProvider time, ILogger<EndSessionRedirect> logger)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(3);

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

        Dictionary<string, string?> parameters = new()
        {
            ["post_logout_redirect_uri"] = SignedOutPage,
            ["state"] = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
        };

        // Without the hint the provider asks the person; the client's name then at least says who asks.
        parameters[idToken is null ? "client_id" : "id_token_hint"] = idToken ?? provider!.Settings.ClientId;
        return QueryHelpers.AddQueryString((settings.Paperless.LogoutRedirectUrl ?? endpoint).AbsoluteUri, parameters);
    }

    /// <summary>`form-action` of a page with a button that signs out: browsers hold it against the redirect that follows, too.</summary>
    public async Task<string> GetFormActionAsync(string providerId, CancellationToken cancel)
    {
        IEnumerable<Uri?> targets = [settings.Paperless.LogoutRedirectUrl, providers.Find(providerId) is { } provider
            ? await FindEndpointAsync(provider, willRedirect: false, cancel)
            : null];
        return string.Join(' ', targets.OfType<Uri>().Select(url => new PublicOrigin(url).Origin).Prepend("'self'").Distinct());
    }

    /// <param name="willRedirect">Whether somebody is led there now, and not only told of it.</param>
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
                NotEndedAtProvider(provider.Settings.Id);
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
        Message = "{Provider} does not answer, so its own session is not ended. The gateway's session is ended; sign out at the provider as well")]
    private partial void NotEndedAtProvider(string provider);
}
