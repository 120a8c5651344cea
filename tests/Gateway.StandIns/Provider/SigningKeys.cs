using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.StandIns.Provider;

/// <summary>The provider's keys: signs its tokens, reads them back, and publishes what others need to check them.</summary>
internal sealed class SigningKeys(DevelopmentProvider provider) : IDisposable
{
    // Making an RSA key takes long enough to be felt when every test starts a provider: a stopped one leaves its keys to the next.
    private static readonly ConcurrentBag<RSA> Spare = [];

    private static readonly JsonWebTokenHandler Jwt = new() { SetDefaultTimesOnTokenCreation = false };

    private readonly Lock _lock = new();
    private RSA _rsa = TakeRsa();
    private RSA? _unpublished;
    private ECDsa _ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private Ed25519Key? _ed;
    private bool _isDisposed;

    private SigningMode Mode => provider.Options.Signing;

    /// <summary>The algorithms that discovery announces; an attack announces what it does not do.</summary>
    public IEnumerable<string> AnnouncedAlgorithms => AllModes.Select(mode => mode switch
    {
        SigningMode.ES256 => SecurityAlgorithms.EcdsaSha256,
        SigningMode.EdDSA => Ed25519Key.Algorithm,
        SigningMode.HS256 => SecurityAlgorithms.HmacSha256,
        _ => SecurityAlgorithms.RsaSha256,
    });

    private SigningMode[] AllModes => [Mode, .. provider.Options.FurtherSigning];

    public void Rotate()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _rsa.Dispose();
            _rsa = RSA.Create(2048);
            _ec.Dispose();
            _ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            _ed?.Dispose();
            _ed = null;
        }
    }

    /// <param name="mode">Null: as the options say.</param>
    public string Sign(JsonObject payload, string type, SigningMode? mode = null)
    {
        Dictionary<string, object> header = new Dictionary<string, object> { ["typ"] = type };
        lock (_lock)
        {
            return Credentials(mode ?? Mode) is { } credentials
                ? Jwt.CreateToken(payload.ToJsonString(), credentials, header)
                : Jwt.CreateToken(payload.ToJsonString(), header);
        }
    }

    /// <summary>The header and the payload are signed as they are, so that they can say what no library would write.</summary>
    public string SignExactly(byte[] header, byte[] payload)
    {
        string text = $"{Base64UrlEncoder.Encode(header)}.{Base64UrlEncoder.Encode(payload)}";
        lock (_lock)
        {
            if (Credentials(Mode) is not { } credentials)
            {
                return text + ".";
            }

            using SignatureProvider signer = credentials.Key.CryptoProviderFactory.CreateForSigning(credentials.Key, credentials.Algorithm);
            return $"{text}.{Base64UrlEncoder.Encode(signer.Sign(Encoding.ASCII.GetBytes(text)))}";
        }
    }

    /// <summary>The subject of an ID token of this provider, however old, or null if it is none.</summary>
    public async Task<string?> ReadHintAsync(string token, string issuer, string audience)
    {
        SecurityKey? key;
        lock (_lock)
        {
            key = Credentials(Mode)?.Key;
        }

        TokenValidationResult result = await Jwt.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = issuer,
            ValidAudience = audience,
            IssuerSigningKey = key,
            RequireSignedTokens = Mode is not SigningMode.None,
            ValidateLifetime = false,
        });
        return result.IsValid ? result.ClaimsIdentity.FindFirst(JwtRegisteredClaimNames.Sub)?.Value : null;
    }

    /// <summary>Without a signing key the set has no <c>keys</c> member at all.</summary>
    public JsonObject KeySet()
    {
        lock (_lock)
        {
            JsonObject[] keys =
            [
                .. AllModes.Where(mode => mode != SigningMode.HS256)
                    .Select(Published),
            ];
            foreach (JsonObject key in keys.Where(_ => provider.Options.SigningKeyIssuer is not null))
            {
                key["issuer"] = provider.Options.SigningKeyIssuer;
            }

            return keys.Length == 0 ? [] : new JsonObject { ["keys"] = new JsonArray([.. keys]) };
        }
    }

    /// <summary>Once: a key that two providers have would be disposed of by one while the other uses it.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            Spare.Add(_rsa);
            _unpublished?.Dispose();
            _ec.Dispose();
            _ed?.Dispose();
        }
    }

    private Ed25519Key Ed => _ed ??= new Ed25519Key(provider.Options.SigningKeyId);

    private JsonObject Published(SigningMode mode) => mode switch
    {
        SigningMode.ES256 => Published(_ec),
        SigningMode.EdDSA => Ed.Published(),
        _ => Published(_rsa),
    };

    private SigningCredentials? Credentials(SigningMode mode) => mode switch
    {
        SigningMode.None => null,
        SigningMode.HS256 => new SigningCredentials(
            Key(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(provider.Options.ClientSecret)), null), SecurityAlgorithms.HmacSha256),
        SigningMode.ES256 => new SigningCredentials(Key(new ECDsaSecurityKey(_ec), IdOf(_ec)), SecurityAlgorithms.EcdsaSha256),
        SigningMode.EdDSA => new SigningCredentials(Ed, Ed25519Key.Algorithm),
        SigningMode.WrongKey => new SigningCredentials(
            Key(new RsaSecurityKey(_unpublished ??= RSA.Create(2048)), IdOf(_rsa)), SecurityAlgorithms.RsaSha256),
        _ => new SigningCredentials(Key(new RsaSecurityKey(_rsa), IdOf(_rsa)), SecurityAlgorithms.RsaSha256),
    };

    private static RSA TakeRsa() => Spare.TryTake(out RSA? key) ? key : RSA.Create(2048);

    private string IdOf(AsymmetricAlgorithm key) =>
        provider.Options.SigningKeyId ?? Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()))[..32];

    // The library would otherwise keep a disposed key's signer, and hand it to the next key of that identifier.
    private static SecurityKey Key(SecurityKey key, string? id)
    {
        key.KeyId = id;
        key.CryptoProviderFactory = new CryptoProviderFactory { CacheSignatureProviders = false };
        return key;
    }

    private JsonObject Published(RSA key)
    {
        RSAParameters numbers = key.ExportParameters(includePrivateParameters: false);
        return new JsonObject
        {
            ["kty"] = "RSA",
            ["alg"] = SecurityAlgorithms.RsaSha256,
            ["use"] = "sig",
            ["kid"] = IdOf(key),
            ["n"] = Base64UrlEncoder.Encode(numbers.Modulus),
            ["e"] = Base64UrlEncoder.Encode(numbers.Exponent),
        };
    }

    private JsonObject Published(ECDsa key)
    {
        ECParameters numbers = key.ExportParameters(includePrivateParameters: false);
        return new JsonObject
        {
            ["kty"] = "EC",
            ["alg"] = SecurityAlgorithms.EcdsaSha256,
            ["use"] = "sig",
            ["kid"] = IdOf(key),
            ["crv"] = "P-256",
            ["x"] = Base64UrlEncoder.Encode(numbers.Q.X),
            ["y"] = Base64UrlEncoder.Encode(numbers.Q.Y),
        };
    }
}
