using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.SignIn;

/// <summary>Sets up ASP.NET Core's OpenID Connect handler for each provider of `PAPERLESS_SOCIALACCOUNT_PROVIDERS`.</summary>
internal sealed class OpenIdConnectSetup(GatewaySettings settings, ProviderRegistry providers) : IConfigureNamedOptions<OpenIdConnectOptions>
{
    /// <summary>How long a person may take at the provider before the round trip starts anew.</summary>
    private static readonly TimeSpan LongestRoundTrip = TimeSpan.FromMinutes(30);

    public void Configure(OpenIdConnectOptions options)
    {
    }

    public void Configure(string? name, OpenIdConnectOptions options)
    {
        Provider provider = providers.OfScheme(name!);
        options.ClientId = provider.Settings.ClientId;
        options.ConfigurationManager = provider.Discovery;
        options.Backchannel = provider.Backchannel;
        options.SignInScheme = SessionScheme.Name;
        options.CallbackPath = SignInFeature.CallbackPath(provider.Settings.Id);
        options.RemoteAuthenticationTimeout = LongestRoundTrip;

        options.ResponseType = OpenIdConnectResponseType.Code;
        options.ResponseMode = OpenIdConnectResponseMode.Query;
        options.UsePkce = true;
        options.ProtocolValidator.NonceLifetime = LongestRoundTrip;

        // Pushing the request is not done: authentik cannot, and the handler would authenticate there by form alone.
        options.PushedAuthorizationBehavior = PushedAuthorizationBehavior.Disable;
        options.DisableTelemetry = true;
        options.MapInboundClaims = false;
        options.SaveTokens = false;
        options.ClaimActions.Clear();

        // SignInEvents asks userinfo: the handler would take a signed answer without a look at its signature.
        options.GetClaimsFromUserInfoEndpoint = false;
        options.TokenHandler = provider.IdTokens;
        options.EventsType = typeof(SignInEvents);

        options.Scope.Clear();
        foreach (string scope in provider.Settings.Scopes)
        {
            options.Scope.Add(scope);
        }

        foreach ((string parameter, string value) in provider.Settings.AuthorizationParameters)
        {
            options.AdditionalAuthorizationParameters[parameter] = value;
        }

        Protect(options.CorrelationCookie, "correlation.");
        Protect(options.NonceCookie, "nonce.");
    }

    /// <summary>Both cookies live for one round trip and go to the callback alone.</summary>
    private void Protect(CookieBuilder cookie, string name)
    {
        cookie.Name = $"{SessionCookie.Prefix}-{name}";
        cookie.HttpOnly = true;
        cookie.SameSite = SameSiteMode.Lax;
        cookie.SecurePolicy = settings.Public.IsHttps ? CookieSecurePolicy.Always : CookieSecurePolicy.None;
    }
}
