using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Gateway.StandIns.Paperless;

/// <summary>The files of a document: download and preview, by ranges too; and one as large as is asked for.</summary>
internal static class DocumentFiles
{
    /// <summary>Byte number n of the big download is n modulo this.</summary>
    public const int BigDownloadPeriod = 251;

    public static readonly ApiView Download = new() { Model = "document", Get = visit => SendAsync(visit, attachment: true) };

    public static readonly ApiView Preview = new() { Model = "document", Get = visit => SendAsync(visit, attachment: false) };

    public static readonly ApiView BigDownload = new() { Get = SendBigAsync };

    private static readonly byte[] Pattern =
        [.. Enumerable.Range(0, BigDownloadPeriod * 256).Select(index => (byte)(index % BigDownloadPeriod))];

    public static Task SendAsync(Visit visit, PaperlessDocument document, bool attachment)
    {
        visit.Http.Response.Headers.ContentDisposition =
            new ContentDispositionHeaderValue(attachment ? "attachment" : "inline") { FileNameStar = document.FileName }.ToString();
        return Results.Bytes(
            document.Content,
            "application/pdf",
            enableRangeProcessing: true,
            entityTag: new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(document.Content))}\""),
            lastModified: document.Created).ExecuteAsync(visit.Http);
    }

    private static Task SendAsync(Visit visit, bool attachment) => DocumentsApi.Find(visit) is { } document
        ? SendAsync(visit, document, attachment)
        : DocumentsApi.NotFoundAsync(visit);

    private static async Task SendBigAsync(Visit visit)
    {
        long left = long.Parse(visit.Query("bytes") ?? "1048576", CultureInfo.InvariantCulture);
        HttpResponse response = visit.Http.Response;
        response.ContentType = "application/octet-stream";
        response.ContentLength = left;
        while (left > 0 && visit.Method != "HEAD")
        {
            int count = (int)Math.Min(left, Pattern.Length);
            await response.Body.WriteAsync(Pattern.AsMemory(0, count), visit.Http.RequestAborted);
            left -= count;
        }
    }
}
