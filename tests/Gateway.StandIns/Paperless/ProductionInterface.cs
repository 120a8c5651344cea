using System.Buffers.Binary;
using System.Collections.Frozen;
using System.IO.Compression;
using System.Text;

namespace Gateway.StandIns.Paperless;

/// <summary>
/// The production interface of Paperless-ngx 3.0.5 in its shape: the page, four static files without a hash in their names and compressed beforehand,
/// the chain of questions to the API, the icon and the logo; and how long Python was seen to be busy with each answer.
/// </summary>
internal static class ProductionInterface
{
    public const int DocumentsOnThePage = 50;

    /// <summary>Where the logo is, for the settings.</summary>
    public const string LogoPath = "/logo/logo.png";

    private const string Folder = "frontend/en-US/";
    private const string Javascript = "text/javascript; charset=\"utf-8\"";

    private static readonly FrozenDictionary<string, int> Milliseconds = new Dictionary<string, int>
    {
        ["/api/ui_settings/"] = 44,
        ["/api/custom_fields/"] = 20,
        ["/api/saved_views/"] = 23,
        ["/api/tasks/"] = 21,
        ["/api/statistics/"] = 34,
        ["/api/users/"] = 20,
        ["/api/documents/"] = 200,
        ["/api/correspondents/"] = 12,
        ["/api/document_types/"] = 12,
        ["/api/tags/"] = 12,
        ["/api/storage_paths/"] = 12,
        ["/dashboard"] = 20,
        ["/documents"] = 20,
    }.ToFrozenDictionary();

    private static readonly Lazy<FrozenDictionary<string, StaticFile>> Made = new(Make);
    private static readonly byte[] Favicon = Picture(width: 128, height: 164, seed: 1);
    private static readonly byte[] Logo = Picture(width: 256, height: 133, seed: 2);

    public static FrozenDictionary<string, StaticFile> Files => Made.Value;

    /// <summary>How long Python is busy with an answer. The API's are measured; the rest is an estimate.</summary>
    public static TimeSpan CostOf(string path) => TimeSpan.FromMilliseconds(path switch
    {
        _ when Milliseconds.TryGetValue(path, out int milliseconds) => milliseconds,
        _ when path.StartsWith("/static/", StringComparison.Ordinal) => 3,
        _ when path.EndsWith("/thumb/", StringComparison.Ordinal) => 20,
        _ => 10,
    });

    /// <summary>Neither it nor the logo carries anything that lets a browser keep it.</summary>
    public static byte[] FaviconOf(PaperlessSite site) => site.Options.WithProductionInterface ? Favicon : StaticFiles.Favicon;

    public static byte[] LogoOf(PaperlessSite site) => site.Options.WithProductionInterface ? Logo : StaticFiles.OnePixel;

    /// <summary>A picture of 8 KB that is this document's alone.</summary>
    public static byte[] ThumbnailOf(PaperlessDocument document) => Picture(width: 224, height: 280, seed: document.Id + 100, bitsPerPixel: 1);

    public static string Page(Visit visit, StandInUser user) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <title>Paperless-ngx</title>
        <base href="{Reply.Escape(visit.Site.Base)}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="username" content="{Reply.Escape(user.Name)}">
        <meta name="cookie_prefix" content="{Reply.Escape(visit.Site.Options.CookiePrefix)}">
        <meta name="robots" content="noindex,nofollow">
        <link rel="icon" type="image/x-icon" href="favicon.ico">
        <link rel="stylesheet" href="static/{Folder}styles.css">
        </head>
        <body>
        <pngx-root>Paperless-ngx is loading...</pngx-root>
        <script src="static/{Folder}runtime.js" defer></script>
        <script src="static/{Folder}polyfills.js" defer></script>
        <script src="static/{Folder}main.js" defer></script>
        </body>
        </html>
        """;

    private static FrozenDictionary<string, StaticFile> Make() => new Dictionary<string, StaticFile>
    {
        [Folder + "styles.css"] = Compressed("text/css; charset=\"utf-8\"", ProductionScript.Styles + AppAssets.Sheet("styles.css", 390_000)),
        [Folder + "runtime.js"] = Compressed(Javascript, AppAssets.Script("runtime.js", 3_000)),
        [Folder + "polyfills.js"] = Compressed(Javascript, AppAssets.Script("polyfills.js", 35_000)),
        [Folder + "main.js"] = Compressed(Javascript, AppAssets.Script("main.js", 2_800_000) + ProductionScript.Text),
    }.ToFrozenDictionary();

    private static StaticFile Compressed(string contentType, string text)
    {
        StaticFile file = StaticFile.Of(contentType, text);
        return file with
        {
            Compressed = new Dictionary<string, byte[]>
            {
                ["br"] = Brotli(file.Content),
                ["gzip"] = Reply.Compress(file.Content, "gzip", CompressionLevel.Optimal),
            },
        };
    }

    /// <summary>By the quality at which this made-up text becomes as long as the real one.</summary>
    private static byte[] Brotli(byte[] content)
    {
        const int Quality = 9;
        const int WindowBits = 22;
        byte[] compressed = new byte[BrotliEncoder.GetMaxCompressedLength(content.Length)];
        return BrotliEncoder.TryCompress(content, compressed, out int length, Quality, WindowBits)
            ? compressed[..length]
            : throw new InvalidOperationException("The file cannot be compressed.");
    }

    /// <summary>A bitmap of noise: browsers tell pictures by their content, and noise stays as long as it is when it is compressed.</summary>
    /// <param name="bitsPerPixel">1, with two colours, or 24.</param>
    private static byte[] Picture(int width, int height, int seed, int bitsPerPixel = 24)
    {
        const int White = 0xFFFFFF;
        int headBytes = bitsPerPixel == 1 ? 62 : 54;
        byte[] picture = new byte[headBytes + (width * height * bitsPerPixel / 8)];
        new Random(seed).NextBytes(picture.AsSpan(headBytes));
        Encoding.ASCII.GetBytes("BM", picture);
        List<(int Offset, int Value)> head =
            [(2, picture.Length), (10, headBytes), (14, 40), (18, width), (22, height), (26, 1 | (bitsPerPixel << 16))];
        if (bitsPerPixel == 1)
        {
            head.Add((58, White));
        }

        foreach ((int offset, int value) in head)
        {
            BinaryPrimitives.WriteInt32LittleEndian(picture.AsSpan(offset), value);
        }

        return picture;
    }
}
