using System.Buffers.Text;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gateway.Settings;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Providers;

/// <summary>Validates ID tokens (OpenID Connect Core 1.0, section 3.1.3.7), for ASP.NET Core's OpenID Connect handler and for the recheck.</summary>
internal sealed class IdTokenCheck(ProviderSettings provider, SignedTokenCheck signed) : TokenHandler
{
    /// <summary>The claims that ASP.NET Core's handler reads. It gets no other claims, so that an unchecked claim cannot make it fail.</summary>
    private static readonly string[] HandlerTexts = ["iss", "sub", "nonce", "at_hash"];

    private static readonly string[] HandlerTimes = ["exp", "iat"];

    /// <exception cref="ProviderMistakeException">The token is invalid. The message says why.</exception>
    /// <exception cref="ProviderUnavailableException">The keys of the provider are unknown.</exception>
    public async Task<SignedToken> CheckAsync(string text, CancellationToken cancellationToken)
    {
        SignedToken token = await signed.CheckAsync(text, TokenKind.IdToken, cancellationToken);
        ClaimSet claims = token.Claims;

        // With several audiences, the authorized party (azp) is the client that received the token.
        if (claims.Has("azp") ? claims.Text("azp") != provider.ClientId : claims.Texts("aud").Count != 1)
        {
            throw new ProviderMistakeException("the ID token was given to another client than " + provider.ClientId);
        }

        if (claims.HasMember("events", TokenKind.LogoutEvent, out _))
        {
            throw new ProviderMistakeException("the ID token is a logout token: it has the event of a back-channel logout");
        }

        claims.RequiredText("sub");
        _ = (claims.Text("sid"), claims.Text("nonce"), claims.Text("at_hash"), claims.Text("acr"), claims.Text("jti"), claims.Time("auth_time"));
        return token;
    }

    /// <summary>Holds the answer of a round trip against `max_age` and `acr_values` of the request (steps 12 and 13).</summary>
    /// <param name="begunAt">The start of the round trip: the provider judges the age of the authentication after it.</param>
    /// <exception cref="ProviderMistakeException">The person authenticated too long ago, or in another way. The message names the claim.</exception>
    public void CheckAuthentication(ClaimSet claims, DateTimeOffset begunAt)
    {
        if (provider.MaxAge is { } maxAge)
        {
            DateTimeOffset authenticatedAt = claims.Time("auth_time")
                ?? throw new ProviderMistakeException("the ID token has no \"auth_time\", but AUTH_PARAMS asks for \"max_age\"");
            if (authenticatedAt < begunAt - maxAge - SignedTokenCheck.ClockSkew)
            {
                throw new ProviderMistakeException(
                    $"the ID token's \"auth_time\" is {authenticatedAt:yyyy-MM-dd HH:mm:ss}Z, which is longer ago than \"max_age\" in AUTH_PARAMS allows");
            }
        }

        string[] contexts = provider.AuthenticationContexts;
        string? context = claims.Text("acr");
        if (contexts.Length > 0 && !contexts.Contains(context))
        {
            string answer = context is null ? "the ID token has no \"acr\"" : $"the ID token's \"acr\" is \"{SignedTokenCheck.Truncate(context)}\"";
            throw new ProviderMistakeException($"{answer}, but AUTH_PARAMS asks for one of \"acr_values\": {string.Join(", ", contexts)}");
        }
    }

    /// <summary>Holds an access token against `at_hash`, where the ID token has one (section 3.1.3.8).</summary>
    /// <exception cref="ProviderMistakeException">The access token does not belong to the ID token.</exception>
    public static void CheckAccessToken(SignedToken token, string accessToken)
    {
        if (token.Claims.Text("at_hash") is not { } expected)
        {
            return;
        }

        // The hash is the one that the signature uses; EdDSA's is SHA-512.
        byte[] bytes = Encoding.UTF8.GetBytes(accessToken);
        byte[] hash = token.Header.RequiredText("alg")[^3..] switch
        {
            "256" => SHA256.HashData(bytes),
            "384" => SHA384.HashData(bytes),
            _ => SHA512.HashData(bytes),
        };
        if (Base64Url.EncodeToString(hash.AsSpan(0, hash.Length / 2)) != expected)
        {
            throw new ProviderMistakeException("the access token does not belong to the ID token: its hash is not \"at_hash\"");
        }
    }

    /// <remarks>Returns an error in `Exception` of the result, as the OpenID Connect handler expects.</remarks>
    public override async Task<TokenValidationResult> ValidateTokenAsync(string token, TokenValidationParameters validationParameters)
    {
        try
        {
            SignedToken id = await CheckAsync(token, CancellationToken.None);
            return new TokenValidationResult { IsValid = true, SecurityToken = Reduce(id), ClaimsIdentity = new ClaimsIdentity("OpenIdConnect") };
        }
        catch (ProviderMistakeException mistake)
        {
            return new TokenValidationResult { IsValid = false, Exception = mistake };
        }
    }

    /// <summary>Texts are written as texts, whichever JSON type the provider chose.</summary>
    private static JsonWebToken Reduce(SignedToken token)
    {
        Dictionary<string, object> header = new() { ["alg"] = token.Header.RequiredText("alg") };
        Dictionary<string, object> claims = new() { ["aud"] = token.Claims.Texts("aud") };
        foreach (string claim in HandlerTexts)
        {
            if (token.Claims.Text(claim) is { } text)
            {
                claims[claim] = text;
            }
        }

        foreach (string claim in HandlerTimes)
        {
            claims[claim] = token.Claims.Json.GetProperty(claim);
        }

        return new JsonWebToken(JsonSerializer.Serialize(header), JsonSerializer.Serialize(claims));
    }
}
