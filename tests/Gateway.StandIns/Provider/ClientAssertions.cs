using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.StandIns.Provider;

/// <summary>Checks assertions of the client (RFC 7523, section 3) by its public key; each one counts once.</summary>
internal sealed class ClientAssertions(DevelopmentProvider provider)
{
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, bool> _used = [];

    public bool IsValid(string assertion, Uri endpoint)
    {
        string[] parts = assertion.Split('.');
        if (parts.Length != 3)
        {
            return false;
        }

        JsonElement header = JsonElement.Parse(Base64UrlEncoder.DecodeBytes(parts[0]));
        JsonElement claims = JsonElement.Parse(Base64UrlEncoder.DecodeBytes(parts[1]));
        byte[] signed = Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}");
        return IsSigned(header.GetProperty("alg").GetString()!, signed, Base64UrlEncoder.DecodeBytes(parts[2]))
            && claims.GetProperty("iss").GetString() == provider.Options.ClientId
            && claims.GetProperty("sub").GetString() == provider.Options.ClientId
            && claims.GetProperty("aud").GetString() == Audience(endpoint)
            && IsInTime(claims)
            && _used.TryAdd(claims.GetProperty("jti").GetString()!, true);
    }

    private string Audience(Uri endpoint) => provider.Options.AssertionAudience == AssertionAudience.Issuer
        ? provider.IssuerAt(new Uri(endpoint, "/"))
        : endpoint.AbsoluteUri;

    private bool IsInTime(JsonElement claims)
    {
        DateTimeOffset now = provider.Options.TimeProvider.GetUtcNow();
        DateTimeOffset expires = DateTimeOffset.FromUnixTimeSeconds(claims.GetProperty("exp").GetInt64());
        return expires > now && expires <= now + MaxLifetime;
    }

    private bool IsSigned(string algorithm, byte[] signed, byte[] signature)
    {
        string pem = provider.Options.ClientPublicKey!;
        if (algorithm == "ES256")
        {
            using ECDsa ec = ECDsa.Create();
            ec.ImportFromPem(pem);
            return ec.VerifyData(signed, signature, HashAlgorithmName.SHA256);
        }

        using RSA rsa = RSA.Create();
        rsa.ImportFromPem(pem);
        RSASignaturePadding padding = algorithm == "PS256" ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
        return algorithm == provider.Options.AssertionAlgorithm && rsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, padding);
    }
}
