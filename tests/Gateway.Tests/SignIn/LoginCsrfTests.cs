using System.Net;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

/// <summary>An attacker tries to sign a victim in as the attacker, to read later what the victim uploads (RFC 6749, section 10.12).</summary>
public sealed class LoginCsrfTests
{
    [Fact]
    public async Task An_attackers_callback_signs_nobody_in_in_another_browser()
    {
        await using World world = await World.StartAsync();
        using Visitor attacker = world.NewVisitor();
        using Visitor victim = world.NewVisitor();
        world.Provider.SignsInAs = "bob";
        string callback = await (await RoundTrip.BeginAsync(attacker, "/documents/2")).AnswerAsync();
        world.Provider.SignsInAs = null;

        Page page = await victim.NavigateAsync(callback, "cross-site");

        Assert.Equal(world.Provider.Address.Authority, page.Address.Authority);
        Assert.Null(victim.Cookie(SignedIn.CookieName));
        Assert.DoesNotContain(world.Provider.Received, request => request.Path == "/application/o/token/");
    }

    [Fact]
    public async Task A_victim_with_a_session_at_the_provider_is_signed_in_only_as_the_victim()
    {
        await using World world = await World.StartAsync();
        using Visitor attacker = world.NewVisitor();
        using Visitor victim = world.NewVisitor();
        world.Provider.SignsInAs = "bob";
        string callback = await (await RoundTrip.BeginAsync(attacker)).AnswerAsync();
        world.Provider.SignsInAs = "alice";

        await victim.NavigateAsync(callback, "cross-site");

        Assert.Equal("alice", await victim.WhoAsync());
        Assert.DoesNotContain(world.Forwarded, request => request.Lines("Remote-User").Contains("bob"));
    }

    [Fact]
    public async Task An_attackers_code_in_the_victims_own_sign_in_is_refused()
    {
        await using World world = await World.StartAsync();
        using Visitor attacker = world.NewVisitor();
        using Visitor victim = world.NewVisitor();
        world.Provider.SignsInAs = "bob";
        string stolen = await (await RoundTrip.BeginAsync(attacker)).AnswerAsync();
        string code = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(stolen[stolen.IndexOf('?', StringComparison.Ordinal)..])["code"]!;
        world.Provider.SignsInAs = "alice";
        RoundTrip own = await RoundTrip.BeginAsync(victim, "/documents/2");

        Page page = await own.FinishAsync(RoundTrip.With(await own.AnswerAsync(), "code", code));

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("alice", await victim.WhoAsync());
        Assert.DoesNotContain(world.Forwarded, request => request.Lines("Remote-User").Contains("bob"));
    }

    [Fact]
    public async Task An_attackers_callback_is_refused_in_a_browser_that_started_another_sign_in()
    {
        await using World world = await World.StartAsync();
        using Visitor attacker = world.NewVisitor();
        using Visitor victim = world.NewVisitor();
        world.Provider.SignsInAs = "bob";
        string callback = await (await RoundTrip.BeginAsync(attacker, "/documents/2")).AnswerAsync();
        await RoundTrip.BeginAsync(victim, "/documents/1");

        Page page = await victim.OpenAsync(callback, "cross-site");

        Assert.Equal("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2&again=1", page.Location?.PathAndQuery);
        Assert.Null(victim.Cookie(SignedIn.CookieName));
        Assert.DoesNotContain(world.Provider.Received, request => request.Path == "/application/o/token/");
    }

    [Theory]
    [InlineData("__Secure-")]
    [InlineData("")]
    public async Task Over_HTTPS_a_correlation_cookie_without_the_Host_prefix_is_ignored(string prefix)
    {
        await using World world = await World.StartAsync(options => options.Https = true);
        using Visitor attacker = world.NewVisitor();
        using Visitor victim = world.NewVisitor();
        world.Provider.SignsInAs = "bob";
        RoundTrip begun = await RoundTrip.BeginAsync(attacker, "/documents/2");
        string callback = await begun.AnswerAsync();
        string secret = Assert.Single(begun.Begun.SetCookies).Split(';')[0]["__Host-".Length..];

        Page tossed = await victim.OpenAsync(callback, "cross-site", ("Cookie", prefix + secret));
        Page own = await victim.OpenAsync(callback, "cross-site", ("Cookie", "__Host-" + secret));

        Assert.Equal("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2&again=1", tossed.Location?.PathAndQuery);
        Assert.Empty(tossed.SetCookies);
        Assert.Equal("/documents/2", own.Location?.PathAndQuery);
    }
}
