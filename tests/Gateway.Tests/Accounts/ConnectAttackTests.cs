using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>Attacks on Connect: somebody tries to link a provider account to another person's user.</summary>
public sealed class ConnectAttackTests : IAsyncLifetime
{
    private const string Path = "/accounts/oidc/other/login/?process=connect";

    private TwoProviders _both = null!;

    private World World => _both.World;

    public async ValueTask InitializeAsync() => _both = await TwoProviders.StartAsync();

    public ValueTask DisposeAsync() => _both.DisposeAsync();

    [Theory]
    [InlineData("cross-site", null, null)]
    [InlineData("same-site", null, null)]
    [InlineData("none", null, null)]
    [InlineData("", null, null)]
    [InlineData("cross-site", "/profile", null)]
    [InlineData("same-origin", null, "https://evil.example")]
    [InlineData("same-origin", null, "null")]
    [InlineData(null, null, null)]
    [InlineData(null, "https://evil.example/", null)]
    [InlineData(null, "", null)]
    [InlineData(null, "/profile", "https://evil.example")]
    [InlineData(null, null, "null")]
    public async Task A_connect_starts_from_the_same_origin_only(string? site, string? referer, string? origin)
    {
        using Visitor alice = await World.SignedInAsync("alice");

        foreach (HttpMethod method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post])
        {
            Page page = await alice.SendAsync(method, Path, null, Headers(site, referer, origin));

            Assert.Equal(HttpStatusCode.Forbidden, page.Status);
            Assert.Contains("My Profile", page.Text, StringComparison.Ordinal);
            Assert.Null(page.Location);
        }

        Assert.Equal(["connect_cross_site", "connect_cross_site"], World.Log.Of("Refused").Select(line => CapturedLog.Value(line, "Code")));
        Assert.DoesNotContain(_both.Other.Received, request => request.Path.Contains("authorize", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("same-origin", null, null)]
    [InlineData(null, "/profile", null)]
    [InlineData(null, null, "own")]
    [InlineData("same-origin", null, "own")]
    public async Task A_connect_from_the_same_origin_redirects_to_the_provider(string? site, string? referer, string? origin)
    {
        using Visitor alice = await World.SignedInAsync("alice");

        foreach (HttpMethod method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Post])
        {
            Page page = await alice.SendAsync(method, Path, null, Headers(site, referer, origin));

            Assert.Equal((HttpStatusCode.Redirect, _both.Other.Address.Authority), (page.Status, page.Location?.Authority));
        }
    }

    [Fact]
    public async Task A_prefetch_starts_no_connect()
    {
        using Visitor alice = await World.SignedInAsync("alice");

        Page page = await alice.OpenAsync(Path, "same-origin", ("Sec-Purpose", "prefetch"));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
    }

