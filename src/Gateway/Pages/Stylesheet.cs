using System.Security.Cryptography;

namespace Gateway.Pages;

/// <summary>The pages' one style sheet; its name holds its hash, so browsers may keep it for ever.</summary>
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
