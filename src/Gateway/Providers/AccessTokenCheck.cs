using Gateway.Settings;

namespace Gateway.Providers;

/// <summary>An access token that passed the check.</summary>
/// <param name="IsOfPerson">Whether it shows that a person authenticated, and not a program with its own client.</param>
internal sealed record AccessToken(Provider Provider, ClaimSet Claims, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt, bool IsOfPerson)
{
    /// <summary>For logs and debuggers: leaves out the claims.</summary>
    public override string ToString() => nameof(AccessToken);
}

/// <summary>
/// Validates access tokens of the providers that are JWTs (RFC 9068, section 4), and tells them from ID tokens: an ID token says who signed in at a
/// client, and that client must not be able to use it at the API.
/// </summary>
internal sealed class AccessTokenCheck(ProviderRegistry providers, GatewaySettings settings, TimeProvider time)
{
    /// <summary>Claims of ID tokens (OpenID Connect Core 1.0, sections 2, 3.1.3.6 and 3.3.2.11), and of logout tokens.</summary>
    private static readonly string[] ForeignClaims = ["nonce", "at_hash", "c_hash", "events"];

    /// <summary>Claims of access tokens alone (RFC 9068, section 2.2; `scp` is Microsoft's and Okta's name of `scope`).</summary>
    private static readonly string[] OwnClaims = ["scope", "scp", "client_id"];

    /// <summary>Claims in which a provider names the kind of a token: Keycloak's `typ` and Cognito's `token_use`.</summary>
    private static readonly (string Claim, string Value)[] KindClaims = [("typ", "Bearer"), ("token_use", "access")];

    /// <exception cref="ProviderMistakeException">The token is invalid. The message says why.</exception>
    /// <exception cref="ProviderUnavailableException">The keys of the provider are unknown.</exception>
    public async Task<AccessToken> CheckAsync(string text, CancellationToken cancellationToken)
    {
        SignedToken received = SignedToken.Parse(text, TokenKind.AccessToken);
        CheckKind(received);
        Provider provider = await FindProviderAsync(received.Claims, cancellationToken);
        ClaimSet claims = (await provider.Tokens.CheckAsync(text, TokenKind.AccessToken, settings.Apps.BearerAudiences, cancellationToken)).Claims;
        DateTimeOffset expiresAt = claims.Time("exp")!.Value;
        if (time.GetUtcNow() >= expiresAt)
        {
            throw new ProviderMistakeException("the access token has expired");
        }

        claims.RequiredText("sub");
        return new AccessToken(provider, claims, claims.Time("iat")!.Value, expiresAt, IsOfPerson(claims));
    }

    private static void CheckKind(SignedToken token)
    {
        ClaimSet claims = token.Claims;
        if (Array.Find(ForeignClaims, claims.Has) is { } foreign)
        {
            throw new ProviderMistakeException($"the access token has \"{foreign}\", as only other kinds of tokens do");
        }

        foreach ((string claim, string value) in KindClaims)
        {
            if (claims.Has(claim) && claims.Text(claim) != value)
            {
                throw new ProviderMistakeException($"the access token is of another kind: its claim \"{claim}\" is not \"{value}\"");
            }
        }

        bool isNamed = TokenKind.IsAccessTokenType(token.Header.Text("typ")) || Array.Exists(KindClaims, kind => claims.Has(kind.Claim));
        if (!isNamed && !Array.Exists(OwnClaims, claims.Has))
        {
            throw new ProviderMistakeException("nothing says that the token is an access token: its \"typ\" is not at+jwt, and it has no \"scope\"");
        }
    }

    /// <summary>
    /// A client's own token (client credentials) has the client as its subject (RFC 9068, section 2.2), or a made-up user. Only an authentication at
    /// the provider leaves a session or a method.
    /// </summary>
    private static bool IsOfPerson(ClaimSet claims)
    {
        string subject = claims.RequiredText("sub");
        bool isClient = subject == claims.Text("client_id") || subject == claims.Text("azp");
        return !isClient && (claims.Text("sid") is { Length: > 0 } || claims.Texts("amr").Count > 0);
    }

    private async Task<Provider> FindProviderAsync(ClaimSet claims, CancellationToken cancellationToken)
    {
        if (providers.All is [var only])
        {
            return only;
        }

        string issuer = claims.RequiredText("iss");
        ProviderUnavailableException? unavailable = null;
        foreach (Provider provider in providers.All)
        {
            try
            {
                if (TenantIssuer.Matches((await provider.Discovery.GetConfigurationAsync(cancellationToken)).Issuer, issuer, provider.Settings))
                {
                    return provider;
                }
            }
            catch (ProviderUnavailableException failure)
            {
                unavailable ??= failure;
            }
        }

        throw unavailable ?? (Exception)new ProviderMistakeException(
            $"the access token's issuer is \"{SignedTokenCheck.Truncate(issuer)}\", which is none of the providers");
    }
}
