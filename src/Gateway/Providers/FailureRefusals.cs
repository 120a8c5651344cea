using Gateway.Pages;
using Gateway.Settings;
using Microsoft.AspNetCore.Authentication;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>The refusals of all sign-ins that fail at the provider: the answer of the provider, and the remedy.</summary>
internal static class FailureRefusals
{
    private const int MaxQuoteLength = 300;

    /// <param name="scopes">The scopes that the authorization request named; null if they are unknown.</param>
    public static Refusal From(Exception failure, ProviderSettings provider, string? scopes) => failure switch
    {
        ProviderRefusedException refused => Answered(refused.Error, refused.Description, provider, scopes),
        OpenIdConnectProtocolException { Data: var data } when ErrorOf(failure) is { } error =>
            Answered(error, data["error_description"] as string, provider, scopes),
        ProviderUnavailableException or HttpRequestException or OperationCanceledException =>
            Unavailable(provider, ProviderFailureText.From(failure, provider.Name)),
        ProviderMistakeException mistake => new(
            502,
            "provider_mistake",
            "The sign-in was not accepted",
            $"The answer of {provider.Name} cannot be trusted: {mistake.Message}.")
        {
            Remedy = "You are not signed in. The operator can compare the provider's settings with PAPERLESS_SOCIALACCOUNT_PROVIDERS.",
            ForTheLog = mistake.InnerException is { } cause ? $"{mistake.Message} ({cause.GetType().Name}: {cause.Message})" : mistake.Message,
        },
        OpenIdConnectProtocolException => new(
            502,
            "provider_mistake",
            "The sign-in was not accepted",
            $"The answer of {provider.Name} does not belong to this sign-in.")
        {
            Remedy = "You are not signed in. Start again. If the error persists, the operator finds the reason in the log.",
            ForTheLog = failure.Message,
        },
        BadHttpRequestException bad => new(bad.StatusCode, "bad_request", "This request is not complete", bad.Message),
        InvalidDataException => new(400, "bad_request", "This request is not complete", "The submitted form cannot be read."),
        AuthenticationFailureException => new(
            400,
            "sign_in_stale",
            "This sign-in is too old",
            "The provider's answer belongs to no open sign-in of this browser: the sign-in took too long, or the browser blocks cookies.")
        {
            Remedy = "Start again.",
            ForTheLog = failure.Message,
        },
        _ => new(500, "sign_in_failed", "The sign-in failed", "Something went wrong inside the gateway.")
        {
            Remedy = "Try again. If the error persists, the operator finds the reason in the log.",
        },
    };

    /// <summary>The `error` that the provider answered with; null for every other failure.</summary>
    public static string? ErrorOf(Exception failure) => failure switch
    {
        ProviderRefusedException refused => refused.Error,
        OpenIdConnectProtocolException { Data: var data } => data["error"] as string,
        _ => null,
    };

    public static Refusal Unavailable(ProviderSettings provider, ProviderUnavailableException failure)
    {
        string problem = failure.HasAnswered ? "gives no usable answer" : "does not answer";
        string operators = failure.Remedy is { } remedy ? $" For the operator: {remedy}." : "";
        return new Refusal(
            503,
            "provider_unavailable",
            "No sign-in at the moment",
            $"{provider.Name} {problem}, so nobody can sign in with it at the moment: {failure.Message}.")
        {
            Remedy = $"Try again later. People who are already signed in can continue to work.{operators}",
            ForTheLog = ProviderFailureText.Describe(failure, provider),
        };
    }

    private static Refusal Answered(string error, string? description, ProviderSettings provider, string? scopes)
    {
        string quoted = Quote(error);
        string detail = Quote(ProviderFailureText.Description(description)) is { Length: > 0 } text ? $" It says: \"{text}\"" : "";
        int status = error switch
        {
            "access_denied" or "consent_required" or "login_required" or "interaction_required" or "account_selection_required" => 403,
            "temporarily_unavailable" => 503,
            _ => 502,
        };
        return new Refusal(status, "provider_error", "The provider refused", $"{provider.Name} answered \"{quoted}\".{detail}")
        {
            Remedy = Remedy(error, provider, scopes ?? string.Join(' ', provider.Scopes)),
            ForTheLog = $"{provider.Id} answered {quoted}{detail}",
        };
    }

    private static string WrongClient(ProviderSettings provider) => provider.ClientKey is null
        ? "The operator can correct client_id, secret and token_auth_method in PAPERLESS_SOCIALACCOUNT_PROVIDERS."
        : "The operator can correct client_id in PAPERLESS_SOCIALACCOUNT_PROVIDERS, and register the public key of GATEWAY_CLIENT_KEY at the provider.";

    private static string Remedy(string error, ProviderSettings provider, string scopes) => error switch
    {
        "access_denied" => "Ask the operator of the provider for access to this application.",
        "invalid_client" or "unauthorized_client" => WrongClient(provider),
        "invalid_scope" => $"The gateway asked for the scopes \"{scopes}\". The operator can allow them at the provider, or change SCOPE.",
        "unsupported_response_type" or "unsupported_grant_type" or "invalid_request" => "The operator can allow the authorization code flow with PKCE "
            + "(grant type authorization_code) for this client at the provider.",
        "invalid_grant" => "Start again. If the error persists, the clocks of gateway and provider differ, or the provider has another redirect URI.",
        "login_required" or "interaction_required" or "consent_required" => "Sign in again.",
        "server_error" or "temporarily_unavailable" => "Try again in a moment. If the error persists, the log of the provider has the reason.",
        _ => "Try again. If the error persists, the log of the provider has the reason.",
    };

    /// <summary>The text of the provider, truncated and without control characters.</summary>
    private static string Quote(string? text) =>
        new([.. (text ?? "").Where(letter => !char.IsControl(letter)).Take(MaxQuoteLength)]);
}
