using System.Security.Cryptography;
using Gateway.StandIns.Provider.Endpoints;
using Gateway.StandIns.Provider.Handlers;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;
using BuiltIn = OpenIddict.Server.OpenIddictServerHandlers;
using HostBuiltIn = OpenIddict.Server.AspNetCore.OpenIddictServerAspNetCoreHandlers;

namespace Gateway.StandIns.Provider;

/// <summary>OpenIddict speaks the protocol; what authentik does differently is put in as handlers around it.</summary>
internal static class ProtocolEngine
{
    public static void Add(IServiceCollection services, DevelopmentProvider provider)
    {
        services.AddSingleton(provider);
        services.AddOpenIddict().AddServer(server =>
        {
            // Degraded mode: no stores of OpenIddict's own. Tokens are known by IssuedTokens, the client by the options.
            server.EnableDegradedMode();
            server.DisableScopeValidation();
            server.AllowAuthorizationCodeFlow().AllowRefreshTokenFlow();
            SetEndpoints(server, provider.Options.Slug);
            server.Configure(options =>
            {
                options.TimeProvider = provider.Options.TimeProvider;
                options.CodeChallengeMethods.Add(CodeChallengeMethods.Plain);
            });

            // Never used, since every token is made by IssueToken, but OpenIddict does not start without.
            server.AddEncryptionKey(new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(32)));
            server.AddSigningKey(new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)));

            server.UseAspNetCore()
                .DisableTransportSecurityRequirement()
                .EnableAuthorizationEndpointPassthrough()
                .EnableTokenEndpointPassthrough()
                .EnableUserInfoEndpointPassthrough()
                .EnableEndSessionEndpointPassthrough();

            AddDocuments(server);
            AddTokens(server);
            AddAuthorization(server);
            AddClientAuthentication(server);
            AddEndSession(server);
        });
    }

    private static void SetEndpoints(OpenIddictServerBuilder server, string slug) => server
        .SetConfigurationEndpointUris($"application/o/{slug}/.well-known/openid-configuration")
        .SetJsonWebKeySetEndpointUris($"application/o/{slug}/jwks/")
        .SetEndSessionEndpointUris(EndSessionEndpoint.PathFor(slug))
        .SetAuthorizationEndpointUris(AuthorizeEndpoint.Path)
        .SetTokenEndpointUris(TokenEndpoint.Path)
        .SetUserInfoEndpointUris(UserInfoEndpoint.Path)
        .SetIntrospectionEndpointUris("application/o/introspect/")
        .SetRevocationEndpointUris("application/o/revoke/");

    private static void AddDocuments(OpenIddictServerBuilder server)
    {
        AddBefore<ApplyConfigurationResponseContext, WriteDiscovery>(
            server, HostBuiltIn.ProcessJsonResponse<ApplyConfigurationResponseContext>.Descriptor);
        AddBefore<ApplyJsonWebKeySetResponseContext, WriteKeySet>(
            server, HostBuiltIn.ProcessJsonResponse<ApplyJsonWebKeySetResponseContext>.Descriptor);
    }

    private static void AddTokens(OpenIddictServerBuilder server)
    {
        AddBefore<GenerateTokenContext, IssueToken>(server, BuiltIn.Protection.GenerateIdentityModelToken.Descriptor);
        AddBefore<ValidateTokenContext, RecogniseToken>(server, BuiltIn.Protection.ValidateIdentityModelToken.Descriptor);
        AddBefore<ApplyTokenResponseContext, ShapeTokenResponse>(
            server, HostBuiltIn.AttachCacheControlHeader<ApplyTokenResponseContext>.Descriptor);
        server.RemoveEventHandler(HostBuiltIn.AttachWwwAuthenticateHeader<ApplyTokenResponseContext>.Descriptor);
        server.AddEventHandler<HandleRevocationRequestContext>(handler => handler.UseSingletonHandler<RevokeToken>());
    }

    private static void AddAuthorization(OpenIddictServerBuilder server)
    {
        AddBefore<ValidateAuthorizationRequestContext, ValidateApplication>(
            server, BuiltIn.Authentication.ValidateRequestParameter.Descriptor);
        AddBefore<ApplyAuthorizationResponseContext, RedirectErrors>(server, BuiltIn.Authentication.AttachResponseState.Descriptor);
        AddBefore<ApplyAuthorizationResponseContext, WriteErrorPage>(
            server, HostBuiltIn.ProcessLocalErrorResponse<ApplyAuthorizationResponseContext>.Descriptor);

        // authentik sends no iss in the authorization response: the options decide.
        AddBefore<ApplyAuthorizationResponseContext, NameIssuer>(server, BuiltIn.Authentication.AttachResponseState.Descriptor);
        server.RemoveEventHandler(BuiltIn.Authentication.AttachIssuer.Descriptor);
    }

    private static void AddClientAuthentication(OpenIddictServerBuilder server)
    {
        ReadBasic<ExtractTokenRequestContext>(server);
        ReadBasic<ExtractIntrospectionRequestContext>(server);
        ReadBasic<ExtractRevocationRequestContext>(server);
        AddBefore<ValidateTokenRequestContext, AuthenticateClient<ValidateTokenRequestContext>>(
            server, BuiltIn.Exchange.ValidateAuthentication.Descriptor);
        AddBefore<ValidateIntrospectionRequestContext, AuthenticateClient<ValidateIntrospectionRequestContext>>(
            server, BuiltIn.Introspection.ValidateAuthentication.Descriptor);
        AddBefore<ValidateRevocationRequestContext, AuthenticateClient<ValidateRevocationRequestContext>>(
            server, BuiltIn.Revocation.ValidateAuthentication.Descriptor);
    }

    private static void ReadBasic<TContext>(OpenIddictServerBuilder server)
        where TContext : BaseValidatingContext
    {
        AddBefore<TContext, ReadBasicCredentials<TContext>>(
            server, HostBuiltIn.ExtractBasicAuthenticationCredentials<TContext>.Descriptor);
        server.RemoveEventHandler(HostBuiltIn.ExtractBasicAuthenticationCredentials<TContext>.Descriptor);
        server.RemoveEventHandler(HostBuiltIn.ValidateClientAuthenticationMethod<TContext>.Descriptor);
    }

    private static void AddEndSession(OpenIddictServerBuilder server)
    {
        AddBefore<ApplyEndSessionResponseContext, WriteErrorPage>(
            server, HostBuiltIn.ProcessLocalErrorResponse<ApplyEndSessionResponseContext>.Descriptor);

        // authentik ignores client_id here, and judges the redirect URI by what is registered alone: EndSessionEndpoint does.
        server.AddEventHandler<ValidateEndSessionRequestContext>(handler => handler.UseInlineHandler(_ => ValueTask.CompletedTask));
        server.RemoveEventHandler(BuiltIn.Session.ValidatePostLogoutRedirectUriParameter.Descriptor);
        server.RemoveEventHandler(BuiltIn.Session.ValidateAuthorizedParty.Descriptor);
    }

    private static void AddBefore<TContext, THandler>(OpenIddictServerBuilder server, OpenIddictServerHandlerDescriptor other)
        where TContext : BaseContext
        where THandler : class, IOpenIddictServerHandler<TContext> =>
        server.AddEventHandler<TContext>(handler => handler.UseSingletonHandler<THandler>().SetOrder(other.Order - 1));
}