    [Fact]
    public async Task A_script_or_a_frame_starts_no_connect()
    {
        using Visitor alice = await World.SignedInAsync("alice");

        Assert.Equal(HttpStatusCode.Forbidden, (await alice.FetchAsync(Path)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await alice.SendAsync(
            HttpMethod.Get,
            Path,
            null,
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "iframe"),
            ("Sec-Fetch-Site", "same-origin"))).Status);
    }

    [Fact]
    public async Task An_attackers_callback_links_nothing_in_the_victims_browser()
    {
        World.Provider.SignsInAs = "alice";
        using Visitor victim = await World.SignedInAsync("alice");
        using Visitor attacker = await World.SignedInAsync("bob");
        string callback = await (await TwoProviders.BeginConnectAsync(attacker)).AnswerAsync();

        Page page = await victim.NavigateAsync(callback, "cross-site");

        Assert.Equal((HttpStatusCode.BadRequest, "connect_stale"), (page.Status, Code()));
        Assert.DoesNotContain(_both.Links, link => link.Provider == "other");
        Assert.Equal("alice", await victim.WhoAsync());
    }

    [Fact]
    public async Task An_attackers_code_in_the_victims_own_connect_links_nothing()
    {
        using Visitor victim = await World.SignedInAsync("alice");
        using Visitor attacker = await World.SignedInAsync("bob");
        string stolen = await (await TwoProviders.BeginConnectAsync(attacker)).AnswerAsync();
        string code = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(stolen.Split('?')[1])["code"]!;
        RoundTrip own = await TwoProviders.BeginConnectAsync(victim);

        await own.FinishAsync(RoundTrip.With(await own.AnswerAsync(), "code", code));

        Assert.DoesNotContain(_both.Links, link => link.Provider == "other");
    }

    [Fact]
    public async Task A_connect_callback_opened_twice_links_once_says_so_and_signs_nobody_in()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        RoundTrip trip = await TwoProviders.BeginConnectAsync(alice, "/documents/2");
        string callback = await trip.AnswerAsync();
        await trip.FinishAsync(callback);
        string? cookie = alice.Cookie(SignedIn.CookieName);

        Page again = await trip.FinishAsync(callback);
        alice.Forget(SignedIn.CookieName);
        Page signedOut = await trip.FinishAsync(callback);

        Assert.All([again, signedOut], page => Assert.Equal(HttpStatusCode.BadRequest, page.Status));
        Assert.Contains("My Profile", again.Text, StringComparison.Ordinal);
        Assert.Single(_both.Links, link => link.Provider == "other");
        Assert.Single(World.Log.Of("AccountConnected"));
        Assert.Single(World.Log.Of("SignedIn"));
        Assert.NotNull(cookie);
        Assert.Null(alice.Cookie(SignedIn.CookieName));
    }

    [Fact]
    public async Task A_connect_whose_code_has_expired_must_be_started_again()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        RoundTrip trip = await TwoProviders.BeginConnectAsync(alice);
        string callback = await trip.AnswerAsync();
        World.Clock.Advance(TimeSpan.FromMinutes(5));

        Page page = await trip.FinishAsync(callback);

        Assert.Equal((HttpStatusCode.BadRequest, "connect_stale"), (page.Status, Code()));
        Assert.DoesNotContain(_both.Links, link => link.Provider == "other");
    }

    [Fact]
    public async Task A_connect_is_refused_if_the_session_ended_or_changed_before_the_callback()
    {
        using Visitor visitor = await World.SignedInAsync("alice");
        RoundTrip[] trips = [await TwoProviders.BeginConnectAsync(visitor), await TwoProviders.BeginConnectAsync(visitor), await TwoProviders.BeginConnectAsync(
            visitor)];
        await visitor.NavigateAsync("/accounts/logout/", "same-origin");
        Page nobody = await trips[0].CompleteAsync();
        await visitor.SignInAsync("bob");
        Page another = await trips[1].CompleteAsync();
        await visitor.NavigateAsync("/accounts/logout/", "same-origin");
        await visitor.SignInAsync("alice");

        // The same user, in another session.
        Page session = await trips[2].CompleteAsync();

        Assert.All([nobody, another, session], page => Assert.Equal(HttpStatusCode.Forbidden, page.Status));
        Assert.All([nobody, another, session], page => Assert.Contains("start again", page.Text, StringComparison.Ordinal));
        Assert.DoesNotContain(_both.Links, link => link.Provider == "other");
        Assert.Equal(3, World.Log.Of("Refused").Count(line => CapturedLog.Value(line, "Code") == "connect_session_changed"));
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_person_who_is_not_allowed_to_sign_in_cannot_be_connected()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family");
        using Visitor alice = await both.World.SignedInAsync("alice");

        Page page = await TwoProviders.ConnectAsync(alice, "/documents/2");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("/accounts/oidc/other/login/?process=connect&amp;next=%2Fdocuments%2F2&amp;prompt=login", page.Text, StringComparison.Ordinal);
        Assert.Single(both.Links);
    }

    [Fact]
    public async Task While_Paperless_is_unavailable_a_connect_links_nothing_and_the_page_retries()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        Page page;
        using (World.Paperless.Faults.Answer(request => request.RawPath.StartsWith("/api/users/", StringComparison.Ordinal), 503))
        {
            page = await TwoProviders.ConnectAsync(alice, "/documents/2");
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.DoesNotContain(_both.Links, link => link.Provider == "other");
        string again = page.Header("Refresh")!.Split("url=")[1];
        Assert.Equal("/accounts/oidc/other/login/?process=connect&next=%2Fdocuments%2F2", again);

        Page done = await TwoProviders.ContinueAsync(alice, await alice.NavigateAsync(again, "same-origin"));
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (done.Status, done.Address.PathAndQuery));
        Assert.Equal(2, _both.LinksOf("alice").Count);
    }

    [Fact]
    public async Task A_connect_that_the_provider_refused_can_be_retried_as_a_connect()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        _both.Other.NextAuthorizeError = new ProviderError("access_denied");

        Page page = await TwoProviders.ConnectAsync(alice);

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("href=\"/accounts/oidc/other/login/?process=connect&amp;next=%2F\"", page.Text, StringComparison.Ordinal);
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task A_forged_ID_token_in_a_connect_links_nothing()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        _both.Other.Options = _both.Other.Options with { Signing = SigningMode.WrongKey };

        Page page = await TwoProviders.ConnectAsync(alice);

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Single(_both.Links);
    }

    private string Code() => CapturedLog.Value(World.Log.Of("Refused")[^1], "Code");

    private (string Name, string Value)[] Headers(string? site, string? referer, string? origin)
    {
        List<(string, string)> headers = [("Accept", "text/html")];
        if (site is not null)
        {
            headers.AddRange([("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]);
        }

        if (referer is not null)
        {
            headers.Add(("Referer", referer.StartsWith('/') ? World.Origin + referer : referer));
        }

        if (origin is not null)
        {
            headers.Add(("Origin", origin == "own" ? World.Origin : origin));
        }

        return [.. headers];
    }
}
