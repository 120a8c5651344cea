using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.PasswordSessions;

/// <summary>The gateway asks Paperless for the owner of a password session and caches the answer for a minute.</summary>
public sealed class PasswordSessionOwnerTests : IAsyncLifetime
{
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
    public async Task The_owner_of_a_password_session_is_cached_for_one_minute()
    {
        await _alice.FetchAsync("/api/documents/");
        await _alice.OpenAsync("/dashboard", "same-origin");
        _world.Clock.Advance(TimeSpan.FromSeconds(59));
        await _alice.FetchAsync("/api/documents/");
        Assert.Single(_world.OwnerLookups);

        _world.Clock.Advance(TimeSpan.FromSeconds(1));
        await _alice.FetchAsync("/api/documents/");

        Assert.Equal(2, _world.OwnerLookups.Count);
        Assert.All(_world.OwnerLookups, request => Assert.Equal($"sessionid={_alice.Cookie("sessionid")!.Split('.')[0]}", request.Header("Cookie")));
        Assert.All(_world.OwnerLookups, request => Assert.Equal("application/json; version=9", request.Header("Accept")));
        Assert.Single(_world.Log.Of("PasswordSessionFound"), line => CapturedLog.Value(line, "User") == "alice");
    }

    [Fact]
    public async Task An_invalid_password_session_is_cached_for_one_minute_too()
    {
        _world.Paperless.Data.EndSession(_world.Paperless.Data.SessionsOf("alice")[0].Key);

        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await _alice.FetchAsync("/api/documents/")).Status);
        }

        Assert.Single(_world.OwnerLookups);
        Assert.Empty(_world.Forwarded);
    }

    [Fact]
    public async Task Concurrent_requests_on_one_password_session_share_one_lookup()
    {
        using Fault held = _world.Paperless.Faults.Hold(request => request.Path == "/api/ui_settings/");

        Task<Page>[] pages = [.. Enumerable.Range(0, 10).Select(_ => _alice.FetchAsync("/api/documents/"))];
        await held.ArrivedAsync(World.Ct);
        held.Release();

        Assert.All(await Task.WhenAll(pages), page => Assert.Equal(HttpStatusCode.OK, page.Status));
        Assert.Single(_world.OwnerLookups);
    }

    [Fact]
    public async Task A_user_deactivated_in_Paperless_is_signed_out_of_a_password_session_within_a_minute()
    {
        using StatusSocket socket = await StatusSocket.OpenAsync(_world, _alice);
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        _world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });

        // Paperless itself refuses at once; the gateway still remembers.
        Assert.Equal(HttpStatusCode.Unauthorized, (await _alice.FetchAsync("/api/documents/")).Status);
        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        _world.Paperless.ForgetReceived();

        Assert.Equal(HttpStatusCode.Unauthorized, (await _alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal("/accounts/login/?next=%2Fdashboard", (await _alice.OpenAsync("/dashboard")).Location?.PathAndQuery);
        Assert.Equal(1008, await socket.ClosedWithAsync());
        Assert.Empty(_world.Forwarded);
    }

    [Fact]
    public async Task A_page_that_Paperless_redirects_to_the_sign_in_causes_no_redirect_loop()
    {
        Assert.Equal(HttpStatusCode.OK, (await _alice.OpenAsync("/dashboard", "same-origin")).Status);
        _world.Paperless.Data.EndSession(_world.Paperless.Data.SessionsOf("alice")[0].Key);

        Page page = await _alice.NavigateAsync("/dashboard", "same-origin");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        GatewayPages.IsOne(page, "Sign in");
        Assert.Equal("/accounts/login/?next=/dashboard", Uri.UnescapeDataString(page.Address.PathAndQuery));
    }

    [Fact]
    public async Task A_WebSocket_is_closed_when_its_password_session_ends_even_without_further_requests()
    {
        using Visitor bob = await _world.SignedInWithPasswordAsync("bob");
        using StatusSocket alices = await StatusSocket.OpenAsync(_world, _alice);
        using StatusSocket bobs = await StatusSocket.OpenAsync(_world, bob);
        await _world.Paperless.LiveStatus.ListenersAreAsync(2, World.Ct);
        _world.Paperless.Data.EndSession(_world.Paperless.Data.SessionsOf("alice")[0].Key);

        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1008, await alices.ClosedWithAsync());

        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        Assert.Contains(_world.Log.Of("PasswordSessionEnded"), line => CapturedLog.Value(line, "Cause") == "GoneAtPaperless");
    }

    [Fact]
    public async Task A_WebSocket_of_a_password_session_survives_an_outage_of_Paperless_API()
    {
        using StatusSocket socket = await StatusSocket.OpenAsync(_world, _alice);
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        using (Fault away = _world.Paperless.Faults.Answer(request => request.Path == "/api/ui_settings/", 503))
        {
            _world.Clock.Advance(TimeSpan.FromMinutes(1));
            await away.ArrivedAsync(World.Ct);
            Assert.Equal(HttpStatusCode.BadGateway, (await _alice.FetchAsync("/api/documents/")).Status);
        }

        Assert.Equal(1, _world.Paperless.LiveStatus.Listeners);

        // The first may share the last question of the outage, whose answer is not kept.
        await _alice.FetchAsync("/api/documents/");
        Assert.Equal(HttpStatusCode.OK, (await _alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task WebSockets_of_password_sessions_close_with_1001_when_the_gateway_stops()
    {
        using StatusSocket socket = await StatusSocket.OpenAsync(_world, _alice);
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        Task<int> closed = socket.ClosedWithAsync();

        await _world.Gateway.DisposeAsync();

        Assert.Equal(1001, await closed);
    }

    [Fact]
    public async Task An_outage_of_Paperless_API_ends_no_password_session()
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
    public async Task A_cached_password_session_stays_valid_while_Paperless_API_does_not_answer()
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
    public async Task An_unclear_answer_about_a_password_session_neither_confirms_nor_ends_the_session(int status)
    {
        using Fault odd = _world.Paperless.Faults.Answer(request => request.Path == "/api/ui_settings/", status);

        Assert.Equal(HttpStatusCode.BadGateway, (await _alice.FetchAsync("/api/documents/")).Status);
        Assert.Empty(_world.Forwarded);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_user_without_the_permission_for_the_owner_lookup_is_told_so_and_can_sign_out(bool api)
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
        GatewayPages.IsOne(page, "A permission is missing");
        Assert.Contains("View UI settings", page.Text.Replace("&quot;", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (script.Status, session.Status));
        GatewayPages.IsOne(door, "Sign in");
        GatewayPages.IsOne(foreign, "Sign out?");
        Assert.Empty(world.Paperless.Data.Sessions);
    }

    [Fact]
    public async Task After_the_permission_is_granted_a_password_session_works_a_minute_later()
    {
        _world.Paperless.Data.AddUser("carol", user => user with { Password = "carol" });
        using Visitor carol = await _world.SignedInWithPasswordAsync("carol");
        Assert.Equal(HttpStatusCode.Forbidden, (await carol.OpenAsync("/dashboard", "same-origin")).Status);
        _world.Paperless.Data.UpdateUser("carol", user => user with { Permissions = ["view_uisettings"] });

        _world.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(HttpStatusCode.OK, (await carol.OpenAsync("/dashboard", "same-origin")).Status);
    }
}
