using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.ReadAhead;

/// <summary>An answer of Paperless, as it would have been sent to the browser.</summary>
/// <param name="AnsweredAt">The timestamp of the answer's end.</param>
internal sealed record HeldAnswer(KeyValuePair<string, StringValues>[] Headers, byte[] Body, long AnsweredAt)
{
    public async Task WriteAsync(HttpContext context)
    {
        foreach ((string name, StringValues value) in Headers)
        {
            context.Response.Headers[name] = value;
        }

        await context.Response.Body.WriteAsync(Body, context.RequestAborted);
    }
}

/// <summary>Which answers may be held: JSON of a known size that sets no cookie and depends on nothing that is not compared.</summary>
internal static class HoldableAnswer
{
    private static readonly HashSet<string> ComparedHeaders
        = new(["Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Host", "Origin"], StringComparer.OrdinalIgnoreCase);

    /// <summary>The length of the answer of Paperless; null where it must not be held.</summary>
    public static int? LengthOf(HttpResponseMessage answer, int maxBytes) =>
        answer.StatusCode == HttpStatusCode.OK
        && answer.Content.Headers is { ContentLength: { } length, ContentType.MediaType: "application/json" }
        && length <= maxBytes
        && !answer.Headers.NonValidated.Contains("Set-Cookie")
        && answer.Headers.Vary.All(ComparedHeaders.Contains)
        ? (int)length
        : null;

    /// <summary>The same for an answer that was forwarded.</summary>
    public static bool WasForwarded(HttpResponse response, int maxBytes) =>
        response is { StatusCode: StatusCodes.Status200OK, ContentLength: { } length, Headers.SetCookie.Count: 0 } && length <= maxBytes
        && MediaTypeHeaderValue.TryParse(response.ContentType, out MediaTypeHeaderValue? type) && type.MediaType == "application/json";
}

/// <summary>Lets an answer pass only where it may be held, and takes its memory from the memory of all held answers.</summary>
internal sealed class HoldingTransformer(HttpTransformer inner, HeldMemory memory, int maxBytes) : HttpTransformer
{
    /// <summary>The body; null where the answer is not held.</summary>
    public byte[]? Body { get; private set; }

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext,
        HttpRequestMessage proxyRequest,
        string destinationPrefix,
        CancellationToken cancellationToken) =>
        inner.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);

    public override ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext,
        HttpResponseMessage? proxyResponse,
        CancellationToken cancellationToken)
    {
        if (proxyResponse is null || HoldableAnswer.LengthOf(proxyResponse, maxBytes) is not { } length || !memory.TryTake(length))
        {
            return ValueTask.FromResult(false);
        }

        Body = new byte[length];
        httpContext.Response.Body = new MemoryStream(Body);
        return inner.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }
}

/// <summary>The bytes of all held answers.</summary>
internal sealed class HeldMemory(long maxBytes)
{
    private long _bytes;

    public long Bytes => Volatile.Read(ref _bytes);

    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) <= maxBytes)
        {
            return true;
        }

        Give(bytes);
        return false;
    }

    public void Give(int bytes) => Interlocked.Add(ref _bytes, -bytes);
}
