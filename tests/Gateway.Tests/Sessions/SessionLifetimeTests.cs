using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gateway.Sessions;
using Gateway.Tests.Kit;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Sessions;

public sealed class SessionLifetimeTests
{
    [Fact]
    public async Task A_session_expires_when_idle_and_use_extends_the_session()
    {
        await using World world = await StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");
        for (int used = 0; used < 3; used++)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(59));
            Assert.Equal("alice", await visitor.WhoAsync());
        }

        world.Clock.Advance(TimeSpan.FromMinutes(60));

        Assert.Null(await visitor.WhoAsync());
        Page door = await visitor.OpenAsync("/documents/2");
        Assert.Equal("/accounts/login/?next=%2Fdocuments%2F2", door.Location?.PathAndQuery);
    }

    [Fact]
    public async Task A_session_expires_at_its_lifetime_however_much_it_is_used()
    {
        await using World world = await StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");
        for (int minutes = 0; minutes < 450; minutes += 45)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(45));
            Assert.Equal("alice", await visitor.WhoAsync());
        }

        world.Clock.Advance(TimeSpan.FromMinutes(30));

        Assert.Null(await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_restart_does_not_change_when_a_session_expires()
    {
        await using World world = await StartAsync();
        using Visitor used = await world.SignedInAsync("alice");
        using Visitor idle = await world.SignedInAsync("bob");
        world.Clock.Advance(TimeSpan.FromMinutes(50));
        Assert.Equal("alice", await used.WhoAsync());
        await world.RestartGatewayAsync();
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        // The last use before the restart counts, and so does the lack of one.
        Assert.Equal("alice", await used.WhoAsync());
        Assert.Null(await idle.WhoAsync());

        for (int hour = 0; hour < 7; hour++)
        {
            await world.RestartGatewayAsync();
            Assert.Equal("alice", await used.WhoAsync());
            world.Clock.Advance(TimeSpan.FromMinutes(59));
        }

        await world.RestartGatewayAsync();
        Assert.Equal("alice", await used.WhoAsync());
        world.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Null(await used.WhoAsync());
    }

    [Fact]
    public async Task A_sign_in_in_progress_survives_a_restart()
    {
        await using World world = await StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");
        string callback = await tab.AnswerAsync();

        await world.RestartGatewayAsync();

        Page page = await tab.FinishAsync(callback);
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Empty(world.Log.Of("SignInRestarted"));
    }

    [Fact]
    public async Task An_ended_session_stays_ended_after_a_restart()
    {
        await using World world = await StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");
        string cookie = visitor.Cookie(SignedIn.CookieName)!;
        await visitor.OpenAsync("/accounts/logout/", "same-origin");
        using Visitor thief = world.NewVisitor();
        thief.Cookies.Add(new Uri(world.Origin), new Cookie(SignedIn.CookieName, cookie, "/"));
        Assert.Null(await thief.WhoAsync());

        await world.RestartGatewayAsync();

        Assert.Null(await thief.WhoAsync());
    }

    [Fact]
    public async Task The_data_directory_contains_nothing_that_opens_a_session_and_nothing_personal_but_the_account_links()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");
        byte[] secret = Base64UrlEncoder.DecodeBytes(visitor.Cookie(SignedIn.CookieName)!);
        Page logout = await visitor.OpenAsync("/accounts/logout/", "same-origin");
        string idToken = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(logout.Location!.Query)["id_token_hint"]!;
        using Visitor again = await world.SignedInAsync("alice");
        byte[] live = Base64UrlEncoder.DecodeBytes(again.Cookie(SignedIn.CookieName)!);
        await world.Gateway.DisposeAsync();

        byte[][] contents = [.. Directory.GetFiles(world.DataDirectory, "gateway.db*").Select(File.ReadAllBytes)];

        Assert.Contains(contents, content => Holds(content, SHA256.HashData(live)));
        byte[][] secrets =
        [
            secret,
            live,
            .. ((string[])["Alice Archer", "alice@example.com", "paperless-users", again.Cookie(SignedIn.CookieName)!, .. idToken.Split('.')])
                .Select(Encoding.UTF8.GetBytes),
        ];
        Assert.All(secrets, one => Assert.DoesNotContain(contents, content => Holds(content, one)));
    }

    [Fact]
    public async Task Fifty_people_can_sign_in_concurrently()
    {
        await using World world = await World.StartAsync();
        ConcurrentBag<string> cookies = [];

        await Parallel.ForEachAsync(Enumerable.Range(0, 50), new ParallelOptions
        {
            MaxDegreeOfParallelism = 50,
            CancellationToken = World.Ct
        }, async (number, _) =>
        {
            string person = number % 2 == 0 ? "alice" : "bob";
            using Visitor visitor = await world.SignedInAsync(person, $"/documents/{number}");
            Assert.Equal(person, await visitor.WhoAsync());
            cookies.Add(visitor.Cookie(SignedIn.CookieName)!);
        });

        Assert.Equal(50, cookies.Distinct().Count());
        Assert.Equal(50, world.Gateway.Services.GetRequiredService<SessionMemory>().All.Count());
        Assert.Single(world.Provider.Received, request => request.Path.EndsWith("/jwks/", StringComparison.Ordinal));
    }

    private static Task<World> StartAsync() => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_SESSION_IDLE"] = "1h";
        options.Settings["GATEWAY_SESSION_LIFETIME"] = "8h";
    });

    private static bool Holds(byte[] content, byte[] part) => content.AsSpan().IndexOf(part) >= 0;
}
