using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.WebUtilities;
using Serilog.Events;

namespace Gateway.Tests.SignOut;

public sealed class AfterSignOutTests
{
    private const string SignedOut = "/accounts/login/?loggedout=1";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_signed_out_page_waits_for_a_click_even_if_single_sign_on_is_automatic(bool endsProviderSession)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_REDIRECT_LOGIN_TO_SSO"] = "true";
            options.Provider = provider => provider with { EndSessionEndsProviderSession = endsProviderSession };
        });
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.StartsWith(SignedOut, page.Address.PathAndQuery, StringComparison.Ordinal);
        Assert.Equal(endsProviderSession ? 0 : 1, world.Provider.Sessions.Count);
        Assert.Null(alice.Cookie("paperless-gateway"));

        // The click, and only the click, begins a sign-in again.
        Assert.Contains("""href="/accounts/oidc/authentik/login/?next=%2F""", page.Text, StringComparison.Ordinal);
        Page door = await alice.OpenAsync("/accounts/login/");
        Assert.StartsWith("/accounts/oidc/authentik/login/", door.Location!.PathAndQuery, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    public async Task A_configured_logout_address_at_the_provider_gets_the_logout_parameters(string end)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        string endSession = new Uri(world.Provider.Address, "application/o/paperless/end-session").AbsoluteUri + end;
        world.Options.Settings["PAPERLESS_LOGOUT_REDIRECT_URL"] = endSession;
        world.StartGateway();
        using Visitor alice = await world.SignedInAsync("alice");

        Page step = await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.StartsWith(endSession + "?", step.Location!.AbsoluteUri, StringComparison.Ordinal);
        Assert.Equal(["id_token_hint", "post_logout_redirect_uri", "state"], QueryHelpers.ParseQuery(step.Location.Query).Keys.Order());
        Page page = await alice.NavigateAsync(step.Location.AbsoluteUri, "cross-site");
        Assert.StartsWith(SignedOut, page.Address.PathAndQuery, StringComparison.Ordinal);
        Assert.Empty(world.Provider.Sessions);
    }

    [Fact]
    public async Task A_configured_logout_address_elsewhere_is_used_unchanged()
    {
        const string chosen = "https://intranet.example/bye?from=paperless";
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_LOGOUT_REDIRECT_URL"] = chosen);
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.Equal(chosen, page.Header("Location"));
        Assert.Empty(world.Paperless.Data.Sessions);
    }

    [Theory]
    [InlineData(nameof(Outage.DropsConnections), false)]
    [InlineData(nameof(Outage.ServiceUnavailable), false)]
    [InlineData(nameof(Outage.DropsConnections), true)]
    public async Task A_sign_out_while_the_provider_is_unavailable_shows_a_local_page_and_logs_a_warning(string outage, bool restarted)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.Outage = Enum.Parse<Outage>(outage);
        if (restarted)
        {
            await world.RestartGatewayAsync();
        }

        Page page = await alice.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(SignedOut, page.Address.PathAndQuery);
        LogEvent notEnded = Assert.Single(world.Log.Of("ProviderSessionNotEnded"));
        Assert.Equal("authentik", CapturedLog.Value(notEnded, "Provider"));
        string came = outage == nameof(Outage.ServiceUnavailable) ? "answered 503" : "closed the connection";
        Assert.All(
            [world.Provider.Issuer.GetLeftPart(UriPartial.Authority), came],
            words => Assert.Contains(words, CapturedLog.Value(notEnded, "Reason"), StringComparison.Ordinal));
        Assert.Empty(world.Paperless.Data.Sessions);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task A_sign_out_at_a_provider_without_an_end_session_endpoint_shows_a_local_page()
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperDiscovery = document =>
        {
            document.Remove("end_session_endpoint");
            return document;
        };
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(SignedOut, page.Address.PathAndQuery);
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task A_person_stays_signed_out_at_an_old_provider_that_ignores_the_return_address()
    {
        await using World world = await World.StartAsync(options =>
            options.Provider = provider => provider with { EndSessionHonoursPostLogoutRedirectUri = false });
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(world.Provider.Address.Authority, page.Address.Authority);
        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Empty(world.Provider.Sessions);
        Page door = await alice.NavigateAsync("/dashboard");
        Assert.Equal("/accounts/login/?next=%2Fdashboard", door.Address.PathAndQuery);
    }

    [Fact]
    public async Task Over_HTTPS_a_sign_out_deletes_the_Secure_cookies_too()
    {
        await using World world = await World.StartAsync(options => options.Https = true);
        using Visitor alice = await world.SignedInAsync("alice");
        Assert.NotNull(alice.Cookie("__Host-paperless-gateway"));

        Page page = await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.All(page.SetCookies, cookie => Assert.Contains("; secure", cookie, StringComparison.OrdinalIgnoreCase));
        Assert.Empty(alice.Cookies.GetCookies(new Uri(world.Origin)));
    }
}
