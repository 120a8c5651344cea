using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Storage;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Profile;

/// <summary>Forwards as another transformer does, and completes the JSON of the answer. What it cannot read passes unchanged.</summary>
internal sealed class ProfileTransformer(HttpTransformer inner, Func<JsonNode, Task<bool>> complete) : HttpTransformer
{
    /// <summary>Bytes; a profile has a few hundred.</summary>
    public const int Largest = 1024 * 1024;

    /// <summary>What would bring an answer that is compressed, a part, or none at all.</summary>
    private static readonly string[] NotAsked = ["Accept-Encoding", "Range", "If-Range", "If-None-Match", "If-Modified-Since"];

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext,
        HttpRequestMessage proxyRequest,
        string destinationPrefix,
        CancellationToken cancellationToken)
    {
        await inner.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        AskWhole(proxyRequest);
    }

    /// <summary>Asks for the answer whole and uncompressed.</summary>
    public static void AskWhole(HttpRequestMessage request)
    {
        foreach (string name in NotAsked)
        {
            request.Headers.Remove(name);
        }
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext,
        HttpResponseMessage? proxyResponse,
        CancellationToken cancellationToken)
    {
        // Before the headers are copied: the length is then right by itself.
        if (proxyResponse is { StatusCode: HttpStatusCode.OK, Content: { } content } && IsReadable(content.Headers))
        {
            await CompleteAsync(proxyResponse, content, cancellationToken);
        }

        return await inner.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }

    private async Task CompleteAsync(HttpResponseMessage response, HttpContent content, CancellationToken cancellationToken)
    {
        Stream stream = await content.ReadAsStreamAsync(cancellationToken);
        byte[] buffer = new byte[(int)Math.Min(content.Headers.ContentLength ?? Largest, Largest) + 1];
        int read = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (read > Largest)
        {
            response.Content = With(content.Headers, new StreamContent(new PrefixedStream(buffer.AsMemory(0, read), stream)), content.Headers.ContentLength);
            return;
        }

        byte[]? completed = await CompletedAsync(buffer.AsMemory(0, read));
        byte[] body = completed ?? buffer[..read];
        response.Content = With(content.Headers, new ByteArrayContent(body), body.Length);
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
            // Without the store it shows no links. Else not what Paperless writes; half a surrogate pair, for one, is found only when the text is read.
            return null;
        }
    }

    private static bool IsReadable(HttpContentHeaders headers) =>
        headers.ContentType?.MediaType == "application/json" && headers.ContentEncoding.Count == 0 && headers.ContentLength is not > Largest;

    private static HttpContent With(HttpContentHeaders headers, HttpContent content, long? length)
    {
        foreach ((string name, IEnumerable<string> values) in headers.NonValidated.Select(header => (header.Key, (IEnumerable<string>)header.Value)))
        {
            content.Headers.TryAddWithoutValidation(name, values);
        }

        content.Headers.ContentLength = length;
        return content;
    }
}
