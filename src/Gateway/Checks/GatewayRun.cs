using System.Buffers;
using System.Security.Cryptography;

namespace Gateway.Checks;

/// <summary>A random number of this process, by which the gateway recognises itself at the public address. It proves nothing else, and opens nothing.</summary>
internal sealed class GatewayRun
{
    private const string Prefix = "paperless-gateway ";

    private const int Length = 32;

    /// <summary>The length of <see cref="Text"/>, in characters and bytes.</summary>
    public static int TextLength => Prefix.Length + Length;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    /// <summary>What the probe endpoint answers.</summary>
    public string Text { get; } = Prefix + RandomNumberGenerator.GetHexString(Length, lowercase: true);

    /// <summary>Whether a text is the answer of the probe endpoint of a gateway, this one or another.</summary>
    public static bool IsOfGateway(string text) =>
        text.Length == TextLength
        && text.StartsWith(Prefix, StringComparison.Ordinal)
        && text.AsSpan(Prefix.Length).IndexOfAnyExcept(HexDigits) < 0;
}
