using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Gateway.Providers;

/// <summary>A token in the compact form (RFC 7515, section 3.1), read strictly. Nothing of what it says has been checked.</summary>
internal sealed record SignedToken(string Text, ClaimSet Header, ClaimSet Claims, byte[] Signature)
{
    /// <summary>In letters; far more than any browser, proxy or session would carry.</summary>
    private const int MaxLength = 256 * 1024;

    private const int Parts = 3;

    /// <summary>The parts of an encrypted token (RFC 7516, section 3.1).</summary>
    private const int EncryptedParts = 5;

    private static readonly SearchValues<char> Letters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>What the signature is over: header and payload as they were sent.</summary>
    public byte[] SignedBytes => Encoding.ASCII.GetBytes(Text, 0, Text.LastIndexOf('.'));

    /// <exception cref="ProviderMistakeException">It is no such token.</exception>
    public static SignedToken Parse(string text, TokenKind kind)
    {
        if (text.Length > MaxLength)
        {
            throw new ProviderMistakeException($"{kind.Name} is longer than {MaxLength} letters");
        }

        string[] parts = text.Split('.', EncryptedParts + 1);
        if (parts.Length == EncryptedParts)
        {
            throw new ProviderMistakeException($"{kind.Name} is encrypted, which the gateway does not support");
        }

        if (parts.Length != Parts || Decode(parts[0]) is not { } header || Decode(parts[1]) is not { } claims || Decode(parts[2]) is not { } signature)
        {
            throw new ProviderMistakeException($"{kind.Name} is no JWT");
        }

        return new SignedToken(text, ClaimSet.Parse(header, kind.Name + "'s header"), ClaimSet.Parse(claims, kind.Name), signature);
    }

    /// <summary>base64url without padding or white space, in its one canonical spelling: bits that say nothing are zero (RFC 4648, section 3.5).</summary>
    private static byte[]? Decode(string part)
    {
        if (part.AsSpan().ContainsAnyExcept(Letters) || part.Length % 4 == 1)
        {
            return null;
        }

        byte[] bytes = new byte[Base64Url.GetMaxDecodedLength(part.Length)];
        bool isDecoded = Base64Url.DecodeFromChars(part, bytes, out _, out int length) == OperationStatus.Done;
        return isDecoded && Base64Url.EncodeToString(bytes.AsSpan(0, length)) == part ? bytes[..length] : null;
    }
}
