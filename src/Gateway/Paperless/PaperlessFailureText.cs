using System.Net;

namespace Gateway.Paperless;

/// <summary>Words every failure of a request to Paperless: the address that was asked, and what came.</summary>
internal static class PaperlessFailureText
{
    /// <summary>Without the query: it may hold a secret.</summary>
    public static string AddressOf(Uri address) => address.GetLeftPart(UriPartial.Path);

    /// <summary>A request that got no answer, or one that cannot be read.</summary>
    /// <param name="error">Null where the forwarder names no reason.</param>
    public static PaperlessUnavailableException From(Exception? error, bool isLate, string asked)
    {
        if (isLate || error is OperationCanceledException)
        {
            return new($"{asked} did not answer in time", PaperlessFault.NoAnswer, error);
        }

        string reason = error?.GetBaseException().Message.TrimEnd('.') ?? "no reason is known";
        return (error as HttpRequestException)?.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => new($"the host name of {asked} cannot be found", PaperlessFault.UnknownName, error),
            HttpRequestError.ConnectionError => new($"the connection to {asked} failed ({reason})", PaperlessFault.NoAnswer, error),
            HttpRequestError.SecureConnectionError => new(
                $"the TLS connection to {asked} failed ({reason})", PaperlessFault.NoSecureConnection, error),
            HttpRequestError.InvalidResponse => new($"{asked} sent an answer that is not HTTP", PaperlessFault.NotPaperless, error),
            HttpRequestError.ConfigurationLimitExceeded => new($"{asked} sent an answer that is too large", PaperlessFault.NotPaperless, error),
            _ when IsBrokenOff(error) => new($"{asked} closed the connection before its answer was complete", PaperlessFault.NoAnswer, error),
            _ => new($"{asked} sent an answer that cannot be read ({reason})", PaperlessFault.NotPaperless, error),
        };
    }

    private static bool IsBrokenOff(Exception? error) =>
        error is null or IOException or HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded }
        || error.GetBaseException() is IOException or System.Net.Sockets.SocketException;

    public static PaperlessUnavailableException Answered(HttpMethod method, string asked, HttpStatusCode status)
    {
        bool isOfPaperless = (int)status is >= 500 or 429 or 400;
        return new($"{method} {asked} answered {(int)status}", isOfPaperless ? PaperlessFault.ErrorStatus : PaperlessFault.NotPaperless)
        {
            IsInternalServerError = status == HttpStatusCode.InternalServerError,
        };
    }

    /// <summary>An answer of the right status whose body is another one.</summary>
    public static PaperlessUnavailableException Unreadable(string asked, Exception? error = null) =>
        new($"the answer of {asked} does not match Paperless's API", PaperlessFault.NotPaperless, error);

    /// <summary>What the operator can do, as a sentence.</summary>
    public static string RemedyFor(PaperlessFault fault) => fault switch
    {
        PaperlessFault.UnknownName => "Correct the host name in GATEWAY_UPSTREAM_URL, or the name resolution of the gateway.",
        PaperlessFault.NoSecureConnection => "Correct GATEWAY_UPSTREAM_URL: http:// or https://, the port, and the name in the certificate.",
        PaperlessFault.ErrorStatus => "The log of Paperless, or of a proxy before it, has the reason.",
        PaperlessFault.NotPaperless => "Check which program answers at this address: GATEWAY_UPSTREAM_URL must be Paperless's.",
        _ => "Check that Paperless runs, and that GATEWAY_UPSTREAM_URL is its address.",
    };
}
