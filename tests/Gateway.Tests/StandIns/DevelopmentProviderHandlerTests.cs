using System.Net;
using Gateway.StandIns.Provider;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.DataProtection;
using static Gateway.Tests.StandIns.DevelopmentProviderChecks;

namespace Gateway.Tests.StandIns;

public sealed class DevelopmentProviderHandlerTests
{
    [Theory]
    [InlineData(nameof(SigningMode.RS256))]
    [InlineData(nameof(SigningMode.ES256))]
    public async Task The_OpenID_Connect_handler_of_ASP_NET_Core_signs_in_at_the_development_provider(string mode)
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { Signing = Enum.Parse<SigningMode>(mode) });
        await using WebApplication application = await StartApplicationAsync(provider);
        Uri address = new Uri(application.Urls.Single());
        provider.Options = provider.Options with { RedirectUris = [new Uri(address, "/callback").AbsoluteUri] };
        provider.SignsInAs = "alice";
        using HttpClient browser = new HttpClient(new SocketsHttpHandler { UseProxy = false });

        string answer = await browser.GetStringAsync(address, TestContext.Current.CancellationToken);

        Assert.Equal("alice: paperless-users, family", answer);
    }

    private static async Task<WebApplication> StartApplicationAsync(DevelopmentProvider provider)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
            .AddCookie()
            .AddOpenIdConnect(options => Configure(options, provider));
        WebApplication application = builder.Build();
        application.UseAuthentication();
        application.Run(http => http.User.Identity is { IsAuthenticated: true }
            ? http.Response.WriteAsync(
                $"{http.User.FindFirst("preferred_username")?.Value}: {string.Join(", ", http.User.FindAll("groups").Select(group => group.Value))}")
            : http.ChallengeAsync(OpenIdConnectDefaults.AuthenticationScheme));
        await application.StartAsync(TestContext.Current.CancellationToken);
        return application;
    }

    private static void Configure(OpenIdConnectOptions options, DevelopmentProvider provider)
    {
        options.MetadataAddress = provider.DiscoveryUrl.AbsoluteUri;
        options.RequireHttpsMetadata = false;
        options.ClientId = provider.Options.ClientId;
        options.ClientSecret = provider.Options.ClientSecret;
        options.ResponseType = "code";
        options.ResponseMode = "query";
        options.CallbackPath = "/callback";
        options.MapInboundClaims = false;
        options.GetClaimsFromUserInfoEndpoint = true;
        options.NonceCookie.SameSite = options.CorrelationCookie.SameSite = SameSiteMode.Lax;
        options.NonceCookie.SecurePolicy = options.CorrelationCookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
    }
}
