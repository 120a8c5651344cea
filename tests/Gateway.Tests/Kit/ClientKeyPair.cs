using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Kit;

/// <summary>A private key for the gateway, and its public half for the provider.</summary>
internal sealed class ClientKeyPair : IDisposable
{
    private readonly AsymmetricAlgorithm _key;

    private ClientKeyPair(AsymmetricAlgorithm key) => _key = key;

    public AsymmetricAlgorithm Key => _key;

    public string PrivatePem => _key.ExportPkcs8PrivateKeyPem();

    public string PublicPem => _key.ExportSubjectPublicKeyInfoPem();

    public IReadOnlyDictionary<string, string> Jwk
    {
        get
        {
            if (_key is RSA rsa)
            {
                RSAParameters numbers = rsa.ExportParameters(includePrivateParameters: false);
                return new Dictionary<string, string>
                {
                    ["kty"] = "RSA",
                    ["n"] = Base64UrlEncoder.Encode(numbers.Modulus),
                    ["e"] = Base64UrlEncoder.Encode(numbers.Exponent),
                };
            }

            ECParameters point = ((ECDsa)_key).ExportParameters(includePrivateParameters: false);
            return new Dictionary<string, string>
            {
                ["kty"] = "EC",
                ["crv"] = "P-256",
                ["x"] = Base64UrlEncoder.Encode(point.Q.X),
                ["y"] = Base64UrlEncoder.Encode(point.Q.Y),
            };
        }
    }

    public static ClientKeyPair CreateRsa(int bits = 2048) => new(RSA.Create(bits));

    public static ClientKeyPair CreateEc() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    public void Dispose() => _key.Dispose();
}
