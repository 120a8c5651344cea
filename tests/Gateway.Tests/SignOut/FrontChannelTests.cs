using System.Net;
using Gateway.Sandbox.Provider;
using Gateway.Tests.Kit;
using Gateway.Tests.SignIn;

namespace Gateway.Tests.SignOut;

/// <summary>OpenID Connect Front-Channel Logout 1.0: a frame of the provider's, without the gateway's cookies.</summary>
public sealed class FrontChannelTests : IAsyncLifetime
{
    private World _world = null!;
    private Visitor _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync();
        _alice = await _world.SignedInAsync("alice");
    }

    public async ValueTask DisposeAsync()
    {
        _alice.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task The_frame_ends_the_session_that_it_names_and_is_framed_by_the_provider_alone()
    {
        using Visitor elsewhere = await _world.SignedInAsync("alice");
        ProviderSession first = _world.Provider.Sessions.First(session => session.Username == "alice");

        Page page = await FrameAsync(_world.Provider.Issuer.AbsoluteUri, first.Sid);

        Assert.Equal((HttpStatusCode.OK, "no-store"), (page.Status, page.Header("Cache-Control")));
        Assert.Contains($"frame-ancestors {_world.Provider.Issuer.GetLeftPart(UriPartial.Authority)}", page.Header("Content-Security-Policy")!, StringComparison.Ordinal);
        Assert.Null(page.Header("X-Frame-Options"));
        Assert.Equal((null, "alice"), (await _alice.WhoAsync(), await elsewhere.WhoAsync()));
    }

    [Theory]
    [InlineData("https://evil.example/", true)]
    [InlineData(null, true)]
    [InlineData("", false)]
    [InlineData("", true)]
    public async Task Without_the_right_issuer_and_a_sid_nothing_ends(string? issuer, bool sid)
    {
        Page page = await FrameAsync(issuer is "" ? (sid ? null : _world.Provider.Issuer.AbsoluteUri) : issuer, sid ? _world.Provider.Sessions[0].Sid : null);

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Equal("alice", await _alice.WhoAsync());
    }

    [Fact]
    public async Task A_sid_that_nobody_has_is_fine()
    {
        Page page = await FrameAsync(_world.Provider.Issuer.AbsoluteUri, "unknown");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal("alice", await _alice.WhoAsync());
    }

    /// <summary>Each would be a write to the store, and anybody may ask for it.</summary>
    [Fact]
    public async Task Made_up_sids_are_taken_so_often_a_minute_and_those_that_there_are_always()
    {
        List<HttpStatusCode> answers = [];
        for (int number = 0; number < 80; number++)
        {
            answers.Add((await FrameAsync(_world.Provider.Issuer.AbsoluteUri, $"made-up-{number}")).Status);
        }

        Assert.Equal([.. Enumerable.Repeat(HttpStatusCode.OK, 60), .. Enumerable.Repeat(HttpStatusCode.ServiceUnavailable, 20)], answers);
        Assert.Equal(HttpStatusCode.OK, (await FrameAsync(_world.Provider.Issuer.AbsoluteUri, _world.Provider.Sessions[0].Sid)).Status);
        Assert.Null(await _alice.WhoAsync());
        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.OK, (await FrameAsync(_world.Provider.Issuer.AbsoluteUri, "made-up-again")).Status);
    }

    [Fact]
    public async Task In_the_same_site_the_cookie_goes_too()
    {
        string query = Query(_world.Provider.Issuer.AbsoluteUri, _world.Provider.Sessions[0].Sid);

        Page page = await _alice.SendAsync(HttpMethod.Get, "/accounts/oidc/authentik/logout/frontchannel/" + query, null, ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Site", "same-site"));

        Assert.Contains(page.SetCookies, cookie => cookie.StartsWith("paperless-gateway=;", StringComparison.Ordinal));
        Assert.Null(await _alice.WhoAsync());
    }

    private async Task<Page> FrameAsync(string? issuer, string? sid)
    {
        using Visitor frame = _world.NewVisitor();
        return await frame.SendAsync(HttpMethod.Get, "/accounts/oidc/authentik/logout/frontchannel/" + Query(issuer, sid), null, ("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Site", "cross-site"));
    }

    private static string Query(string? issuer, string? sid) =>
        "?" + string.Join('&', new[] { issuer is null ? null : "iss=" + Uri.EscapeDataString(issuer), sid is null ? null : "sid=" + Uri.EscapeDataString(sid) }.OfType<string>());
}
