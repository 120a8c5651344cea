using System.Security.Cryptography;

namespace Gateway.Settings;

/// <summary>The private key by which the gateway authenticates at providers in place of a client secret (`GATEWAY_CLIENT_KEY`).</summary>
internal sealed class ClientKey
{
    private const int MinRsaBits = 2048;

    private const string P256 = "1.2.840.10045.3.1.7";

    private readonly AsymmetricAlgorithm _key;

    /// <summary>.NET's keys may be used by one thread at a time.</summary>
    private readonly Lock _signing = new();

    private ClientKey(AsymmetricAlgorithm key)
    {
        _key = key;
        Thumbprint = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
    }

    public bool IsRsa => _key is RSA;

    /// <summary>Names the key: the hash of its public part.</summary>
    public string Thumbprint { get; }

    /// <summary>Reads the first private key of a text in PEM format. Certificates and parameters beside it are ignored.</summary>
    /// <param name="error">What is wrong with the text, as the end of a sentence; it quotes nothing of it.</param>
    public static ClientKey? Parse(string pem, out string error)
    {
        error = "holds no private key in PEM format";
        ReadOnlySpan<char> rest = pem;
        while (PemEncoding.TryFind(rest, out PemFields block))
        {
            switch (rest[block.Label])
            {
                case "ENCRYPTED PRIVATE KEY":
                    error = "holds a private key with a password";
                    return null;
                case "PRIVATE KEY" or "RSA PRIVATE KEY" or "EC PRIVATE KEY":
                    return Read(rest[block.Location], out error);
                default:
                    rest = rest[block.Location.End..];
                    break;
            }
        }

        return null;
    }

    /// <summary>Signs as RFC 7518 says for the algorithm.</summary>
    /// <param name="algorithm">`RS256` or `PS256` for an RSA key, `ES256` for an EC key.</param>
    public byte[] Sign(byte[] data, string algorithm)
    {
        RSASignaturePadding padding = algorithm == "PS256" ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
        lock (_signing)
        {
            return _key is RSA rsa
                ? rsa.SignData(data, HashAlgorithmName.SHA256, padding)
                : ((ECDsa)_key).SignData(data, HashAlgorithmName.SHA256);
        }
    }

    /// <summary>For logs and debuggers: nothing of the key.</summary>
    public override string ToString() => IsRsa ? "an RSA key" : "an EC key";

    private static ClientKey? Read(ReadOnlySpan<char> pem, out string error)
    {
        AsymmetricAlgorithm? key = Import(RSA.Create(), pem) ?? Import(ECDsa.Create(), pem);
        error = key switch
        {
            RSA { KeySize: < MinRsaBits } => $"holds an RSA key of fewer than {MinRsaBits} bits",
            ECDsa ec when !IsP256(ec) => "holds an EC key of another curve than P-256",
            null => "holds a private key that is neither RSA nor EC, or is damaged",
            _ => "",
        };
        if (error.Length == 0)
        {
            return new ClientKey(key!);
        }

        key?.Dispose();
        return null;
    }

    private static AsymmetricAlgorithm? Import(AsymmetricAlgorithm key, ReadOnlySpan<char> pem)
    {
        try
        {
            key.ImportFromPem(pem);
            return key;
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            key.Dispose();
            return null;
        }
    }

    private static bool IsP256(ECDsa key)
    {
        ECCurve curve = key.ExportParameters(includePrivateParameters: false).Curve;
        return curve.IsNamed && (curve.Oid.Value == P256 || curve.Oid.FriendlyName == ECCurve.NamedCurves.nistP256.Oid.FriendlyName);
    }
}
