using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Storage;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Profile;

/// <summary>Wraps another transformer and completes the JSON of the response. An unreadable response passes unchanged.</summary>
internal sealed class ProfileTransformer(HttpTransformer inner, Func<JsonNode, Task<bool>> complete) : HttpTransformer
{
    /// <summary>A profile has a few hundred bytes.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>The request headers that lead to a compressed, partial or empty response.</summary>
    private static readonly string[] ConditionHeaders = ["Accept-Encoding", "Range", "If-Range", "If-None-Match", "If-Modified-Since"];

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext,
        HttpRequestMessage proxyRequest,
        string destinationPrefix,
        CancellationToken cancellationToken)
    {
        await inner.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        RemoveConditions(proxyRequest);
    }

    /// <summary>Removes the headers that lead to a compressed, partial or empty response.</summary>
    public static void RemoveConditions(HttpRequestMessage request)
    {
        foreach (string name in ConditionHeaders)
        {
            request.Headers.Remove(name);
        }
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext,
        HttpResponseMessage? proxyResponse,
        CancellationToken cancellationToken)
    {
        // Before the headers are copied, so that the response gets the new length.
        if (proxyResponse is { StatusCode: HttpStatusCode.OK, Content: { } content } && IsReadable(content.Headers))
        {
            await CompleteAsync(proxyResponse, content, cancellationToken);
        }

        return await inner.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }

    private async Task CompleteAsync(HttpResponseMessage response, HttpContent content, CancellationToken cancellationToken)
    {
        Stream stream = await content.ReadAsStreamAsync(cancellationToken);
        byte[] buffer = new byte[(int)Math.Min(content.Headers.ContentLength ?? MaxBytes, MaxBytes) + 1];
        int read = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (read > MaxBytes)
        {
            StreamContent unchanged = new(new PrefixedStream(buffer.AsMemory(0, read), stream));
            response.Content = CopyHeaders(content.Headers, unchanged, content.Headers.ContentLength);
            return;
        }

        byte[]? completed = await CompletedAsync(buffer.AsMemory(0, read));
        byte[] body = completed ?? buffer[..read];
        response.Content = CopyHeaders(content.Headers, new ByteArrayContent(body), body.Length);
        if (completed is not null)
        {
            response.Headers.Remove("ETag");
            response.Content.Headers.ContentMD5 = null;
        }

        content.Dispose();
    }

    private async Task<byte[]?> CompletedAsync(ReadOnlyMemory<byte> json)
    {
        try
        {
            JsonNode? node = JsonNode.Parse(json.Span, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
            return node is not null && await complete(node) ? JsonSerializer.SerializeToUtf8Bytes(node, ProfileJson.Default.JsonNode) : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException or StoreUnavailableException)
        {
            // While the store is unavailable, the profile shows no links. The other exceptions come from invalid
            // JSON: an unpaired surrogate throws only when the text is read.
            return null;
        }
    }

    private static bool IsReadable(HttpContentHeaders headers) =>
        headers.ContentType?.MediaType == "application/json" && headers.ContentEncoding.Count == 0 && headers.ContentLength is not > MaxBytes;

    private static HttpContent CopyHeaders(HttpContentHeaders headers, HttpContent content, long? length)
    {
        foreach ((string name, IEnumerable<string> values) in headers.NonValidated.Select(header => (header.Key, (IEnumerable<string>)header.Value)))
        {
            content.Headers.TryAddWithoutValidation(name, values);
        }

        content.Headers.ContentLength = length;
        return content;
    }
}
