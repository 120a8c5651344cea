using System.Buffers;
using Microsoft.Extensions.Primitives;

namespace Gateway.Tracing;

/// <summary>
/// Keeps the `X-Request-Id` of a client or proxy: it is forwarded to Paperless, stands in the log, and comes back with the answer. An id that is too
/// long or has other characters is dropped.
/// </summary>
internal static class RequestId
{
    public const string HeaderName = "X-Request-Id";

    private const int MaxLength = 128;

    private static readonly SearchValues<char> Characters = SearchValues.Create("+-./0123456789:=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");

    /// <summary>Call this before anything reads the header.</summary>
    /// <returns>The id; null for none.</returns>
    public static string? Keep(HttpContext context)
    {
        StringValues sent = context.Request.Headers[HeaderName];
        if (sent.Count == 0)
        {
            return null;
        }

        if (sent.Count > 1 || !IsValid(sent[0]))
        {
            context.Request.Headers.Remove(HeaderName);
            return null;
        }

        // At the start of the answer: a refusal clears the headers that were set before, and Paperless may send one of its own.
        context.Response.OnStarting(
            static state =>
            {
                (HttpResponse response, string id) = ((HttpResponse, string))state;
                response.Headers[HeaderName] = id;
                return Task.CompletedTask;
            },
            (context.Response, sent[0]!));
        return sent[0];
    }

    private static bool IsValid(string? id) => id is { Length: > 0 and <= MaxLength } && !id.AsSpan().ContainsAnyExcept(Characters);
}
