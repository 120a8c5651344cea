using System.Buffers;
using System.Buffers.Text;
using Microsoft.IdentityModel.Tokens;
using NSec.Cryptography;

namespace Gateway.Providers;

/// <summary>
/// Signatures with Ed25519 (RFC 8032, and RFC 8037, section 3.1), which neither .NET nor Microsoft.IdentityModel has. The curve Ed448 is not supported.
/// </summary>
internal static class Ed25519Signature
{
    private const string KeyType = "OKP";
    private const string Curve = "Ed25519";

    /// <summary>`EdDSA` leaves the curve to the key; RFC 9864 has a name for each curve.</summary>
    public static bool IsAlgorithm(string algorithm) => algorithm is "EdDSA" or Curve;

    /// <summary>Whether a published key is one for such signatures.</summary>
    public static bool IsKey(JsonWebKey key) => key.Kty == KeyType && key.Crv == Curve && key.Use is null or "" or "sig";

    /// <summary>Whether a published key is of another curve, such as Ed448 or X25519.</summary>
    public static bool IsOtherCurve(JsonWebKey key) => key.Kty == KeyType && key.Crv != Curve;

    public static bool IsSignedBy(JsonWebKey key, SignedToken token)
    {
        SignatureAlgorithm ed25519 = SignatureAlgorithm.Ed25519;
        Span<byte> bytes = stackalloc byte[ed25519.PublicKeySize];
        return IsKey(key)
            && Base64Url.DecodeFromChars(key.X, bytes, out _, out int length) == OperationStatus.Done
            && PublicKey.TryImport(ed25519, bytes[..length], KeyBlobFormat.RawPublicKey, out PublicKey? publicKey)
            && ed25519.Verify(publicKey!, token.SignedBytes, token.Signature);
    }
}
