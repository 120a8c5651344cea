using System.Globalization;
using System.Net;
using System.Text.Json;
using Gateway.Settings;

namespace Gateway.Providers;

/// <summary>
/// Words every failure of a request to a provider: what was asked, what came, and what to change. Pages, the log and `/health/ready` use the same words.
/// </summary>
internal static class ProviderFailureText
{
    private const int MaxCodeLength = 40;

    /// <summary>In place of .NET's message, which has the proxy's password.</summary>
    private const string RefusedByProxy = "the HTTP proxy refused the connection";

    private const string TrustRemedy = "If the certificate is not trusted, mount the certificate of its authority";

    /// <summary>In characters. The strictest proxies limit all request headers together to 4 KiB.</summary>
    private const int LongAccessToken = 3500;

    /// <summary>ASP.NET Core's handler puts this text in the place of a description that is absent.</summary>
    private const string AbsentDescription = "error_description is null";

    private const string ClosedConnection = "it closed the connection before its answer was complete";

    private const string WriteHttps = "If the provider speaks TLS on this port, write https:// in server_url";

    /// <summary>Whether a request to the provider failed: no answer, none in time, or one that cannot be used.</summary>
    /// <param name="cancellationToken">The caller's own: a request that the caller has given up did not fail.</param>
    public static bool IsFailure(Exception error, CancellationToken cancellationToken) =>
        error is ProviderUnavailableException or ProviderMistakeException or HttpRequestException
        || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    /// <summary>The failure of a request that got no answer, or one that cannot be read.</summary>
    public static ProviderUnavailableException From(Exception error, string asked)
    {
        if (error is ProviderUnavailableException worded)
        {
            return worded;
        }

        (string what, string remedy, ProviderFault fault) = error switch
        {
            OperationCanceledException => (
                "it did not answer in time", "Check that the provider runs, and that no firewall drops the connection", ProviderFault.NoAnswer),
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => (
                "its host name is not known", "Correct server_url, or the name resolution of the gateway", ProviderFault.UnknownName),
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } when FindUntrusted(error) is { } untrusted =>
                OfCertificate(untrusted),
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } when IsPlainHttp(error) => (
                "the server does not speak TLS on this port", "Write http:// in server_url, or the port that has TLS", ProviderFault.NoSecureConnection),
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => (
                $"the TLS connection failed ({Innermost(error)})", TrustRemedy, ProviderFault.NoSecureConnection),
            HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => (
                $"the connection failed ({Innermost(error)})",
                "Check that the provider runs, and that the gateway may reach it",
                ProviderFault.NoAnswer),
            HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => (
                "its answer is too large", "Check which program answers at this address", ProviderFault.UnusableAnswer),

            HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } => (
                RefusedByProxy, "Check HTTPS_PROXY and NO_PROXY of the gateway", ProviderFault.RefusedByProxy),
            HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } when IsHttp(asked) => (
                "its answer is not HTTP", WriteHttps, ProviderFault.UnusableAnswer),
            HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } => (
                "its answer is not HTTP", "Check which program answers at this address", ProviderFault.UnusableAnswer),
            HttpRequestException when IsHttp(asked) => (
                ClosedConnection, $"{WriteHttps}; otherwise the log of the provider, or of a proxy before it, has the reason", ProviderFault.NoAnswer),
            HttpRequestException => (ClosedConnection, "The log of the provider, or of a proxy before it, has the reason", ProviderFault.NoAnswer),
            JsonException or ArgumentException => (
                "its answer is not the expected JSON", "Check which program answers at this address", ProviderFault.UnusableAnswer),
            _ => ("its answer cannot be read", "Check which program answers at this address", ProviderFault.UnusableAnswer),
        };
        return new ProviderUnavailableException($"{asked} could not be read: {what}", error) { Remedy = remedy, Fault = fault };
    }

    private static (string What, string Remedy, ProviderFault Fault) OfCertificate(UntrustedCertificateException untrusted)
    {
        string what = $"the TLS connection failed ({SignedTokenCheck.Truncate(untrusted.Message)})";
        return untrusted.Fault switch
        {
            CertificateFault.OutOfDate => (what, "Renew the certificate, or correct the clock of the gateway", ProviderFault.CertificateOutOfDate),
            CertificateFault.OtherName => (
                what, "Write a name of the certificate in server_url, or give the provider a certificate of its name", ProviderFault.CertificateOfAnotherName),
            _ => (what, TrustRemedy, ProviderFault.CertificateUntrusted),
        };
    }

    /// <summary>The failure of a request with an answer of another kind: an error status, a redirect, an HTML page.</summary>
    /// <param name="expected">What the answer should have been.</param>
    public static ProviderUnavailableException AnsweredOtherwise(string asked, HttpResponseMessage response, string body, string expected)
    {
        bool isHtml = response.Content.Headers.ContentType?.MediaType == "text/html" || body.AsSpan().TrimStart().StartsWith('<');
        string page = isHtml ? " with an HTML page" : "";
        string what = response.Headers.Location is { } location ? $", a redirect to {RedirectTarget(location)}," : page;
        return new ProviderUnavailableException($"{asked} answered {(int)response.StatusCode}{what} instead of {expected}")
        {
            Remedy = IsHttp(asked) && response.StatusCode == HttpStatusCode.BadRequest && body.Contains("HTTPS", StringComparison.OrdinalIgnoreCase)
                ? WriteHttps
                : RemedyFor((int)response.StatusCode, isHtml),
            Fault = FaultOf((int)response.StatusCode, isHtml),
        };
    }

    private static bool IsHttp(string asked) => asked.StartsWith("http://", StringComparison.Ordinal);

    /// <summary>The same for an answer of which only the status is known.</summary>
    public static ProviderUnavailableException AnsweredOtherwise(string asked, HttpStatusCode status, string expected) =>
        new($"{asked} answered {(int)status} instead of {expected}")
        {
            Remedy = RemedyFor((int)status, isHtml: false),
            Fault = FaultOf((int)status, isHtml: false),
        };

    /// <summary>
    /// The same for userinfo. An access token that is a JWT carries the person's claims, such as many groups, and a proxy limits the length of a
    /// request header: nginx to 8 KiB.
    /// </summary>
    public static ProviderUnavailableException UserInfoAnswered(string asked, HttpStatusCode status, string accessToken)
    {
        const string expected = "the claims of the person";
        if (accessToken.Length < LongAccessToken || !IsOversizedHeader((int)status))
        {
            return AnsweredOtherwise(asked, status, expected);
        }

        string length = accessToken.Length.ToString("N0", CultureInfo.InvariantCulture);
        return new ProviderUnavailableException(
            $"{asked} answered {(int)status} instead of {expected}: the request has an access token of {length} characters, which is probably too long for it")
        {
            Remedy = "The access token carries claims, such as many groups: leave them out of the tokens (in authentik, clear \"Include claims in id_token\" "
                + "in the provider's advanced protocol settings), or allow longer request headers in the proxy before the provider (in nginx, "
                + "large_client_header_buffers)",
            Fault = ProviderFault.ErrorStatus,
        };
    }

    /// <summary>Any failure at a provider, in one line for the log.</summary>
    public static string Describe(Exception error, ProviderSettings provider)
    {
        Exception worded = error is HttpRequestException or OperationCanceledException ? From(error, provider.Name) : error;
        return worded is ProviderUnavailableException { Remedy: { } remedy } ? $"{worded.Message}. {remedy}" : worded.Message;
    }

    /// <summary>An error code (RFC 6749, section 5.2) from the provider or from the browser: short, and only the letters of such codes.</summary>
    public static string ErrorCode(string error) =>
        new([.. error.Where(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' or '.').Take(MaxCodeLength)]);

    /// <returns>Null if the provider gave no description.</returns>
    public static string? Description(string? description) => description is null or "" or AbsentDescription ? null : description;

    /// <summary>The statuses of servers that refuse a header as too long; 494 is nginx's own, and 502 a proxy's whose upstream closes the connection.</summary>
    private static bool IsOversizedHeader(int status) => status is 400 or 413 or 414 or 431 or 494 or 502;

    private static ProviderFault FaultOf(int status, bool isHtml) => status switch
    {
        >= 400 => ProviderFault.ErrorStatus,
        >= 300 => ProviderFault.Redirect,
        _ => isHtml ? ProviderFault.WebPage : ProviderFault.UnusableAnswer,
    };

    private static string RemedyFor(int status, bool isHtml) => status switch
    {
        >= 300 and < 400 => "Something before the provider redirects the gateway, such as a login proxy: let the gateway pass, or correct server_url",
        401 or 403 => "The provider, or something before it, refuses the gateway, such as a firewall or an access rule: allow the gateway",
        404 => "Correct server_url; at authentik it contains the slug of the application",
        429 => "The provider limits how often it is asked: raise the limit for the gateway",
        >= 500 => "The log of the provider, or of a proxy before it, has the reason",
        _ when isHtml => "Another program answers at this address: correct server_url, or let the gateway pass the proxy before the provider",
        _ => "Check which program answers at this address",
    };

    /// <summary>The host alone: the rest of the address may hold secrets.</summary>
    private static string RedirectTarget(Uri location) => location.IsAbsoluteUri ? SignedTokenCheck.Truncate(location.IdnHost) : "another path";

    /// <summary>Whether the bytes that came are no TLS, as .NET words it.</summary>
    private static bool IsPlainHttp(Exception error) => Innermost(error).Contains("frame", StringComparison.Ordinal);

    private static UntrustedCertificateException? FindUntrusted(Exception error)
    {
        for (Exception? inner = error; inner is not null; inner = inner.InnerException)
        {
            if (inner is UntrustedCertificateException untrusted)
            {
                return untrusted;
            }
        }

        return null;
    }

    /// <summary>.NET's outer messages refer to the inner exception, which has the reason.</summary>
    public static string Innermost(Exception error)
    {
        if (error is HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError })
        {
            return RefusedByProxy;
        }

        while (error.InnerException is { } inner)
        {
            error = inner;
        }

        return SignedTokenCheck.Truncate(error.Message.TrimEnd('.'));
    }
}
