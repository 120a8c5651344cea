using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Attacks;

/// <summary>Headers that choose their own key or algorithm, or that ask for what the gateway does not do (RFC 7515, section 4; RFC 8725).</summary>
internal sealed class InvalidTokenHeaders : IDisposable
{
    private static readonly string[] OtherTypes =
    [
        "at+jwt", "application/at+jwt", "AT+JWT", "secevent+jwt", "dpop+jwt", "oauth-authz-req+jwt", "token-introspection+jwt", "vc+sd-jwt",
        "JWE", "JOSE", "JWT ", "application/", "",
    ];

    private readonly RSA _mallory = RSA.Create(2048);
    private readonly RSA _published;
    private readonly Uri _elsewhere;
    private readonly string _keySet;

    /// <param name="elsewhere">A site that must never be asked.</param>
    private InvalidTokenHeaders(string keySet, Uri elsewhere)
    {
        _keySet = keySet;
        _elsewhere = elsewhere;
        JsonNode key = JsonNode.Parse(keySet)!["keys"]![0]!;
        Modulus = Base64UrlEncoder.DecodeBytes((string)key["n"]!);
        _published = RSA.Create(new RSAParameters { Modulus = Modulus, Exponent = Base64UrlEncoder.DecodeBytes((string)key["e"]!) });
    }

    private byte[] Modulus { get; }

    private string MalloryKey
    {
        get
        {
            RSAParameters numbers = _mallory.ExportParameters(includePrivateParameters: false);
            string modulus = Base64UrlEncoder.Encode(numbers.Modulus);
            return $$"""{"kty":"RSA","use":"sig","alg":"RS256","n":"{{modulus}}","e":"{{Base64UrlEncoder.Encode(numbers.Exponent)}}"}""";
        }
    }

    private string MalloryCertificate
    {
        get
        {
            CertificateRequest request = new("CN=mallory", _mallory, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            return Convert.ToBase64String(certificate.RawData);
        }
    }

    public static async Task<InvalidTokenHeaders> OfAsync(World world, Uri elsewhere)
    {
        using HttpClient http = new();
        return new InvalidTokenHeaders(await http.GetStringAsync(new Uri(world.Provider.Address, "/application/o/paperless/jwks/"), World.Ct), elsewhere);
    }

    public void Dispose()
    {
        _mallory.Dispose();
        _published.Dispose();
    }

    public IReadOnlyList<TokenChange> All =>
    [
        .. ((string[])["none", "None", "NONE", "nOnE", ""]).Select(none =>
            new TokenChange($"alg \"{none}\" without a signature", good => good.Forge(good.HeaderWith(("alg", $"\"{none}\"")), _ => []))),
        .. ((string[])["none", "rs256", "RS256 ", "RSA", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "RSA-OAEP", "dir"]).Select(name =>
            new TokenChange($"alg \"{name}\" over the provider's RS256", good => good.WithHeader(("alg", $"\"{name}\"")))),
        .. ((string[])["null", "5", "[\"RS256\"]", "{}", "true"]).Select(json => new TokenChange($"alg {json}", good => good.WithHeader(("alg", json)))),
        new("no alg", good => good.WithHeader(("alg", null))),
        Secret("the client secret", ClientSecret),
        Secret("the modulus", _ => Modulus),
        Secret("the public key in PEM", _ => Encoding.ASCII.GetBytes(_published.ExportSubjectPublicKeyInfoPem())),
        Secret("the public key in PEM and a line break", _ => Encoding.ASCII.GetBytes(_published.ExportSubjectPublicKeyInfoPem() + "\n")),
        Secret("the RSA public key in PEM", _ => Encoding.ASCII.GetBytes(_published.ExportRSAPublicKeyPem())),
        Secret("the public key in DER", _ => _published.ExportSubjectPublicKeyInfo()),
        Secret("the key set", _ => Encoding.UTF8.GetBytes(_keySet)),
        Secret("nothing", _ => []),
        new("HS512 with the client secret", good =>
            good.Forge(good.HeaderWith(("alg", "\"HS512\"")), bytes => HMACSHA512.HashData(ClientSecret(good), bytes))),
        Mallory("another key under the published kid"),
        Mallory("another key without a kid", ("kid", null)),
        Mallory("another key with an empty kid", ("kid", "\"\"")),
        Mallory("another key with a kid of null", ("kid", "null")),
        Mallory("another key with an unknown kid", ("kid", "\"mallory\"")),
        Mallory("a kid that is a path", ("kid", "\"../../../../../../dev/null\"")),
        Mallory("a kid that is an address", ("kid", $"\"{_elsewhere}\"")),
        Mallory("a kid that is SQL", ("kid", "\"x' UNION SELECT 'mallory\"")),
        Mallory("a kid with a line break", ("kid", "\"x\\r\\nSet-Cookie: a=b\"")),
        Mallory("a key in the header", ("jwk", MalloryKey), ("kid", null)),
        Mallory("a key in the header under the published kid", ("jwk", MalloryKey)),
        Mallory("a key set elsewhere", ("jku", $"\"{_elsewhere}\""), ("kid", "\"mallory\"")),
        Mallory("a key set elsewhere under the published kid", ("jku", $"\"{_elsewhere}\"")),
        Mallory("a certificate elsewhere", ("x5u", $"\"{_elsewhere}\""), ("kid", null)),
        Mallory("a certificate in the header", ("x5c", $"[\"{MalloryCertificate}\"]"), ("kid", null)),
        Mallory("a certificate's hash in the header", ("x5t", $"\"{Base64UrlEncoder.Encode(SHA256.HashData([1]))}\""), ("kid", null)),
        .. ((string[])["5", "{}", "[]", "true"]).Select(json => new TokenChange($"kid {json}", good => good.WithHeader(("kid", json)))),
        .. ((string[])["[\"exp\"]", "[]", "[\"b64\"]", "\"exp\"", "null", "{}", "[\"http://example.com/UNDEFINED\"]", "[\"alg\"]"]).Select(json =>
            new TokenChange($"crit {json}", good => good.WithHeader(("crit", json)))),
        new("crit names an extension that is there", good => good.WithHeader(("crit", "[\"x\"]"), ("x", "1"))),
        new("b64 false that is critical", good => good.WithHeader(("crit", "[\"b64\"]"), ("b64", "false"))),
        .. ((string[])["false", "true", "null"]).Select(json => new TokenChange($"b64 {json}", good => good.WithHeader(("b64", json)))),
        new("zip over plain claims", good => good.WithHeader(("zip", "\"DEF\""))),
        .. OtherTypes.Select(type => new TokenChange($"typ \"{type}\"", good => good.WithHeader(("typ", $"\"{type}\"")))),
        .. ((string[])["5", "null", "[\"JWT\"]", "{}"]).Select(json => new TokenChange($"typ {json}", good => good.WithHeader(("typ", json)))),
    ];

    private static byte[] ClientSecret(GoodToken good) => Encoding.UTF8.GetBytes(good.World.Provider.Options.ClientSecret);

    private static TokenChange Secret(string name, Func<GoodToken, byte[]> key) =>
        new($"HS256 with {name}", good => good.Forge(good.HeaderWith(("alg", "\"HS256\"")), bytes => HMACSHA256.HashData(key(good), bytes)));

    private TokenChange Mallory(string name, params (string, string?)[] header) =>
        new(name, good => good.Forge(good.HeaderWith(header), bytes => _mallory.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)));
}
