using System.Security.Cryptography;

namespace Gateway.Pages;

/// <summary>The style sheet of all pages. Its name contains its hash, so that browsers can cache it permanently.</summary>
internal static class Stylesheet
{
    public static byte[] Bytes { get; } = Read();

    public static string Path { get; } = $"/gateway/assets/{Convert.ToHexStringLower(SHA256.HashData(Bytes).AsSpan(0, 8))}.css";

    private static byte[] Read()
    {
        using Stream resource = typeof(Stylesheet).Assembly.GetManifestResourceStream("Gateway.Pages.gateway.css")!;
        byte[] bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }
}
