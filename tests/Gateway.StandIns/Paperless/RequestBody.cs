using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Gateway.StandIns.Paperless;

/// <summary>A request's body, always read to its end before an answer; a file in it is only counted and hashed.</summary>
internal sealed record RequestBody(long Length, string MediaType)
{
    private const int TextLimit = 4 * 1024 * 1024;

    public static readonly RequestBody Empty = new(0, "");

    public JsonObject Fields { get; private init; } = [];
    public IReadOnlyDictionary<string, UploadedFile> Files { get; private init; } = new Dictionary<string, UploadedFile>();

    /// <summary>What DRF says about JSON that it cannot read.</summary>
    public string? Problem { get; private init; }

    public string? Text(string field) => Fields[field] is JsonValue value ? value.ToString() : null;

    public static async Task<RequestBody> ReadAsync(HttpRequest request, CancellationToken ct)
    {
        // Django goes by Content-Length alone: a chunked body is read from the wire, and then is empty.
        MediaTypeHeaderValue? contentType = MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? parsed) ? parsed : null;
        string mediaType = contentType?.MediaType.Value ?? "";
        if (request.ContentLength is null or 0)
        {
            return new RequestBody((await DrainAsync(request.Body, null, ct)).Length, mediaType);
        }

        long length = request.ContentLength.Value;
        if (mediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            && HeaderUtilities.RemoveQuotes(contentType!.Boundary).Value is { Length: > 0 } boundary)
        {
            return await ReadPartsAsync(new RequestBody(length, mediaType), boundary, request.Body, ct);
        }

        MemoryStream content = new MemoryStream();
        await DrainAsync(request.Body, content, ct);
        string text = Encoding.UTF8.GetString(content.GetBuffer(), 0, (int)content.Length);
        return mediaType switch
        {
            "application/json" => ReadJson(new RequestBody(length, mediaType), text),
            "application/x-www-form-urlencoded" => new RequestBody(length, mediaType)
            {
                Fields = new JsonObject(QueryHelpers.ParseQuery(text)
                    .Select(field => KeyValuePair.Create(field.Key, (JsonNode?)JsonValue.Create(field.Value[^1])))),
            },
            _ => new RequestBody(length, mediaType),
        };
    }

    private static RequestBody ReadJson(RequestBody body, string text)
    {
        try
        {
            return JsonNode.Parse(text) is JsonObject fields
                ? body with { Fields = fields }
                : body with { Problem = "Invalid data. Expected a dictionary, but got something else." };
        }
        catch (JsonException)
        {
            return body with { Problem = "JSON parse error - Expecting value: line 1 column 1 (char 0)" };
        }
    }

    private static async Task<RequestBody> ReadPartsAsync(
        RequestBody body, string boundary, Stream stream, CancellationToken ct)
    {
        JsonObject fields = new JsonObject();
        Dictionary<string, UploadedFile> files = new Dictionary<string, UploadedFile>();
        try
        {
            MultipartReader reader = new MultipartReader(boundary, stream) { BodyLengthLimit = null };
            while (await reader.ReadNextSectionAsync(ct) is { } section)
            {
                ContentDispositionHeaderValue? disposition = section.GetContentDispositionHeader();
                string name = HeaderUtilities.RemoveQuotes(disposition?.Name ?? "").Value ?? "";
                if (disposition?.IsFileDisposition() == true)
                {
                    (long fileLength, string? hash) = await DrainAsync(section.Body, null, ct);
                    StringSegment fileName = disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName;
                    files[name] = new UploadedFile(HeaderUtilities.RemoveQuotes(fileName).Value ?? "", fileLength, hash);
                }
                else
                {
                    MemoryStream text = new MemoryStream();
                    await DrainAsync(section.Body, text, ct);
                    fields[name] = Encoding.UTF8.GetString(text.ToArray());
                }
            }
        }
        catch (InvalidDataException)
        {
            await DrainAsync(stream, null, ct);
            return body with { Problem = "Multipart form parse error - Invalid boundary in multipart: None" };
        }

        return body with { Fields = fields, Files = files };
    }

    /// <summary>Reads to the end with one buffer; keeps no more than the limit, and that only when asked.</summary>
    private static async Task<(long Length, string Sha256)> DrainAsync(Stream stream, MemoryStream? keep, CancellationToken ct)
    {
        byte[] buffer = new byte[64 * 1024];
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long length = 0L;
        for (int read; (read = await stream.ReadAsync(buffer, ct)) > 0; length += read)
        {
            hash.AppendData(buffer, 0, read);
            if (keep is not null && keep.Length + read <= TextLimit)
            {
                keep.Write(buffer, 0, read);
            }
        }

        return (length, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}

internal sealed record UploadedFile(string Name, long Length, string Sha256);
