using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Net.Http.Headers;

namespace Gateway.StandIns.Paperless;

/// <summary>The files of a document: download and preview, by ranges too; its thumbnail; a zip of many; and one as large as is asked for.</summary>
internal static class DocumentFiles
{
    /// <summary>Byte number n of the big download is n modulo this.</summary>
    public const int BigDownloadPeriod = 251;

    public static readonly ApiView Download = new() { Model = "document", Get = visit => SendAsync(visit, attachment: true) };

    public static readonly ApiView Preview = new() { Model = "document", Get = visit => SendAsync(visit, attachment: false) };

    public static readonly ApiView Thumbnail = new()
    {
        Model = "document",
        Get = visit => DocumentsApi.Find(visit) is { } document ? SendThumbnailAsync(visit, document) : DocumentsApi.NotFoundAsync(visit),
    };

    public static readonly ApiView Zip = new() { Post = SendZipAsync };

    public static readonly ApiView BigDownload = new() { Get = SendBigAsync };

    private static readonly byte[] Pattern =
        [.. Enumerable.Range(0, BigDownloadPeriod * 256).Select(index => (byte)(index % BigDownloadPeriod))];

    /// <summary>No picture, but bytes that are those of this document alone.</summary>
    public static byte[] ThumbnailOf(PaperlessDocument document) => [.. "RIFF"u8, .. SHA512.HashData(document.Content)];

    public static byte[] ZipOf(IEnumerable<PaperlessDocument> documents)
    {
        MemoryStream file = new();
        using (ZipArchive zip = new(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (PaperlessDocument document in documents)
            {
                ZipArchiveEntry entry = zip.CreateEntry(document.FileName, CompressionLevel.NoCompression);
                entry.LastWriteTime = document.Created;
                using Stream content = entry.Open();
                content.Write(document.Content);
            }
        }

        return file.ToArray();
    }

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

    private static Task SendThumbnailAsync(Visit visit, PaperlessDocument document)
    {
        visit.Http.Response.Headers.CacheControl = "no-cache";
        if (!visit.Site.Options.WithProductionInterface)
        {
            return Results.Bytes(ThumbnailOf(document), "image/webp", lastModified: document.Created).ExecuteAsync(visit.Http);
        }

        byte[] picture = ProductionInterface.ThumbnailOf(document);
        EntityTagHeaderValue tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(picture))}\"");
        return Results.Bytes(picture, "image/webp", entityTag: tag, lastModified: document.Created).ExecuteAsync(visit.Http);
    }

    private static Task SendAsync(Visit visit, bool attachment) => DocumentsApi.Find(visit) is { } document
        ? SendAsync(visit, document, attachment)
        : DocumentsApi.NotFoundAsync(visit);

    private static Task SendZipAsync(Visit visit)
    {
        IEnumerable<int> ids = (visit.Body.Fields["documents"] as JsonArray ?? []).Select(id => (int)id!);
        visit.Http.Response.Headers.ContentDisposition = "attachment; filename=\"documents.zip\"";
        return Results.Bytes(ZipOf(ids.Select(id => visit.Data.FindDocument(id)!)), "application/zip").ExecuteAsync(visit.Http);
    }

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
