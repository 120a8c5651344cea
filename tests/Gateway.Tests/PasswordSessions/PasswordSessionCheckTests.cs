using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.PasswordSessions;

/// <summary>Paperless is asked who a session of its own is, and the answer is remembered for a minute.</summary>
public sealed class PasswordSessionCheckTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private World _world = null!;
    private Visitor _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync();
        _alice = await _world.SignedInWithPasswordAsync("alice");
        _world.Paperless.ForgetReceived();
    }

    public async ValueTask DisposeAsync()
    {
        _alice.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task The_answer_is_remembered_for_a_minute_and_no_longer()
    {
        await _alice.FetchAsync("/api/documents/");
        await _alice.OpenAsync("/dashboard", "same-origin");
        _world.Clock.Advance(TimeSpan.FromSeconds(59));
        await _alice.FetchAsync("/api/documents/");
        Assert.Single(_world.AskedWho);

        _world.Clock.Advance(TimeSpan.FromSeconds(1));
        await _alice.FetchAsync("/api/documents/");

        Assert.Equal(2, _world.AskedWho.Count);
        Assert.All(_world.AskedWho, request => Assert.Equal($"sessionid={_alice.Cookie("sessionid")!.Split('.')[0]}", request.Header("Cookie")));
        Assert.All(_world.AskedWho, request => Assert.Equal("application/json; version=9", request.Header("Accept")));
        Assert.Single(_world.Log.Of("PasswordSessionFound"), line => CapturedLog.Value(line, "User") == "alice");
    }

    [Fact]
    public async Task A_no_is_remembered_for_a_minute_too()
    {
        _world.Paperless.Data.EndSession(_world.Paperless.Data.SessionsOf("alice")[0].Key);

        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await _alice.FetchAsync("/api/documents/")).Status);
        }

        Assert.Single(_world.AskedWho);
        Assert.Empty(_world.Forwarded);
    }

    [Fact]
    public async Task Many_requests_at_once_ask_once()
    {
        using Fault held = _world.Paperless.Faults.Hold(request => request.Path == "/api/ui_settings/");

        Task<Page>[] pages = [.. Enumerable.Range(0, 10).Select(_ => _alice.FetchAsync("/api/documents/"))];
        await held.Arrived.WaitAsync(Patience, World.Ct);
        held.Release();

        Assert.All(await Task.WhenAll(pages), page => Assert.Equal(HttpStatusCode.OK, page.Status));
        Assert.Single(_world.AskedWho);
    }

    [Fact]
    public async Task Who_is_switched_off_in_Paperless_is_out_within_a_minute()
    {
        using StatusSocket socket = await StatusSocket.OpenAsync(_world, _alice);
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct).WaitAsync(Patience, World.Ct);
        _world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });

        // Paperless itself refuses at once; the gateway still remembers.
        Assert.Equal(HttpStatusCode.Unauthorized, (await _alice.FetchAsync("/api/documents/")).Status);
        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        _world.Paperless.ForgetReceived();

        Assert.Equal(HttpStatusCode.Unauthorized, (await _alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal("/accounts/login/?next=%2Fdashboard", (await _alice.OpenAsync("/dashboard")).Location?.PathAndQuery);
        Assert.Equal(1008, await socket.ClosedWithAsync().WaitAsync(Patience, World.Ct));
        Assert.Empty(_world.Forwarded);
    }

    [Fact]
    public async Task A_page_that_Paperless_leads_to_the_sign_in_does_not_go_round_in_circles()
    {
        Assert.Equal(HttpStatusCode.OK, (await _alice.OpenAsync("/dashboard", "same-origin")).Status);
        _world.Paperless.Data.EndSession(_world.Paperless.Data.SessionsOf("alice")[0].Key);

        Page page = await _alice.NavigateAsync("/dashboard", "same-origin");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        OwnPages.IsOne(page, "Sign in");
        Assert.Equal("/accounts/login/?next=/dashboard", Uri.UnescapeDataString(page.Address.PathAndQuery));
    }

    [Fact]
    public async Task A_socket_is_closed_when_its_session_is_gone_though_no_request_comes_by()
    {
        using Visitor bob = await _world.SignedInWithPasswordAsync("bob");
        using StatusSocket alices = await StatusSocket.OpenAsync(_world, _alice);
        using StatusSocket bobs = await StatusSocket.OpenAsync(_world, bob);
        await _world.Paperless.LiveStatus.ListenersAreAsync(2, World.Ct).WaitAsync(Patience, World.Ct);
        _world.Paperless.Data.EndSession(_world.Paperless.Data.SessionsOf("alice")[0].Key);

        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1008, await alices.ClosedWithAsync().WaitAsync(Patience, World.Ct));

        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct).WaitAsync(Patience, World.Ct);
        Assert.Contains(_world.Log.Of("PasswordSessionEnded"), line => CapturedLog.Value(line, "Cause") == "GoneAtPaperless");
    }

    [Fact]
    public async Task A_socket_outlives_an_outage_of_Paperless_api()
    {
        using StatusSocket socket = await StatusSocket.OpenAsync(_world, _alice);
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct).WaitAsync(Patience, World.Ct);
        using (Fault away = _world.Paperless.Faults.Answer(request => request.Path == "/api/ui_settings/", 503))
        {
            _world.Clock.Advance(TimeSpan.FromMinutes(1));
            await away.Arrived.WaitAsync(Patience, World.Ct);
            Assert.Equal(HttpStatusCode.BadGateway, (await _alice.FetchAsync("/api/documents/")).Status);
        }

        Assert.Equal(1, _world.Paperless.LiveStatus.Listeners);

        // The first may share the last question of the outage, whose answer is not kept.
        await _alice.FetchAsync("/api/documents/");
        Assert.Equal(HttpStatusCode.OK, (await _alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task When_the_gateway_stops_its_sockets_close_with_1001()
    {
        using StatusSocket socket = await StatusSocket.OpenAsync(_world, _alice);
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct).WaitAsync(Patience, World.Ct);
        Task<int> closed = socket.ClosedWithAsync();

        await _world.Gateway.DisposeAsync();

        Assert.Equal(1001, await closed.WaitAsync(Patience, World.Ct));
    }

    [Fact]
    public async Task An_outage_signs_nobody_out()
    {
        await _alice.FetchAsync("/api/documents/");
        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        using (_world.Paperless.Faults.Drop(request => request.Path == "/api/ui_settings/"))
        {
            Page page = await _alice.OpenAsync("/dashboard", "same-origin");
            Page script = await _alice.FetchAsync("/api/documents/");
            Page session = await _alice.SessionAsync();
            Page door = await _alice.OpenAsync("/accounts/login/");

            Assert.Equal((HttpStatusCode.BadGateway, "5"), (page.Status, page.Header("Refresh")));
            Assert.Equal((HttpStatusCode.BadGateway, "5"), (script.Status, script.Header("Retry-After")));
            Assert.Equal((HttpStatusCode.BadGateway, HttpStatusCode.OK), (session.Status, door.Status));
            Assert.NotEmpty(_world.Log.Of("PasswordSessionUnanswered"));
        }

        Assert.Equal(HttpStatusCode.OK, (await _alice.OpenAsync("/dashboard", "same-origin")).Status);
    }

    [Fact]
    public async Task Who_is_remembered_goes_on_while_Paperless_does_not_say()
    {
        await _alice.FetchAsync("/api/documents/");
        using Fault away = _world.Paperless.Faults.Answer(request => request.Path == "/api/ui_settings/", 503);

        Assert.Equal(HttpStatusCode.OK, (await _alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(0, away.Hits);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(200)]
    public async Task An_answer_that_says_nothing_is_neither_a_yes_nor_a_no(int status)
    {
        using Fault odd = _world.Paperless.Faults.Answer(request => request.Path == "/api/ui_settings/", status);

        Assert.Equal(HttpStatusCode.BadGateway, (await _alice.FetchAsync("/api/documents/")).Status);
        Assert.Empty(_world.Forwarded);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_lacks_the_permission_to_be_told_is_told_so_and_can_sign_out(bool api)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"] = api ? "true" : "false";
            options.Paperless = paperless => paperless with { RemoteUserApi = api };
        });
        world.Paperless.Data.AddUser("carol", user => user with { Password = "carol" });
        using Visitor carol = await world.SignedInWithPasswordAsync("carol");

        Page page = await carol.NavigateAsync("/dashboard", "same-origin");
        Page script = await carol.FetchAsync("/api/documents/");
        Page session = await carol.SessionAsync();
        Page door = await carol.OpenAsync("/accounts/login/");
        Page foreign = await carol.OpenAsync("/accounts/logout/", "cross-site");
        await carol.NavigateAsync("/accounts/logout/", "same-origin");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        OwnPages.IsOne(page, "A permission is missing");
        Assert.Contains("View UI settings", page.Text.Replace("&quot;", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (script.Status, session.Status));
        OwnPages.IsOne(door, "Sign in");
        OwnPages.IsOne(foreign, "Sign out?");
        Assert.Empty(world.Paperless.Data.Sessions);
    }

    [Fact]
    public async Task With_the_permission_granted_it_works_a_minute_later()
    {
        _world.Paperless.Data.AddUser("carol", user => user with { Password = "carol" });
        using Visitor carol = await _world.SignedInWithPasswordAsync("carol");
        Assert.Equal(HttpStatusCode.Forbidden, (await carol.OpenAsync("/dashboard", "same-origin")).Status);
        _world.Paperless.Data.UpdateUser("carol", user => user with { Permissions = ["view_uisettings"] });

        _world.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(HttpStatusCode.OK, (await carol.OpenAsync("/dashboard", "same-origin")).Status);
    }
}
