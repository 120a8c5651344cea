using System.Collections.Frozen;
using System.Security.Cryptography;
using Gateway.Settings;

namespace Gateway.Pages;

/// <summary>A file that the pages of the gateway need. Its name contains its hash, so that browsers can cache it permanently.</summary>
/// <param name="Path">Below the script name.</param>
internal sealed record PageAsset(string Path, string ContentType, byte[] Content)
{
    public static PageAsset Create(byte[] content, string contentType, string extension) => new(
        $"{PageAssets.BasePath}{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8))}.{extension}", contentType, content);
}

/// <summary>The style sheet, the icon of the pages and the icons of the providers. Everybody may have them.</summary>
internal sealed class PageAssets
{
    public const string BasePath = "/gateway/assets/";

    private readonly FrozenDictionary<string, PageAsset> _byPath;
    private readonly FrozenDictionary<string, PageAsset> _byProvider;

    public PageAssets(GatewaySettings settings)
    {
        _byProvider = settings.Appearance.Icons.ToFrozenDictionary(
            icon => icon.Key,
            icon => PageAsset.Create([.. icon.Value.Content], icon.Value.ContentType, icon.Value.Extension));
        PageAsset[] all = [Stylesheet, Icon, .. _byProvider.Values];
        _byPath = all.DistinctBy(asset => asset.Path).ToFrozenDictionary(asset => asset.Path);
    }

    public static PageAsset Stylesheet { get; } = PageAsset.Create(Read("gateway.css"), "text/css; charset=utf-8", "css");

    public static PageAsset Icon { get; } = PageAsset.Create(Read("icon.svg"), "image/svg+xml", "svg");

    /// <summary>Whether the path is that of an asset, whatever session the request has.</summary>
    public static bool IsAsset(PathString path) => path.Value?.StartsWith(BasePath, StringComparison.Ordinal) == true;

    public PageAsset? Find(PathString path) => _byPath.GetValueOrDefault(path.Value ?? "");

    /// <returns>The icon of a provider; null if it has none.</returns>
    public PageAsset? OfProvider(string id) => _byProvider.GetValueOrDefault(id);

    /// <summary>An SVG is shown as a picture only: opened as a document, it runs nothing.</summary>
    public static Task WriteAsync(HttpContext context, PageAsset asset)
    {
        HttpResponse response = context.Response;
        response.Headers.CacheControl = "public, max-age=31536000, immutable";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        response.ContentType = asset.ContentType;
        response.ContentLength = asset.Content.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(asset.Content, 0, asset.Content.Length);
    }

    private static byte[] Read(string name)
    {
        using Stream resource = typeof(PageAssets).Assembly.GetManifestResourceStream("Gateway.Pages." + name)!;
        byte[] bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }
}
