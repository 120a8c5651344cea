using System.Net;
using Gateway.Sessions;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.SignOut;

/// <summary>OpenID Connect Front-Channel Logout 1.0: a frame of the provider, without the cookies of the gateway.</summary>
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
    public async Task A_front_channel_logout_ends_the_named_session_and_only_the_provider_may_frame_the_page()
    {
        using Visitor elsewhere = await _world.SignedInAsync("alice");
        ProviderSession first = _world.Provider.Sessions.First(session => session.Username == "alice");

        Page page = await FrameAsync(_world.Provider.Issuer.AbsoluteUri, first.Sid);

        Assert.Equal((HttpStatusCode.OK, "no-store"), (page.Status, page.Header("Cache-Control")));
        Assert.Contains(
            $"frame-ancestors {_world.Provider.Issuer.GetLeftPart(UriPartial.Authority)}",
            page.Header("Content-Security-Policy")!,
            StringComparison.Ordinal);
        Assert.Null(page.Header("X-Frame-Options"));
        Assert.Equal((null, "alice"), (await _alice.WhoAsync(), await elsewhere.WhoAsync()));
    }

    [Theory]
    [InlineData("https://evil.example/", true)]
    [InlineData(null, true)]
    [InlineData("", false)]
    [InlineData("", true)]
    public async Task A_front_channel_logout_without_the_right_issuer_and_a_sid_ends_no_session(string? issuer, bool sid)
    {
        string? sent = issuer;
        if (issuer is "")
        {
            sent = sid ? null : _world.Provider.Issuer.AbsoluteUri;
        }

        Page page = await FrameAsync(sent, sid ? _world.Provider.Sessions[0].Sid : null);

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Equal("alice", await _alice.WhoAsync());
    }

    [Fact]
    public async Task A_front_channel_logout_of_an_unknown_sid_is_accepted()
    {
        Page page = await FrameAsync(_world.Provider.Issuer.AbsoluteUri, "unknown");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal("alice", await _alice.WhoAsync());
    }

    /// <summary>Anybody may ask for them.</summary>
    [Fact]
    public async Task Front_channel_logouts_of_unknown_sids_leave_few_tombstones_and_known_sids_always_end()
    {
        ProviderSession session = _world.Provider.Sessions[0];
        for (int number = 0; number < 80; number++)
        {
            Assert.Equal(HttpStatusCode.OK, (await FrameAsync(_world.Provider.Issuer.AbsoluteUri, $"made-up-{number}")).Status);
        }

        // Only the store knows it now, as after a restart.
        SessionMemory memory = _world.Gateway.Services.GetRequiredService<SessionMemory>();
        memory.Forget(Assert.Single(memory.All));
        Assert.Equal(HttpStatusCode.OK, (await FrameAsync(_world.Provider.Issuer.AbsoluteUri, session.Sid)).Status);
        Assert.Null(await _alice.WhoAsync());

        await _world.Gateway.Services.GetRequiredService<SessionMaintenance>().TidyAsync(World.Ct);
        Assert.Equal(60, Kept());
        _world.Clock.Advance(TimeSpan.FromMinutes(21));
        await _world.Gateway.Services.GetRequiredService<SessionMaintenance>().TidyAsync(World.Ct);
        Assert.Equal(0, Kept());
    }

    [Fact]
    public async Task Beyond_the_limit_front_channel_logouts_of_unknown_sids_write_nothing_to_the_disk()
    {
        await using SqliteConnection watch = new($"Data Source={Path.Combine(_world.DataDirectory, Database.FileName)};Pooling=False");
        await watch.OpenAsync(World.Ct);
        object? before = Version(watch);
        await MadeUpAsync(1);
        Assert.NotEqual(before, Version(watch));
        await MadeUpAsync(60);

        before = Version(watch);
        await MadeUpAsync(20);

        Assert.Equal(before, Version(watch));
        Assert.Equal("alice", await _alice.WhoAsync());
        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        await MadeUpAsync(1);
        Assert.NotEqual(before, Version(watch));
    }

    [Fact]
    [Needs(RealPart.Redis)]
    public async Task Beyond_the_limit_front_channel_logouts_of_unknown_sids_write_nothing_to_Redis_but_known_sids_end()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redis.Url);
        using Visitor alice = await world.SignedInAsync("alice");
        ProviderSession session = world.Provider.Sessions[^1];
        await MadeUpAsync(60, world);

        string before = await ChangesAsync();
        await MadeUpAsync(20, world);
        Assert.Equal(before, await ChangesAsync());

        // Only the store knows it, as after a restart.
        SessionMemory memory = world.Gateway.Services.GetRequiredService<SessionMemory>();
        memory.Forget(Assert.Single(memory.All));
        using Visitor frame = world.NewVisitor();
        Assert.Equal(HttpStatusCode.OK, (await FrameAsync(frame, world.Provider.Issuer.AbsoluteUri, session.Sid)).Status);
        Assert.Null(await alice.WhoAsync());

        async Task<string> ChangesAsync()
            => (await redis.AskAsync("INFO persistence")).Split('\n').Single(line => line.StartsWith("rdb_changes_since_last_save:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_same_site_front_channel_logout_also_deletes_the_session_cookie()
    {
        string query = Query(_world.Provider.Issuer.AbsoluteUri, _world.Provider.Sessions[0].Sid);

        Page page = await _alice.SendAsync(
            HttpMethod.Get,
            "/accounts/oidc/authentik/logout/frontchannel/" + query,
            null,
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "iframe"),
            ("Sec-Fetch-Site", "same-site"));

        Assert.Contains(page.SetCookies, cookie => cookie.StartsWith("paperless-gateway=;", StringComparison.Ordinal));
        Assert.Null(await _alice.WhoAsync());
    }

    private async Task<Page> FrameAsync(string? issuer, string? sid)
    {
        using Visitor frame = _world.NewVisitor();
        return await FrameAsync(frame, issuer, sid);
    }

    private async Task MadeUpAsync(int many, World? world = null)
    {
        using Visitor frame = (world ?? _world).NewVisitor();
        for (int number = 0; number < many; number++)
        {
            Assert.Equal(HttpStatusCode.OK, (await FrameAsync(frame, (world ?? _world).Provider.Issuer.AbsoluteUri, Guid.NewGuid().ToString("N"))).Status);
        }
    }

    /// <summary>What changes for one connection when another has written (PRAGMA data_version).</summary>
    private static object? Version(SqliteConnection connection)
    {
        using SqliteCommand ask = connection.CreateCommand();
        ask.CommandText = "PRAGMA data_version;";
        return ask.ExecuteScalar();
    }

    private static Task<Page> FrameAsync(Visitor frame, string? issuer, string? sid) => frame.SendAsync(
        HttpMethod.Get,
        "/accounts/oidc/authentik/logout/frontchannel/" + Query(issuer, sid),
        null,
        [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Site", "cross-site")]);

    private static string Query(string? issuer, string? sid) =>
        "?" + string.Join(
            '&',
            new[] { issuer is null ? null : "iss=" + Uri.EscapeDataString(issuer), sid is null ? null : "sid=" + Uri.EscapeDataString(sid) }.OfType<string>());

    private long Kept()
    {
        using SqliteConnection connection = new($"Data Source={Path.Combine(_world.DataDirectory, Database.FileName)};Pooling=False");
        connection.Open();
        using SqliteCommand count = connection.CreateCommand();
        count.CommandText = "SELECT COUNT(*) FROM ended;";
        return (long)count.ExecuteScalar()!;
    }
}
