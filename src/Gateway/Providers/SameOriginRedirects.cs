using System.Net;

namespace Gateway.Providers;

/// <summary>Follows redirects within one origin. Another host, port or scheme is another server, which nothing vouches for.</summary>
internal static class SameOriginRedirects
{
    public const int MaxRedirects = 5;

    /// <returns>The first answer that is no redirect to the same origin, or the last one that is followed no further.</returns>
    public static async Task<HttpResponseMessage> GetWithinOriginAsync(this HttpClient client, Uri url, CancellationToken cancel)
    {
        Uri asked = url;
        for (int redirects = 0; ; redirects++)
        {
            HttpResponseMessage response = await client.GetAsync(asked, cancel);
            if (redirects == MaxRedirects || FindTarget(response, asked) is not { } target)
            {
                return response;
            }

            response.Dispose();
            asked = target;
        }
    }

    private static Uri? FindTarget(HttpResponseMessage response, Uri asked)
    {
        bool isRedirect = response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
            or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;
        bool isSameOrigin = isRedirect && response.Headers.Location is { } location && Uri.TryCreate(asked, location, out Uri? target)
            && (target.Scheme, target.IdnHost, target.Port, target.UserInfo) == (asked.Scheme, asked.IdnHost, asked.Port, asked.UserInfo);
        return isSameOrigin ? new Uri(asked, response.Headers.Location!) : null;
    }
}
