using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Gateway.Providers;

/// <summary>A token in compact serialization (RFC 7515, section 3.1), parsed strictly. Signature and claims are not checked yet.</summary>
internal sealed record SignedToken(string Text, ClaimSet Header, ClaimSet Claims, byte[] Signature)
{
    /// <summary>In characters. Far more than a browser, proxy or session can carry.</summary>
    private const int MaxLength = 256 * 1024;

    private const int Parts = 3;

    /// <summary>The parts of an encrypted token (RFC 7516, section 3.1).</summary>
    private const int EncryptedParts = 5;

    private static readonly SearchValues<char> Letters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>The signing input: header and payload as received.</summary>
    public byte[] SignedBytes => Encoding.ASCII.GetBytes(Text, 0, Text.LastIndexOf('.'));

    /// <exception cref="ProviderMistakeException">The text is not such a token.</exception>
    public static SignedToken Parse(string text, TokenKind kind)
    {
        if (text.Length > MaxLength)
        {
            throw new ProviderMistakeException($"{kind.Name} is longer than {MaxLength} letters");
        }

        string[] parts = text.Split('.', EncryptedParts + 1);
        if (parts.Length == EncryptedParts)
        {
            throw new ProviderMistakeException($"{kind.Name} is encrypted, which the gateway does not support. In authentik, "
                + "clear \"Encryption Key\" in the provider's protocol settings; elsewhere, switch the encryption off for this client");
        }

        if (parts.Length != Parts || Decode(parts[0]) is not { } header || Decode(parts[1]) is not { } claims || Decode(parts[2]) is not { } signature)
        {
            throw new ProviderMistakeException($"{kind.Name} is no JWT");
        }

        return new SignedToken(text, ClaimSet.Parse(header, kind.Name + "'s header"), ClaimSet.Parse(claims, kind.Name), signature);
    }

    /// <summary>Decodes base64url without padding and white space. Only the canonical form is accepted: unused bits are zero (RFC 4648, section 3.5).</summary>
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
