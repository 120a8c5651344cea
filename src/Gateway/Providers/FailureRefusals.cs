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
        ProviderRefusedException refused => Answered(refused.Error, refused.Description, refused.Answered, provider, scopes),
        OpenIdConnectProtocolException { Data: var data } when ErrorOf(failure) is { } error =>
            Answered(error, data["error_description"] as string, endpoint: null, provider, scopes),
        ProviderUnavailableException or HttpRequestException or OperationCanceledException =>
            Unavailable(provider, ProviderFailureText.From(failure, provider.Name)),
        ProviderMistakeException mistake => new(
            502,
            "provider_mistake",
            "The sign-in was not accepted",
            $"The answer of {provider.Name} cannot be trusted. You are not signed in.")
        {
            Remedy = Refusal.AskTheOperator,
            ForTheOperator = Refusal.Sentences(
                $"the answer of {provider.Name} cannot be trusted: {mistake.Message}",
                "compare the provider's settings with PAPERLESS_SOCIALACCOUNT_PROVIDERS"),
            ForTheLog = mistake.InnerException is { } cause ? $"{mistake.Message} ({cause.GetType().Name}: {cause.Message})" : mistake.Message,
        },
        OpenIdConnectProtocolException => new(
            502,
            "provider_mistake",
            "The sign-in was not accepted",
            $"The answer of {provider.Name} does not belong to this sign-in. You are not signed in.")
        {
            Remedy = "Start again. If this message stays, ask the person who runs Paperless.",
            ForTheOperator = "The log has the reason.",
            ForTheLog = failure.Message,
        },
        BadHttpRequestException bad => new(bad.StatusCode, "bad_request", "This request is not complete", PageText.Verbatim(bad.Message)),
        InvalidDataException => new(400, "bad_request", "This request is not complete", "The submitted form cannot be read."),
        AuthenticationFailureException => new(
            400,
            "sign_in_stale",
            "This sign-in is too old",
            "The provider's answer belongs to no open sign-in of this browser: the sign-in took too long, or the browser blocks cookies.")
        {
            Remedy = "Start again.",
            ForTheOperator = "The log has the reason.",
            ForTheLog = failure.Message,
        },
        _ => new(500, "sign_in_failed", "The sign-in failed", "Something went wrong inside the gateway.")
        {
            Remedy = "Try again. If this message stays, ask the person who runs Paperless.",
            ForTheOperator = "The log has the reason.",
        },
    };

    /// <summary>The `error` that the provider answered with; null for every other failure.</summary>
    public static string? ErrorOf(Exception failure) => failure switch
    {
        ProviderRefusedException refused => refused.Error,
        OpenIdConnectProtocolException { Data: var data } => data["error"] as string,
        _ => null,
    };

    /// <summary>One page for each cause.</summary>
    public static Refusal Unavailable(ProviderSettings provider, ProviderUnavailableException failure)
    {
        (string code, PageText title) = PageOf(failure.Fault);
        bool mayPass = failure.Fault is ProviderFault.NoAnswer or ProviderFault.ErrorStatus;
        return new Refusal(
            503,
            code,
            title,
            $"{provider.Name} {ProblemOf(failure.Fault)}, so nobody can sign in with it at the moment. People who are already signed in can continue to work.")
        {
            Remedy = mayPass ? "Try again later. If this message stays, ask the person who runs Paperless." : Refusal.AskTheOperator,
            ForTheOperator = Refusal.Sentences(failure.Message, failure.Remedy),
        };
    }

    private static (string Code, PageText Title) PageOf(ProviderFault fault) => fault switch
    {
        ProviderFault.NoAnswer => ("provider_unavailable", (PageText)"The provider does not answer"),
        ProviderFault.UnknownName => ("provider_name_unknown", "The provider cannot be found"),
        ProviderFault.CertificateUntrusted => ("provider_certificate_untrusted", "The provider's certificate is not trusted"),
        ProviderFault.CertificateOutOfDate => ("provider_certificate_expired", "The provider's certificate is out of date"),
        ProviderFault.CertificateOfAnotherName => ("provider_certificate_name", "The provider's certificate has another name"),
        ProviderFault.NoSecureConnection => ("provider_connection_insecure", "No secure connection to the provider"),
        ProviderFault.RefusedByProxy => ("provider_proxy", "A proxy refuses the way to the provider"),
        ProviderFault.ErrorStatus => ("provider_status", "The provider answers with an error"),
        ProviderFault.Redirect => ("provider_redirect", "The provider redirects the gateway"),
        ProviderFault.WebPage => ("provider_web_page", "A web page answers for the provider"),
        ProviderFault.OtherIssuer => ("provider_issuer", "The provider has another name than expected"),
        ProviderFault.SharedIssuer => ("provider_issuer_shared", "Two providers are the same one"),
        ProviderFault.IncompleteDiscovery => ("provider_discovery_incomplete", "The provider's description is incomplete"),
        ProviderFault.NoTenants => ("provider_tenants", "No organisation may sign in yet"),
        _ => ("provider_unusable", "The provider's answer cannot be used"),
    };

    private static PageText ProblemOf(ProviderFault fault) => fault switch
    {
        ProviderFault.NoAnswer => "does not answer",
        ProviderFault.UnknownName => "cannot be found under its host name",
        ProviderFault.CertificateUntrusted or ProviderFault.CertificateOutOfDate or ProviderFault.CertificateOfAnotherName
            => "has a certificate that the gateway cannot accept",
        ProviderFault.NoSecureConnection => "gives the gateway no secure connection",
        ProviderFault.RefusedByProxy => "is behind a proxy that refuses the gateway",
        ProviderFault.SharedIssuer => "is set up twice",
        ProviderFault.NoTenants => "is not fully set up here",
        _ => "gives no usable answer",
    };

    private static Refusal Answered(string error, string? description, string? endpoint, ProviderSettings provider, string? scopes)
    {
        string quoted = Quote(error);
        string text = Quote(ProviderFailureText.Description(description));
        string detail = text.Length > 0 ? $" It says: \"{text}\"" : "";
        int status = error switch
        {
            "access_denied" or "consent_required" or "login_required" or "interaction_required" or "account_selection_required" => 403,
            "temporarily_unavailable" => 503,
            _ => 502,
        };

        // What the provider says of a person is for the person; what it says of the client is for the operator.
        bool isOfPerson = status == 403;
        string answered = $"{provider.Name} answered \"{quoted}\"{(endpoint is null ? "" : $" ({endpoint})")}.";
        string? remedy = OperatorRemedy(error, provider, scopes ?? string.Join(' ', provider.Scopes));
        PageText forThePerson = $"{provider.Name} refused the sign-in.";
        if (isOfPerson && text.Length > 0)
        {
            forThePerson = $"{provider.Name} refused the sign-in. It says: \"{text}\"";
        }

        return new Refusal(status, "provider_error", "The provider refused", forThePerson)
        {
            Remedy = Remedy(error),
            ForTheOperator = $"{answered}{(isOfPerson ? "" : detail)} {remedy}".TrimEnd(),
            ForTheLog = $"{provider.Id} answered {quoted}{(endpoint is null ? "" : $" ({endpoint})")}{detail} {remedy}".TrimEnd(),
        };
    }

    private static string WrongClient(ProviderSettings provider) => provider.ClientKey is null
        ? "Correct client_id, secret and token_auth_method in PAPERLESS_SOCIALACCOUNT_PROVIDERS."
        : "Correct client_id in PAPERLESS_SOCIALACCOUNT_PROVIDERS, and register the public key of GATEWAY_CLIENT_KEY at the provider.";

    /// <summary>What the person can do.</summary>
    private static PageText Remedy(string error) => error switch
    {
        "access_denied" => "Ask the operator of the provider for access to this application.",
        "invalid_client" or "unauthorized_client" or "invalid_scope" or "unsupported_response_type" or "unsupported_grant_type" or "invalid_request"
            => Refusal.AskTheOperator,
        "invalid_grant" => "Start again. If this message stays, ask the person who runs Paperless.",
        "login_required" or "interaction_required" or "consent_required" => "Sign in again.",
        _ => "Try again in a moment. If this message stays, ask the person who runs Paperless.",
    };

    private static string? OperatorRemedy(string error, ProviderSettings provider, string scopes) => error switch
    {
        "access_denied" => "Give the person access at the provider.",
        "invalid_client" or "unauthorized_client" => WrongClient(provider),
        "invalid_scope" => $"The gateway asked for the scopes \"{scopes}\". Allow them at the provider, or change SCOPE.",
        "unsupported_response_type" or "unsupported_grant_type" or "invalid_request" => "Allow the authorization code flow with PKCE "
            + "(grant type authorization_code) for this client at the provider.",
        "invalid_grant" => "The clocks of gateway and provider may differ, or the provider has another redirect URI.",
        "login_required" or "interaction_required" or "consent_required" => null,
        _ => "The log of the provider has the reason.",
    };

    /// <summary>The text of the provider, truncated and without control characters.</summary>
    private static string Quote(string? text) =>
        new([.. (text ?? "").Where(letter => !char.IsControl(letter)).Take(MaxQuoteLength)]);
}
