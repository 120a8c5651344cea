using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Gateway.ReadAhead;

/// <summary>The cookies that a browser sends after an answer.</summary>
internal static class BrowserCookies
{
    /// <param name="sent">The `Cookie` header of the request.</param>
    /// <param name="set">The `Set-Cookie` headers of the answer.</param>
    /// <returns>The next `Cookie` header; null where the answer sets a cookie that may not be for the whole host.</returns>
    public static string? After(StringValues sent, StringValues set, DateTimeOffset now)
    {
        List<(string Name, string Pair)> cookies = [.. Pairs(sent.Count <= 1 ? sent.ToString() : string.Join("; ", sent.ToArray()))];
        foreach (string? line in set)
        {
            if (!SetCookieHeaderValue.TryParse(line, out SetCookieHeaderValue? cookie) || cookie.Domain.HasValue || cookie.Path != "/")
            {
                return null;
            }

            string name = cookie.Name.ToString();
            int at = cookies.FindIndex(known => known.Name == name);
            bool isDeleted = cookie.MaxAge is { } age ? age <= TimeSpan.Zero : cookie.Expires <= now;
            (string, string) pair = (name, $"{name}={cookie.Value}");
            if (at < 0 && !isDeleted)
            {
                cookies.Add(pair);
            }
            else if (at >= 0 && isDeleted)
            {
                cookies.RemoveAt(at);
            }
            else if (at >= 0)
            {
                cookies[at] = pair;
            }
        }

        return string.Join("; ", cookies.Select(cookie => cookie.Pair));
    }

    /// <summary>Whether two headers name the same cookies: a browser is free in their order.</summary>
    public static bool AreSame(string? one, string? other) =>
        one == other
        || Pairs(one ?? "").Select(cookie => cookie.Pair).Order(StringComparer.Ordinal).SequenceEqual(
            Pairs(other ?? "").Select(cookie => cookie.Pair).Order(StringComparer.Ordinal));

    private static IEnumerable<(string Name, string Pair)> Pairs(string header) => header
        .Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        .Select(pair => (pair.Split('=')[0].TrimEnd(), pair));
}
