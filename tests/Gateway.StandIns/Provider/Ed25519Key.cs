using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using NSec.Cryptography;

namespace Gateway.StandIns.Provider;

/// <summary>A signing key of the curve Ed25519, which Microsoft.IdentityModel signs and checks with through <see cref="ICryptoProvider"/>.</summary>
internal sealed class Ed25519Key : AsymmetricSecurityKey, ICryptoProvider, IDisposable
{
    public const string Algorithm = "EdDSA";

    private readonly Key _key = Key.Create(SignatureAlgorithm.Ed25519);

    public Ed25519Key(string? id)
    {
        byte[] publicKey = _key.PublicKey.Export(KeyBlobFormat.RawPublicKey);
        KeyId = id ?? Convert.ToHexStringLower(SHA256.HashData(publicKey))[..32];
        CryptoProviderFactory = new CryptoProviderFactory { CustomCryptoProvider = this, CacheSignatureProviders = false };
    }

    public override int KeySize => 256;

    [Obsolete("As in the base class.")]
    public override bool HasPrivateKey => true;

    public override PrivateKeyStatus PrivateKeyStatus => PrivateKeyStatus.Exists;

    public JsonObject Published() => new()
    {
        ["kty"] = "OKP",
        ["alg"] = Algorithm,
        ["use"] = "sig",
        ["kid"] = KeyId,
        ["crv"] = "Ed25519",
        ["x"] = Base64UrlEncoder.Encode(_key.PublicKey.Export(KeyBlobFormat.RawPublicKey)),
    };

    public bool IsSupportedAlgorithm(string algorithm, params object[] args) => algorithm == Algorithm;

    public object Create(string algorithm, params object[] args) => new Signer(this);

    public void Release(object cryptoInstance)
    {
    }

    public void Dispose() => _key.Dispose();

    private sealed class Signer(Ed25519Key key) : SignatureProvider(key, Ed25519Key.Algorithm)
    {
        public override byte[] Sign(byte[] input) => SignatureAlgorithm.Ed25519.Sign(key._key, input);

        public override bool Sign(ReadOnlySpan<byte> data, Span<byte> destination, out int bytesWritten)
        {
            bytesWritten = SignatureAlgorithm.Ed25519.SignatureSize;
            SignatureAlgorithm.Ed25519.Sign(key._key, data, destination[..bytesWritten]);
            return true;
        }

        public override bool Verify(byte[] input, byte[] signature) => SignatureAlgorithm.Ed25519.Verify(key._key.PublicKey, input, signature);

        public override bool Verify(byte[] input, int inputOffset, int inputLength, byte[] signature, int signatureOffset, int signatureLength) =>
            SignatureAlgorithm.Ed25519.Verify(
                key._key.PublicKey,
                input.AsSpan(inputOffset, inputLength),
                signature.AsSpan(signatureOffset, signatureLength));

        protected override void Dispose(bool disposing)
        {
        }
    }
}
