using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.SignOut;

/// <summary>What a back-channel logout ends (OpenID Connect Back-Channel Logout 1.0); invalid tokens are in <see cref="LogoutTokenTests"/>.</summary>
public sealed class BackChannelTests : IAsyncLifetime
{
    private World _world = null!;
    private Visitor _alice = null!;

    private ProviderSession Session => _world.Provider.Sessions.Last(session => session.Username == "alice");

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

    [Theory]
    [InlineData("logout+jwt")]
    [InlineData("JWT")]
    [InlineData("application/logout+jwt")]
    public async Task A_back_channel_logout_ends_the_session_its_WebSockets_and_the_Paperless_session(string type)
    {
        await _alice.FetchAsync("/api/documents/");
        using StatusSocket socket = await StatusSocket.OpenAsync(_world, _alice);
        Task<int> closed = socket.ClosedWithAsync();
        Assert.Single(_world.Paperless.Data.SessionsOf("alice"));

        using HttpResponseMessage answer = await _world.SendLogoutAsync(Session, type: type);

        Assert.Equal((HttpStatusCode.OK, "no-store"), (answer.StatusCode, answer.Headers.CacheControl?.ToString()));
        Assert.Equal(1008, await closed);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _alice.FetchAsync("/api/documents/")).Status);
        await _world.Log.WaitForAsync("OrphanedSessionEnded");
        Assert.Empty(_world.Paperless.Data.SessionsOf("alice"));
        Assert.Equal(["EndedAtTheProvider"], _world.Log.Of("SessionsEnded").Select(entry => CapturedLog.Value(entry, "Cause")));
    }

    [Theory]
    [InlineData("alice", "sub")]
    [InlineData(null, "sid")]
    [InlineData("alice")]
    public async Task A_logout_token_with_a_sid_ends_one_session_and_with_only_a_sub_all_sessions_of_the_person(string? stays, params string[] without)
    {
        using Visitor elsewhere = await _world.SignedInAsync("alice");
        using Visitor bob = await _world.SignedInAsync("bob");

        using HttpResponseMessage answer = await _world.SendLogoutAsync(Session, BackChannel.Without(without));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal((stays, null, "bob"), (await _alice.WhoAsync(), await elsewhere.WhoAsync(), await bob.WhoAsync()));
    }

    [Fact]
    public async Task The_sub_of_a_logout_token_is_the_sub_claim_whatever_claim_is_the_subject()
    {
        await using World world = await ProvidersSetting.StartAsync(settings => settings["uid_field"] = "preferred_username");
        using Visitor alice = await world.SignedInAsync("alice");

        using HttpResponseMessage answer = await world.SendLogoutAsync(world.Provider.Sessions[0], BackChannel.Without("sid"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await alice.WhoAsync());
    }

    [Fact]
    public async Task After_a_back_channel_logout_and_a_restart_the_session_stays_ended_and_a_new_sign_in_works()
    {
        (await _world.SendLogoutAsync(Session)).Dispose();
        await _world.RestartGatewayAsync();
        Assert.Null(await _alice.WhoAsync());

        await _alice.SignInAsync("alice");

        Assert.Equal("alice", await _alice.WhoAsync());
    }

    [Fact]
    public async Task A_logout_token_for_an_unknown_session_is_accepted()
    {
        using HttpResponseMessage answer = await _world.SendLogoutAsync(Session, claims =>
        {
            claims["sid"] = "another-session";
            claims["sub"] = "somebody";
            return claims;
        });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("alice", await _alice.WhoAsync());
    }

    [Fact]
    public async Task A_busy_store_is_reported_to_the_provider_as_temporary_so_the_logout_token_is_sent_again()
    {
        string token = _world.Provider.CreateLogoutToken(Session);
        await using (SqliteConnection locked = new($"Data Source={Path.Combine(_world.DataDirectory, Database.FileName)};Pooling=False"))
        {
            await locked.OpenAsync(World.Ct);
            await using SqliteTransaction transaction = locked.BeginTransaction();

            // The gateway waits 10 s for SQLite, and the provider's own client would give up by then.
            using HttpClient patient = new();
            using FormUrlEncodedContent form = new([new("logout_token", token)]);
            using HttpResponseMessage now = await patient.PostAsync(_world.BackChannelUri(), form, World.Ct);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "5"), (now.StatusCode, now.Headers.RetryAfter?.ToString()));
        }

        using HttpResponseMessage later = await _world.SendLogoutTokenAsync(token);

        Assert.Equal(HttpStatusCode.OK, later.StatusCode);
        Assert.Null(await _alice.WhoAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_back_channel_logout_stops_a_sign_in_in_progress(bool bySid)
    {
        using Visitor other = _world.NewVisitor();
        using Fault slow = _world.Paperless.Faults
            .Hold(request => request.Method == "GET" && request.RawPath.StartsWith("/api/users/", StringComparison.Ordinal));
        Task<Page> signIn = other.SignInAsync("alice");
        await slow.ArrivedAsync(World.Ct);

        using HttpResponseMessage answer = await _world.SendLogoutAsync(Session, BackChannel.Without(bySid ? "sub" : "sid"));
        slow.Release();
        await signIn;

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await other.WhoAsync());
        Assert.NotEmpty(_world.Log.Of("EndedWhileUnderWay"));
    }

    [Fact]
    public async Task A_hundred_concurrent_back_channel_logouts_are_all_answered()
    {
        using Visitor bob = await _world.SignedInAsync("bob");
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => _world.SendLogoutAsync(Session)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal((null, "bob"), (await _alice.WhoAsync(), await bob.WhoAsync()));
        Assert.Single(_world.Log.Of("SessionsEnded"), entry => CapturedLog.Value(entry, "Count") == "1");
        Array.ForEach(answers, answer => answer.Dispose());
    }
}
