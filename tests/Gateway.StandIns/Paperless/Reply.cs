using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Gateway.StandIns.Paperless;

/// <summary>Writes an answer whole, with its length, compressed when the client takes that.</summary>
internal sealed class Reply(Visit visit)
{
    // compression_middleware leaves alone what is shorter.
    private const int SmallestCompressed = 200;

    private static readonly JsonSerializerOptions AsPaperlessWritesIt = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public Task Json(object? value, int status = 200)
    {
        string json = JsonSerializer.Serialize(value, AsPaperlessWritesIt);

        // A browser that opens an API address gets DRF's browsable page.
        string accept = visit.Header("Accept") ?? "";
        return accept.Contains("text/html", StringComparison.Ordinal) && !accept.Contains("application/json", StringComparison.Ordinal)
            ? Html($"<!DOCTYPE html><html><head><title>Django REST framework</title></head><body><pre>{Escape(json)}</pre></body></html>", status)
            : WriteAsync(status, "application/json", Encoding.UTF8.GetBytes(json));
    }

    public Task Detail(int status, string detail) => Json(new { detail }, status);

    public Task Html(string page, int status = 200) => WriteAsync(status, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(page));

    public Task Text(string text, int status = 200) => WriteAsync(status, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(text));

    public Task Empty(int status)
    {
        visit.Http.Response.StatusCode = status;
        visit.Http.Response.ContentLength = status == StatusCodes.Status204NoContent ? null : 0;
        return Task.CompletedTask;
    }

    public Task Redirect(string location)
    {
        visit.Http.Response.Headers.Location = location;
        visit.Http.Response.ContentType = "text/html; charset=utf-8";
        return Empty(StatusCodes.Status302Found);
    }

    /// <summary>Django's redirect_to_login.</summary>
    public Task RedirectToLogin(string? loginUrl = null) =>
        Redirect($"{loginUrl ?? visit.Site.LoginUrl}?next={Quote(visit.FullPath)}");

    public Task MethodNotAllowed(params string[] allowed)
    {
        visit.Http.Response.Headers.Allow = string.Join(", ", allowed);
        return Empty(StatusCodes.Status405MethodNotAllowed);
    }

    public Task CsrfFailure(string reason) => Html(
        "<!DOCTYPE html><html lang=\"en\"><head><title>403 Forbidden</title></head><body><h1>Forbidden <span>(403)</span></h1><p>CSRF verification "
            + $"failed. Request aborted.</p><p>{Escape(reason)}</p></body></html>",
        StatusCodes.Status403Forbidden);

    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    /// <summary>Python's quote: everything but letters, digits, _.-~ and the slash.</summary>
    public static string Quote(string text) =>
        Uri.EscapeDataString(text).Replace("%2F", "/", StringComparison.Ordinal);

    /// <param name="beside">By content coding: the same body, compressed beforehand.</param>
    public async Task WriteAsync(int status, string contentType, byte[] body, IReadOnlyDictionary<string, byte[]>? beside = null)
    {
        HttpResponse response = visit.Http.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        if (body.Length >= SmallestCompressed)
        {
            response.Headers.Append("Vary", "Accept-Encoding");
            body = Coded(body, beside);
        }

        response.ContentLength = body.Length;
        if (visit.Method != "HEAD")
        {
            await response.Body.WriteAsync(body, visit.Http.RequestAborted);
        }
    }

    /// <exception cref="ArgumentException">The coding is neither "br" nor "gzip".</exception>
    public static byte[] Compress(byte[] body, string coding, CompressionLevel level)
    {
        MemoryStream compressed = new MemoryStream();
        using (Stream stream = coding switch
        {
            "br" => new BrotliStream(compressed, level, leaveOpen: true),
            "gzip" => new GZipStream(compressed, level, leaveOpen: true),
            _ => throw new ArgumentException($"{coding} is no coding of the stand-in.", nameof(coding)),
        })
        {
            stream.Write(body);
        }

        return compressed.ToArray();
    }

    private byte[] Coded(byte[] body, IReadOnlyDictionary<string, byte[]>? beside)
    {
        HashSet<string> accepted = (visit.Header("Accept-Encoding") ?? "").Split(',')
            .Select(coding => coding.Split(';')[0].Trim())
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        string? coding = Array.Find(["br", "gzip"], accepted.Contains);
        if (coding is null)
        {
            return body;
        }

        visit.Http.Response.Headers.ContentEncoding = coding;
        return beside is null ? Compress(body, coding, CompressionLevel.Fastest) : beside[coding];
    }
}
