using Gateway.Providers;
using Gateway.Sessions;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.SignIn;

/// <summary>Sets up ASP.NET Core's OpenID Connect handler for each provider of `PAPERLESS_SOCIALACCOUNT_PROVIDERS`.</summary>
internal sealed class OpenIdConnectSetup(ProviderRegistry providers) : IConfigureNamedOptions<OpenIdConnectOptions>
{
    public void Configure(OpenIdConnectOptions options)
    {
    }

    public void Configure(string? name, OpenIdConnectOptions options)
    {
        Provider provider = providers.GetByScheme(name!);
        options.ClientId = provider.Settings.ClientId;
        options.ConfigurationManager = provider.Discovery;
        options.Backchannel = provider.Backchannel;
        options.SignInScheme = SessionScheme.Name;
        options.CallbackPath = SignInFeature.CallbackPath(provider.Settings.Id);

        options.ResponseType = OpenIdConnectResponseType.Code;
        options.ResponseMode = OpenIdConnectResponseMode.Query;
        options.UsePkce = true;

        // The handler would put it into a cookie of its own; SignInEvents sends one all the same, and checks it.
        options.ProtocolValidator.RequireNonce = false;

        // SignInEvents pushes the request (RFC 9126): the handler would authenticate there by form alone.
        options.PushedAuthorizationBehavior = PushedAuthorizationBehavior.UseIfAvailable;
        options.DisableTelemetry = true;
        options.MapInboundClaims = false;
        options.SaveTokens = false;
        options.ClaimActions.Clear();

        // SignInEvents asks userinfo: the handler would take a signed answer without a look at its signature.
        options.GetClaimsFromUserInfoEndpoint = false;
        options.TokenHandler = provider.IdTokens;
        options.EventsType = typeof(SignInEvents);

        foreach ((string parameter, string value) in provider.Settings.AuthorizationParameters)
        {
            options.AdditionalAuthorizationParameters[parameter] = value;
        }
    }
}
