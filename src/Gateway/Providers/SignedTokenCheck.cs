using System.Security.Cryptography;
using System.Text;
using Gateway.Settings;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Providers;

/// <summary>
/// Validates signed tokens: signature, type, issuer, audience and times. The algorithm must be in the discovery document, and the key in the key set
/// of the provider; `GATEWAY_ID_TOKEN_ALGORITHMS` replaces the document's list. HS256 with the client secret is accepted only if that list has it, and the
/// header names no published key.
/// </summary>
internal sealed class SignedTokenCheck(ProviderSettings provider, ProviderDiscovery discovery, TimeProvider time)
{
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(2);

    /// <summary>The algorithm of the last ID token; null until the first one since the start.</summary>
    private volatile string? _idTokenAlgorithm;

    /// <exception cref="ProviderMistakeException">The token is invalid. The message says why.</exception>
    /// <exception cref="ProviderUnavailableException">The keys of the provider are unknown.</exception>
    public Task<SignedToken> CheckAsync(string text, TokenKind kind, CancellationToken cancellationToken) =>
        CheckAsync(text, kind, [provider.ClientId], cancellationToken);

    /// <param name="audiences">The token must be for one of them.</param>
    /// <exception cref="ProviderMistakeException">The token is invalid. The message says why.</exception>
    /// <exception cref="ProviderUnavailableException">The keys of the provider are unknown.</exception>
    public async Task<SignedToken> CheckAsync(
        string text,
        TokenKind kind,
        IReadOnlyCollection<string> audiences,
        CancellationToken cancellationToken)
    {
        SignedToken token = SignedToken.Parse(text, kind);
        CheckHeader(token.Header, kind);
        OpenIdConnectConfiguration configuration = await discovery.GetConfigurationAsync(cancellationToken);
        TokenError? error = FindError(token, kind, configuration);
        if (error is { MayFitNewerConfiguration: true } && await discovery.FetchNewerAsync(configuration, cancellationToken) is { } newer)
        {
            error = FindError(token, kind, newer);
        }

        if (error is not null)
        {
            throw new ProviderMistakeException(error.Message);
        }

        if (!token.Claims.Texts("aud").Any(audiences.Contains))
        {
            throw new ProviderMistakeException($"{kind.Name} is for another client than {string.Join(" or ", audiences)}");
        }

        CheckTimes(token.Claims, kind);
        if (kind == TokenKind.IdToken)
        {
            _idTokenAlgorithm = token.Header.RequiredText("alg");
        }

        return token;
    }

    private static void CheckHeader(ClaimSet header, TokenKind kind)
    {
        // This check rejects "none" even if the discovery document lists it.
        if (header.Text("alg") is not { Length: > 0 } algorithm || algorithm.Equals("none", StringComparison.OrdinalIgnoreCase))
        {
            throw new ProviderMistakeException($"{kind.Name} is not signed");
        }

        // RFC 7515, section 4.1.11: the gateway supports no extension. `b64` and `zip` would change the meaning of the payload.
        if (((string[])["crit", "b64", "zip"]).FirstOrDefault(header.Has) is { } extension)
        {
            throw new ProviderMistakeException($"{kind.Name}'s header has \"{extension}\", which the gateway does not support");
        }

        if (!kind.HasType(header.Text("typ")) || (header.Has("typ") && header.Text("typ") is null))
        {
            throw new ProviderMistakeException($"{kind.Name} is of another type: its \"typ\" is not {string.Join(" or ", kind.Types)}");
        }
    }

