using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>
/// Sends authorization requests to the provider directly, so that the browser carries a reference only (RFC 9126). A provider that requires it gets
/// nothing else. At one that only offers it, a request goes through the browser while the endpoint does not work.
/// </summary>
internal sealed partial class PushedAuthorization(
    ProviderSettings provider,
    AuthenticatedClient client,
    TimeProvider time,
    ILogger<PushedAuthorization> logger)
{
    /// <summary>How long a provider that only offers the endpoint is not asked there again after a failure.</summary>
    public static readonly TimeSpan RetryBackoff = TimeSpan.FromMinutes(1);

    /// <summary>In characters: the reference becomes a part of an address.</summary>
    private const int MaxReferenceLength = 8000;

    private long _retryAt;

    /// <exception cref="ProviderMistakeException">The provider requires pushed requests and names no endpoint for them.</exception>
    public static void CheckConfiguration(OpenIdConnectConfiguration configuration)
    {
        if (configuration.RequirePushedAuthorizationRequests && string.IsNullOrEmpty(configuration.PushedAuthorizationRequestEndpoint))
        {
            throw new ProviderMistakeException(
                "its discovery document requires pushed authorization requests, but has no pushed_authorization_request_endpoint");
        }
    }

    /// <returns>The `request_uri`; null if the request is to go through the browser.</returns>
    /// <exception cref="ProviderRefusedException">The provider requires pushed requests, or refused a scope.</exception>
    /// <exception cref="ProviderUnavailableException">The provider requires pushed requests, and gave no `request_uri`.</exception>
    public async Task<string?> PushAsync(
        OpenIdConnectMessage request,
        OpenIdConnectConfiguration configuration,
        TimeSpan timeout,
        CancellationToken cancel)
    {
        bool isRequired = configuration.RequirePushedAuthorizationRequests;
        if (!isRequired && time.GetUtcNow().UtcTicks < Volatile.Read(ref _retryAt))
        {
            return null;
        }

        string endpoint = configuration.PushedAuthorizationRequestEndpoint;
        try
        {
            return await SendAsync(endpoint, request, configuration, timeout, cancel);
        }
        catch (Exception failure) when (!isRequired && IsReasonForTheBrowser(failure))
        {
            Volatile.Write(ref _retryAt, (time.GetUtcNow() + RetryBackoff).UtcTicks);
            NotPushed(provider.Id, ProviderFailureText.Describe(failure, provider));
            return null;
        }
    }

    /// <summary>
    /// Some providers list the endpoint for clients that may not use it. The provider decides on the same request again when the browser brings it. A
    /// refused scope is the exception: the sign-in is repeated without it.
    /// </summary>
    private static bool IsReasonForTheBrowser(Exception failure) =>
        failure is ProviderUnavailableException || (failure is ProviderRefusedException refused && !OfflineAccess.IsRefusal(refused.Error));

    private async Task<string> SendAsync(
        string endpoint,
        OpenIdConnectMessage request,
        OpenIdConnectConfiguration configuration,
        TimeSpan timeout,
        CancellationToken cancel)
    {
        using Deadline deadline = new(timeout, time, cancel);
        try
        {
            OpenIdConnectMessage answer = await client.PostAsync(endpoint, request, configuration, "a request_uri", deadline.Token);
            return answer.RequestUri is { Length: > 0 and <= MaxReferenceLength } reference
                ? reference
                : throw new ProviderUnavailableException($"{endpoint} answered without a usable request_uri");
        }
        catch (ProviderRefusedException refused)
        {
            throw new ProviderRefusedException(refused.Error, refused.Description) { IsOfPushedRequest = true, Answered = refused.Answered };
        }
        catch (OperationCanceledException late) when (deadline.HasExpired && !cancel.IsCancellationRequested)
        {
            throw ProviderFailureText.From(late, endpoint);
        }
    }

    [LoggerMessage(
        EventId = 3025,
        EventName = "AuthorizationNotPushed",
        Level = LogLevel.Warning,
        Message = "{Provider} offers pushed authorization requests, but the request failed: {Reason}. For a minute sign-ins go there through the browser "
            + "alone")]
    private partial void NotPushed(string provider, string reason);
}
