using Microsoft.Extensions.Primitives;

namespace Gateway.StaticCache;

/// <summary>What a fetch came to: a file that is kept, or an answer for one request alone. Without either, the request is forwarded.</summary>
internal sealed record StaticFileAnswer(CachedStaticFile? File, UnkeptAnswer? Unkept)
{
    public static readonly StaticFileAnswer None = new(null, null);

    public static StaticFileAnswer Of(CachedStaticFile? file) => file is null ? None : new StaticFileAnswer(file, null);
}

/// <summary>An answer that must not be kept. It goes to one of the requests that wait for it, so that Paperless is not asked for it a second time.</summary>
internal sealed class UnkeptAnswer(KeyValuePair<string, StringValues>[] headers, byte[] body)
{
    private int _isTaken;

    /// <returns>False where another request has the answer.</returns>
    public bool TryTake() => Interlocked.Exchange(ref _isTaken, 1) == 0;

    public async Task WriteAsync(HttpContext context)
    {
        foreach ((string name, StringValues value) in headers)
        {
            context.Response.Headers[name] = value;
        }

        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
        }
    }
}