    /// <summary>Finds an error of the signature or the issuer.</summary>
    private TokenError? FindError(SignedToken token, TokenKind kind, OpenIdConnectConfiguration configuration)
    {
        string algorithm = token.Header.RequiredText("alg");
        if (token.Signature.Length == 0)
        {
            return new TokenError($"{kind.Name} is not signed");
        }

        if (!SigningAlgorithms.Supported.Contains(algorithm))
        {
            return new TokenError(
                $"{kind.Name} is signed with {OnlyAlphanumeric(algorithm)}, an algorithm that the gateway does not support. "
                + "In authentik, choose an RSA or EC key as \"Signing Key\"; elsewhere, choose RS256 or ES256 for this client");
        }

        // The provider may have changed its keys, algorithms or issuer since the document was fetched.
        IReadOnlyCollection<string> accepted = kind.Algorithms(configuration, provider.IdTokenAlgorithms);
        if (!accepted.Contains(algorithm))
        {
            string missing = kind == TokenKind.UserInfo || provider.IdTokenAlgorithms.IsEmpty
                ? "which the discovery document does not name"
                : "which GATEWAY_ID_TOKEN_ALGORITHMS does not name";
            return new TokenError($"{kind.Name} is signed with {OnlyAlphanumeric(algorithm)}, {missing}", MayFitNewerConfiguration: true);
        }

        // Back-Channel Logout 1.0, section 2.6, step 2. An algorithm that the document no longer lists has been replaced.
        if (kind == TokenKind.LogoutToken && _idTokenAlgorithm is { } ofIdTokens && ofIdTokens != algorithm && accepted.Contains(ofIdTokens))
        {
            return new TokenError(
                $"{kind.Name} is signed with {OnlyAlphanumeric(algorithm)}, but the ID tokens of this provider are signed with {ofIdTokens}",
                MayFitNewerConfiguration: true);
        }

        string? keyId = token.Header.Text("kid");
        bool bySecret = SigningAlgorithms.UsesSecret(algorithm);
        if (bySecret && kind.IsForAnotherParty)
        {
            return new TokenError($"{kind.Name} is signed with {OnlyAlphanumeric(algorithm)}: every holder of the client secret could have made it");
        }

        if (bySecret && FindSecretError(algorithm, keyId, configuration) is { } secretError)
        {
            return new TokenError($"{kind.Name} is signed with {OnlyAlphanumeric(algorithm)}, {secretError}");
        }

        // A key without an id may be the one that the token names.
        SecurityKey[] keys = bySecret
            ? [new SymmetricSecurityKey(Encoding.UTF8.GetBytes(provider.ClientSecret))]
            : [.. PublishedKeys(algorithm, configuration)
                .Where(key => string.IsNullOrEmpty(keyId) || string.IsNullOrEmpty(key.KeyId) || key.KeyId == keyId)
                .Where(key => MaySign(key, token.Claims, configuration))];
        if (!keys.Any(key => IsSignedBy(key, algorithm, token)))
        {
            if (keys.Length == 0 && FindOtherCurve(algorithm, configuration) is { } curve)
            {
                return new TokenError(
                    $"{kind.Name} is signed with a key of the curve {curve}, which the gateway does not support. Choose a key of the curve Ed25519",
                    MayFitNewerConfiguration: true);
            }

            // The provider may have a new key, even under the same id.
            bool unknownKey = !bySecret && (string.IsNullOrEmpty(keyId) || keys.Length == 0);
            return unknownKey
                ? new TokenError($"{kind.Name} is signed with a key that the provider does not publish", MayFitNewerConfiguration: true)
                : new TokenError($"{kind.Name}'s signature is wrong", MayFitNewerConfiguration: !bySecret);
        }

        return FindIssuerError(token.Claims, kind, configuration);
    }

    private TokenError? FindIssuerError(ClaimSet claims, TokenKind kind, OpenIdConnectConfiguration configuration)
    {
        string expected = configuration.Issuer;
        if (TenantIssuer.IsTemplate(expected))
        {
            string tenant = claims.Text("tid") ?? "";
            if (!provider.AllowedTenants.Contains(tenant))
            {
                return new TokenError($"{kind.Name} is of the tenant \"{Truncate(tenant)}\" (\"tid\"), which GATEWAY_ALLOWED_TENANTS does not list");
            }

            expected = TenantIssuer.Resolve(expected, tenant);
        }

        string issuer = claims.Text("iss") ?? "";
        return issuer == expected || provider.FurtherIssuers.Contains(issuer)
            ? null
            : new TokenError(
                $"{kind.Name}'s issuer is \"{Truncate(issuer)}\", but the discovery document says \"{expected}\"",
                MayFitNewerConfiguration: true);
    }

    /// <summary>Microsoft Entra publishes the keys of all tenants in one set: a key that names an issuer signs for that issuer alone.</summary>
    private static bool MaySign(SecurityKey key, ClaimSet claims, OpenIdConnectConfiguration configuration)
    {
        if (!TenantIssuer.IsTemplate(configuration.Issuer))
        {
            return true;
        }

        string tenant = claims.Text("tid") ?? "";
        string issuer = claims.Text("iss") ?? "";
        return configuration.JsonWebKeySet.Keys
            .Where(published => published.Kid == key.KeyId && published.AdditionalData.ContainsKey("issuer"))
            .All(published => TenantIssuer.Resolve(published.AdditionalData["issuer"]?.ToString() ?? "", tenant) == issuer);
    }

