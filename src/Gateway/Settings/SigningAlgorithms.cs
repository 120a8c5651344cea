using System.Collections.Frozen;

namespace Gateway.Settings;

/// <summary>The algorithms of signed tokens that the gateway can check (RFC 7518, section 3, RFC 8037 and RFC 9864).</summary>
internal static class SigningAlgorithms
{
    public static readonly FrozenSet<string> Supported = FrozenSet.Create(
        StringComparer.Ordinal,
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256", "HS384", "HS512");

    /// <summary>Whether the client secret is the key.</summary>
    public static bool UsesSecret(string algorithm) => algorithm.StartsWith("HS", StringComparison.Ordinal);

    /// <summary>The shortest client secret for an algorithm that uses it: no shorter than the hash (RFC 7518, section 3.2).</summary>
    public static int MinSecretBytes(string algorithm) => algorithm switch
    {
        "HS384" => 48,
        "HS512" => 64,
        _ => 32,
    };
}
