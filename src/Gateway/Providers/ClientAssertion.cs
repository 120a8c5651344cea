using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Providers;

/// <summary>
/// Makes the JWTs by which the client authenticates with its private key (`private_key_jwt`: RFC 7523, section 3; OpenID Connect Core 1.0, section 9).
/// </summary>
internal sealed class ClientAssertion(ProviderSettings provider, TimeProvider time)
{
    public const string Type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    /// <summary>Keycloak accepts no longer one.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private const int IdBytes = 16;

    /// <remarks>No `kid`: it would have to be the one under which the operator registered the key.</remarks>
    public string Create(string audience, OpenIdConnectConfiguration configuration)
    {
        ClientKey key = provider.ClientKey!;
        string algorithm = Algorithm(key, configuration);
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        string header = Encode(new() { ["alg"] = algorithm, ["typ"] = "JWT" });
        string claims = Encode(new()
        {
            ["iss"] = provider.ClientId,
            ["sub"] = provider.ClientId,
            ["aud"] = audience,
            ["jti"] = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(IdBytes)),
            ["iat"] = now,
            ["exp"] = now + (long)Lifetime.TotalSeconds,
        });
        string signed = $"{header}.{claims}";
        return $"{signed}.{Base64Url.EncodeToString(key.Sign(Encoding.ASCII.GetBytes(signed), algorithm))}";
    }

    private static string Algorithm(ClientKey key, OpenIdConnectConfiguration configuration)
    {
        if (!key.IsRsa)
        {
            return "ES256";
        }

        ICollection<string> supported = configuration.TokenEndpointAuthSigningAlgValuesSupported;
        return supported.Contains("PS256") && !supported.Contains("RS256") ? "PS256" : "RS256";
    }

    private static string Encode(Dictionary<string, object> json) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(json));
}
