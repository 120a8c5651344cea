using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Paperless;

/// <summary>The session cookie of Paperless is bound to one session of the gateway, and the gateway's cookies are not forwarded.</summary>
public sealed class PaperlessCookieTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private const string Own = "paperless-gateway";

    private World World => shared.World;

    [Fact]
    public async Task The_browser_gets_a_bound_session_cookie_and_Paperless_gets_the_original_value()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        string key = World.Paperless.Data.SessionsOf("alice")[^1].Key;
        string bound = alice.Cookie("sessionid")!;

        await alice.FetchAsync("/api/profile/");

        Assert.StartsWith(key + ".", bound, StringComparison.Ordinal);
        Assert.Equal(22, bound.Length - key.Length - 1);
        Assert.Equal([$"sessionid={key}"], CookiesOf(World.Forwarded[^1], "sessionid"));
        Assert.Equal("alice", World.Forwarded[^1].SignedInAs);
    }

    [Fact]
    public async Task A_Paperless_cookie_of_alice_in_bobs_session_never_acts_as_alice()
    {
        using Visitor browser = await World.SignedInAsync("alice");
        string alices = browser.Cookie("sessionid")!;
        string alicesKey = alices.Split('.')[0];
        using Visitor bob = await World.SignedInAsync("bob");
        string own = $"{Own}={bob.Cookie(Own)}";
        string wrongTag = alicesKey + "." + new string('A', 22);
        World.Paperless.ForgetReceived();

        string[] tries =
        [
            alices, alicesKey, wrongTag, alices + "x", alices[..^1],
            $"\"{alices}\"", $"\"{alicesKey}\"", $"{alicesKey}.", $".{alices}", $"{alicesKey}%2E{alices.Split('.')[1]}",
            bob.Cookie("sessionid") + "; sessionid=" + alices, alices + "; sessionid=" + bob.Cookie("sessionid"),
            " " + alices, alicesKey + "; \tsessionid=" + alicesKey, "x;\u0085sessionid=" + alicesKey, "x;\u00a0sessionid\t=" + alicesKey,
            "x; sessionid\u001f=" + alicesKey, alicesKey + "." + bob.Cookie("sessionid")!.Split('.')[1],
        ];
        foreach (string sent in tries)
        {
            await RawConnection.AskAsync(
                World,
                $"GET /api/profile/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nCookie: {own}; sessionid={sent}\r\nConnection: close\r\n\r\n");
            await RawConnection.AskAsync(
                World,
                $"GET /api/profile/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nCookie: sessionid={sent}\r\nCookie: {own}\r\nConnection: close\r\n\r\n");
        }

        Assert.Equal(2 * tries.Length, World.Forwarded.Count);
        Assert.DoesNotContain(World.Forwarded, request => request.SignedInAs == "alice");
        Assert.DoesNotContain(World.Forwarded, request => request.Headers.Any(line => line.Value.Contains(alicesKey, StringComparison.Ordinal)));
        Assert.Contains(World.Forwarded, request => request.SignedInAs == "bob");
    }

    [Fact]
    public async Task A_sign_in_as_bob_in_alices_browser_leaves_alices_Paperless_session_behind()
    {
        using Visitor browser = await World.SignedInAsync("alice");
        string alices = browser.Cookie("sessionid")!.Split('.')[0];
        browser.Cookies.GetCookies(new Uri(World.Origin))[Own]!.Expired = true;
        await browser.SignInAsync("bob", "/api/profile/");
        World.Paperless.ForgetReceived();

        await browser.FetchAsync("/api/profile/");
        await browser.FetchAsync("/dashboard");
        Page profile = await browser.FetchAsync("/api/profile/");

        Assert.DoesNotContain(World.Forwarded, request => request.SignedInAs == "alice");
        Assert.DoesNotContain(World.Forwarded, request => CookiesOf(request, "sessionid").Contains($"sessionid={alices}"));
        Assert.Equal((HttpStatusCode.OK, "bob"), (profile.Status, World.Forwarded[^1].SignedInAs));
    }

    [Fact]
    public async Task The_gateways_cookies_are_not_forwarded_and_all_other_cookies_are()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        string secret = alice.Cookie(Own)!;
        World.Paperless.ForgetReceived();

        await RawConnection.AskAsync(World, $"GET /dashboard HTTP/1.1\r\nHost: localhost:{World.Port}\r\nCookie: a=1;{Own}={secret}; "
            + $"{Own}-correlation.x=2; __Host-{Own}={secret}; __Secure-{Own}-n=3;b==; c=\"x y\"; d\u00e9=\u00fc;; csrftoken=t\r\nCookie: e=5; "
            + "PAPERLESS-GATEWAY=6\r\nConnection: close\r\n\r\n");

        ReceivedRequest received = Assert.Single(World.Forwarded);
        Assert.Equal(["a=1; b==; c=\"x y\"; d\u00e9=\u00fc; csrftoken=t; e=5"], received.Lines("Cookie"));
        Assert.DoesNotContain(received.Headers, line => line.Value.Contains(secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_a_very_long_cookie_header_only_Paperless_session_is_remembered()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        string cookies = $"{Own}={alice.Cookie(Own)}; sessionid={alice.Cookie("sessionid")}; filler={new string('x', 12_000)}";
        using Visitor other = World.NewVisitor();
        World.Paperless.ForgetReceived();
        for (int turn = 0; turn < 2; turn++)
        {
            Assert.Equal(HttpStatusCode.OK, (await other.SendAsync(HttpMethod.Get, "/api/profile/", null, ("Cookie", cookies))).Status);
        }

        Assert.All(World.Forwarded, request => Assert.Contains(new string('x', 12_000), request.Header("Cookie"), StringComparison.Ordinal));
        IServiceProvider services = World.Gateway.Services;
        Gateway.Sessions.Session session = Assert.Single(
            services.GetRequiredService<Gateway.Sessions.SessionMemory>().All,
            one => one.LastCookies is { Raw: "" });
        Assert.InRange(session.Bytes, 1, 4_000);
        Assert.Equal(
            alice.Cookie("sessionid")!.Split('.')[0],
            services.GetRequiredService<Gateway.Paperless.PaperlessCookies>().ReadLastPaperlessSession(session));
    }

    [Fact]
    public async Task Without_remaining_cookies_no_Cookie_header_is_forwarded()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        await RawConnection.AskAsync(
            World,
            $"GET /dashboard HTTP/1.1\r\nHost: localhost:{World.Port}\r\nCookie: {Own}={alice.Cookie(Own)}; sessionid=foreign\r\nConnection: close\r\n\r\n");

        Assert.Empty(Assert.Single(World.Forwarded).Lines("Cookie"));
    }

    [Fact]
    public async Task Over_HTTP_Paperless_cookies_reach_the_browser_unchanged_in_their_attributes()
    {
        using Visitor alice = World.NewVisitor();
        Page page = await alice.SignInAsync("alice");

        Assert.Equal(2, page.SetCookies.Count);
        Assert.DoesNotContain(page.SetCookies, cookie => cookie.Contains("secure", StringComparison.OrdinalIgnoreCase));
        Assert.Contains(page.SetCookies, cookie => cookie.StartsWith("sessionid=", StringComparison.Ordinal)
            && cookie.EndsWith("; HttpOnly; Max-Age=1814400; Path=/; SameSite=Lax", StringComparison.Ordinal));
        Assert.Contains(
            page.SetCookies,
            cookie => cookie.StartsWith("csrftoken=", StringComparison.Ordinal) && !cookie.Contains("HttpOnly", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Over_HTTPS_Paperless_cookies_get_Secure_once_and_stay_bound()
    {
        await using World world = await World.StartAsync(options => options.Https = true);
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");
        await alice.FetchAsync("/api/profile/");

        Assert.Equal(2, page.SetCookies.Count);
        Assert.All(page.SetCookies, cookie => Assert.Equal(2, cookie.Split("Secure").Length));
        Assert.Equal("alice", world.Forwarded[^1].SignedInAs);
        Assert.Equal(["https"], world.Forwarded[^1].Lines("X-Forwarded-Proto"));
    }

    [Fact]
    public async Task The_cookie_prefix_is_the_one_of_Paperless()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_COOKIE_PREFIX"] = "docs_";
            options.Paperless = paperless => paperless with { CookiePrefix = "docs_" };
        });
        using Visitor alice = await world.SignedInAsync("alice");

        await alice.FetchAsync("/api/profile/");
        Page changed = await alice.FetchAsync(
            HttpMethod.Patch,
            "/api/documents/1/",
            PaperlessClient.Json("""{"title":"New"}"""),
            ("X-CSRFToken", alice.Cookie("docs_csrftoken")!));

        Assert.Contains(".", alice.Cookie("docs_sessionid"), StringComparison.Ordinal);
        Assert.Equal(("alice", HttpStatusCode.OK), (world.Forwarded[^1].SignedInAs, changed.Status));
        Assert.DoesNotContain(".", CookiesOf(world.Forwarded[^1], "docs_sessionid").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bound_cookie_survives_a_restart_of_the_gateway()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.RestartGatewayAsync();
        world.Paperless.ForgetReceived();

        await alice.FetchAsync("/api/profile/");

        Assert.Equal("alice", Assert.Single(world.Forwarded).SignedInAs);
    }

    private static IEnumerable<string> CookiesOf(ReceivedRequest request, string name) =>
        request.Lines("Cookie").SelectMany(line => line.Split("; ")).Where(pair => pair.StartsWith(name + "=", StringComparison.Ordinal));
}