    /// <summary>The client secret as a key (OpenID Connect Core 1.0, section 10.1).</summary>
    private string? FindSecretError(string algorithm, string? keyId, OpenIdConnectConfiguration configuration)
    {
        // A provider that names a published key and signs with the secret is set up wrongly.
        if (!string.IsNullOrEmpty(keyId) && configuration.JsonWebKeySet.Keys.Any(key => key.Kid == keyId))
        {
            return "but names a key of another algorithm";
        }

        int minBytes = SigningAlgorithms.MinSecretBytes(algorithm);
        return Encoding.UTF8.GetByteCount(provider.ClientSecret) < minBytes
            ? $"for which the client secret must have {minBytes} bytes or more"
            : null;
    }

    private static string? FindOtherCurve(string algorithm, OpenIdConnectConfiguration configuration) =>
        Ed25519Signature.IsAlgorithm(algorithm) && configuration.JsonWebKeySet.Keys.FirstOrDefault(Ed25519Signature.IsOtherCurve) is { } other
            ? OnlyAlphanumeric(other.Crv ?? "")
            : null;

    /// <summary>Microsoft.IdentityModel leaves out keys of a type that it does not know.</summary>
    private static IEnumerable<SecurityKey> PublishedKeys(string algorithm, OpenIdConnectConfiguration configuration) =>
        Ed25519Signature.IsAlgorithm(algorithm) ? configuration.JsonWebKeySet.Keys.Where(Ed25519Signature.IsKey) : configuration.SigningKeys;

    private static bool IsSignedBy(SecurityKey key, string algorithm, SignedToken token)
    {
        if (Ed25519Signature.IsAlgorithm(algorithm))
        {
            return key is JsonWebKey published && Ed25519Signature.IsSignedBy(published, token);
        }

        CryptoProviderFactory factory = key.CryptoProviderFactory;
        if (!factory.IsSupportedAlgorithm(algorithm, key))
        {
            return false;
        }

        try
        {
            SignatureProvider verifier = factory.CreateForVerifying(key, algorithm);
            try
            {
                return verifier.Verify(token.SignedBytes, token.Signature);
            }
            finally
            {
                factory.ReleaseSignatureProvider(verifier);
            }
        }
        catch (Exception failure) when (failure is ArgumentException or CryptographicException or InvalidOperationException or NotSupportedException)
        {
            // The key is too short, or its curve does not fit the algorithm.
            return false;
        }
    }

    private void CheckTimes(ClaimSet claims, TokenKind kind)
    {
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset? issuedAt = claims.Time("iat");
        DateTimeOffset? expires = claims.Time("exp");
        bool mayLackExpiry = !claims.Has("exp") && (!kind.HasTimes || (kind.MaxAgeWithoutExpiry is not null && issuedAt is not null));
        bool hasExpired = expires is null ? !mayLackExpiry : now >= expires + ClockSkew;
        if (hasExpired || now < claims.Time("nbf") - ClockSkew)
        {
            throw new ProviderMistakeException($"{kind.Name} is not valid at this time; the clocks of gateway and provider may differ");
        }

        if (expires is null && kind.MaxAgeWithoutExpiry is { } maxAge && issuedAt < now - maxAge)
        {
            throw new ProviderMistakeException(
                $"{kind.Name} has no \"exp\", and its \"iat\" is more than {maxAge.TotalMinutes:0} minutes ago; "
                + "the clocks of gateway and provider may differ");
        }

        if ((issuedAt is null && kind.HasTimes) || issuedAt > now + ClockSkew)
        {
            throw new ProviderMistakeException(
                $"{kind.Name} has no time of issue (\"iat\"), or one in the future; the clocks of gateway and provider may differ");
        }
    }

    /// <summary>A text of the provider for a message: short, and without control characters.</summary>
    public static string Truncate(string text) => new([.. text.Where(letter => !char.IsControl(letter)).Take(200)]);

    private static string OnlyAlphanumeric(string text) => new([.. text.Where(char.IsAsciiLetterOrDigit).Take(16)]);

    /// <param name="MayFitNewerConfiguration">Whether the token may be valid with a newer discovery document or key set.</param>
    private sealed record TokenError(string Message, bool MayFitNewerConfiguration = false);
}
