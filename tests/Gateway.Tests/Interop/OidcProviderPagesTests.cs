using System.Collections.Concurrent;
using System.Text.Json;
using Gateway.Tests.Browser;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.Playwright;

namespace Gateway.Tests.Interop;

/// <summary>The pages of oidc-provider in a real browser, and its back-channel logout to the client.</summary>
[Needs(RealPart.Chromium, RealPart.OidcProvider)]
public sealed class OidcProviderPagesTests(Chromium chromium) : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _logoutTokens = new();
    private WebApplication _client = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _client = builder.Build();
        _client.Run(async context =>
        {
            if (context.Request.Path == "/backchannel")
            {
                _logoutTokens.Enqueue((await context.Request.ReadFormAsync())["logout_token"].ToString());
                return;
            }

            context.Response.ContentType = "text/html; charset=utf-8";
            await context.Response.WriteAsync("<title>Client</title><link rel=icon href='data:,'><h1>Back at the client</h1>");
        });
        await _client.StartAsync(Stop);
    }

    public async ValueTask DisposeAsync() => await _client.DisposeAsync();

    [Fact]
    public async Task A_browser_signs_in_and_out_at_oidc_provider_and_the_client_receives_the_logout()
    {
        Uri url = new Uri(_client.Urls.Single());
        OidcProviderSettings settings = new OidcProviderSettings
        {
            RedirectUris = [new Uri(url, "/callback")],
            PostLogoutRedirectUris = [new Uri(url, "/out")],
            BackchannelLogoutUri = new Uri(url, "/backchannel"),
        };
        await using OidcProviderProcess provider = await OidcProviderProcess.StartAsync(settings, Stop);
        using HandMadeClient client = await HandMadeClient.DiscoverAsync(provider.Issuer, settings, Stop);
        await using BrowserWindow window = await chromium.OpenAsync();
        IPage page = window.Page;

        await page.GotoAsync(client.Authorize().AbsoluteUri);
        await page.GetByLabel("Login").FillAsync("alice");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Back at the client");
        JsonElement tokens = await client.RedeemAsync(new Uri(page.Url), Stop);
        JsonWebToken idToken = await client.ValidateAsync(tokens, Stop);

        await page.GotoAsync(client.EndSession(tokens, settings.PostLogoutRedirectUris[0], "s8").AbsoluteUri);
        await page.GetByRole(AriaRole.Button, new() { Name = "Yes, sign me out" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync($"{url}out?state=s8");

        JsonWebToken logoutToken = new JsonWebToken(Assert.Single(_logoutTokens));
        Assert.Equal("alice", logoutToken.Subject);
        Assert.Equal(idToken.GetPayloadValue<string>("sid"), logoutToken.GetPayloadValue<string>("sid"));
        Assert.Empty(window.Errors);
    }
}
