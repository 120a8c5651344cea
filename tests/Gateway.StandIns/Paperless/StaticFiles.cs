using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Gateway.StandIns.Paperless;

/// <summary><c>/static/</c>, as WhiteNoise serves it: before sessions, for a minute, hashed names or not.</summary>
internal static class StaticFiles
{
    public const string Script = "frontend/en-US/main.3f9c1b7a2e6d4805.js";
    public const string Styles = "frontend/en-US/styles.b81d05c3f4a96e27.css";

    public static readonly byte[] OnePixel = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mMQD5H/DwACVwF5SGwDNwAAAABJRU5ErkJggg==");

    /// <summary>An icon file around that picture.</summary>
    public static readonly byte[] Favicon =
        [0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 32, 0, (byte)OnePixel.Length, 0, 0, 0, 22, 0, 0, 0, .. OnePixel];

    /// <summary>When the files were put there.</summary>
    public static readonly DateTimeOffset Built = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly FrozenDictionary<string, StaticFile> Files = new Dictionary<string, StaticFile>
    {
        [Script] = StaticFile.Of("text/javascript; charset=\"utf-8\"", AppScript.Text),
        [Styles] = StaticFile.Of("text/css; charset=\"utf-8\"", AppScript.Styles),
        ["frontend/en-US/polyfills.js"] = StaticFile.Of("text/javascript; charset=\"utf-8\"", "window.polyfilled = true;\n"),
        ["frontend/en-US/assets/logo-notext.svg"] = StaticFile.Of(
            "image/svg+xml",
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 10\"><path fill=\"#17541f\" d=\"M1 9C1 3 5 1 9 1 9 6 6 9 1 9z\"/></svg>"),
        ["signin.css"] = StaticFile.Of("text/css; charset=\"utf-8\"", "body { background: #17541f; }\n"),
        ["base.css"] = StaticFile.Of("text/css; charset=\"utf-8\"", "html { font-family: system-ui, sans-serif; }\n"),
        ["admin/css/base.css"] = StaticFile.Of("text/css; charset=\"utf-8\"", ":root { --primary: #17541f; }\n"),
    }.ToFrozenDictionary();

    /// <summary>False when there is no such file: then the front page gets the request.</summary>
    public static async Task<bool> TryAnswerAsync(Visit visit)
    {
        const string Prefix = "/static/";
        if (visit.Method is not ("GET" or "HEAD")
            || !visit.Path.StartsWith(Prefix, StringComparison.Ordinal)
            || !TryFind(visit, visit.Path[Prefix.Length..], out StaticFile? file))
        {
            return false;
        }

        IHeaderDictionary headers = visit.Http.Response.Headers;
        headers.CacheControl = $"max-age={visit.Site.Options.StaticMaxAge.TotalSeconds:0}, public";
        headers.ETag = file.ETag;
        headers.LastModified = Built.ToString("R");
        headers.AccessControlAllowOrigin = "*";
        if (IsNotModified(visit, file))
        {
            visit.Http.Response.StatusCode = StatusCodes.Status304NotModified;
            return true;
        }

        await visit.Reply.WriteAsync(StatusCodes.Status200OK, file.ContentType, file.Content, file.Compressed);
        return true;
    }

    private static bool TryFind(Visit visit, string name, [NotNullWhen(true)] out StaticFile? file) =>
        (visit.Site.Options.WithProductionInterface && ProductionInterface.Files.TryGetValue(name, out file))
        || Files.TryGetValue(name, out file)
        || AppAssets.Files.TryGetValue(name, out file);

    /// <summary>WhiteNoise: the date counts only where there is no tag, and the tag is compared letter for letter.</summary>
    private static bool IsNotModified(Visit visit, StaticFile file) =>
        visit.Header("If-None-Match") is { } tag ? tag == file.ETag
        : DateTimeOffset.TryParse(visit.Header("If-Modified-Since"), CultureInfo.InvariantCulture, out DateTimeOffset since) && since >= Built;
}

/// <summary>A file with the tag that WhiteNoise gives it, from its time and its size.</summary>
internal sealed record StaticFile(string ContentType, byte[] Content)
{
    public string ETag { get; } = string.Create(CultureInfo.InvariantCulture, $"\"{StaticFiles.Built.ToUnixTimeSeconds():x}-{Content.Length:x}\"");

    /// <summary>By content coding: what lies beside the file, compressed beforehand. Null: each answer is compressed anew.</summary>
    public IReadOnlyDictionary<string, byte[]>? Compressed { get; init; }

    public static StaticFile Of(string contentType, string text) => new(contentType, Encoding.UTF8.GetBytes(text));
}
