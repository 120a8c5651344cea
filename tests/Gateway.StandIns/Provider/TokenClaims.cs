using System.Text.Json.Nodes;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Gateway.StandIns.Provider;

/// <summary>What the provider says about a person, in ID tokens, access tokens, logout tokens and userinfo.</summary>
internal sealed class TokenClaims(DevelopmentProvider provider)
{
    private const string LogoutEvent = "http://schemas.openid.net/event/backchannel-logout";

    private DevelopmentProviderOptions Options => provider.Options;

    public JsonObject IdToken(Grant grant, string issuer, bool withNonce)
    {
        JsonObject claims = Common(grant, issuer);
        if (withNonce && grant.Nonce is not null)
        {
            claims["nonce"] = grant.Nonce;
        }

        return claims;
    }

    public JsonObject AccessToken(Grant grant, string issuer)
    {
        JsonObject claims = Common(grant, issuer);
        claims["azp"] = grant.ClientId;
        claims["uid"] = IssuedTokens.RandomText();
        claims["scope"] = string.Join(' ', grant.Scopes);
        return claims;
    }

    public JsonObject UserInfo(Grant grant)
    {
        JsonObject claims = new() { ["sub"] = grant.Session.Subject };
        Map(claims, grant);
        return claims;
    }

    public JsonObject LogoutToken(ProviderSession session, string issuer)
    {
        DateTimeOffset now = Options.TimeProvider.GetUtcNow();
        JsonObject claims = new JsonObject
        {
            ["iss"] = issuer,
            ["aud"] = Options.ClientId,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = now.AddMinutes(2).ToUnixTimeSeconds(),
            ["jti"] = IssuedTokens.RandomText(),
            ["sub"] = session.Subject,
            ["events"] = new JsonObject { [LogoutEvent] = new JsonObject() },
        };
        AddSid(claims, session);
        AddTenant(claims);
        return claims;
    }

    private JsonObject Common(Grant grant, string issuer)
    {
        DateTimeOffset now = Options.TimeProvider.GetUtcNow();
        JsonObject claims = new JsonObject
        {
            ["iss"] = issuer,
            ["sub"] = grant.Session.Subject,
            ["aud"] = grant.ClientId,
            ["exp"] = now.Add(Options.AccessTokenLifetime).ToUnixTimeSeconds(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["auth_time"] = grant.Session.SignedInAt.ToUnixTimeSeconds(),
            ["acr"] = "goauthentik.io/providers/oauth2/default",
            ["jti"] = IssuedTokens.RandomText(),
        };

        // Tokens that are refreshed after the session has ended name neither.
        if (provider.ActiveSessions.IsLive(grant.Session))
        {
            claims["amr"] = new JsonArray("pwd");
            AddSid(claims, grant.Session);
        }

        AddTenant(claims);
        if (Options.IncludeClaimsInIdToken || grant.ClientId == Options.AppClientId)
        {
            Map(claims, grant);
        }

        return claims;
    }

    private void AddSid(JsonObject claims, ProviderSession session)
    {
        if (Options.SidClaim)
        {
            claims["sid"] = session.Sid;
        }
    }

    private void AddTenant(JsonObject claims)
    {
        if (Options.Tenant is { } tenant)
        {
            claims["tid"] = tenant;
        }
    }

    // authentik's default scope mappings. There is no groups scope: profile carries the groups.
    private void Map(JsonObject claims, Grant grant)
    {
        if (provider.FindBySubject(grant.Session.Subject) is not { } person)
        {
            return;
        }

        if (grant.Scopes.Contains(Scopes.Email))
        {
            claims["email"] = person.Email;
            claims["email_verified"] = provider.Options.EmailVerified;
        }

        if (grant.Scopes.Contains(Scopes.Profile))
        {
            claims["name"] = person.Name;
            claims["given_name"] = person.Name;
            claims["preferred_username"] = person.Username;
            claims["nickname"] = person.Username;
            claims["groups"] = new JsonArray([.. person.Groups.Select(group => JsonValue.Create(group))]);
            foreach ((string? name, JsonNode? value) in person.ExtraClaims)
            {
                claims[name] = value?.DeepClone();
            }
        }
    }
}
