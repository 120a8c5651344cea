using System.Net;
using Gateway.Apps;
using Gateway.ReadAhead;
using Gateway.Sessions;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;
using Gateway.Tests.SignOut;
using static Gateway.Tests.ReadAhead.ReadAheadWorld;

namespace Gateway.Tests.ReadAhead;

/// <summary>An answer that was asked for ahead goes to no other request, and to none after a change.</summary>
public sealed class DiscardedAnswerTests : IAsyncLifetime
{
    private World _world = null!;
    private Visitor _alice = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await StartAsync();
        _alice = await _world.WhoseChainIsKnownAsync("alice");
    }

    public async ValueTask DisposeAsync()
    {
        _alice.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task Nobody_else_gets_the_answer_and_neither_does_another_session_of_the_same_person()
    {
        using Visitor bob = await _world.SignedInAsync("bob");
        using Visitor other = await _world.SignedInAsync("alice");
        using Visitor nobody = _world.NewVisitor();
        await _world.CloseAsync();
        _world.Paperless.ForgetReceived();
        await _world.OpenPageAsync(_alice);

        Page ofBob = await bob.FetchAsync(UiSettings);
        Page ofOther = await other.FetchAsync(UiSettings);
        Page ofNobody = await nobody.FetchAsync(UiSettings);

        Assert.Equal(3, _world.Count(UiSettings));
        Assert.Contains("\"bob\"", ofBob.Text, StringComparison.Ordinal);
        Assert.Contains("\"alice\"", ofOther.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, ofNobody.Status);
        await _alice.FetchAsync(UiSettings);
        Assert.Equal(3, _world.Count(UiSettings));
    }

    [Theory]
    [InlineData("Accept", "application/json; version=8")]
    [InlineData("Accept-Language", "de")]
    [InlineData("Accept-Encoding", "gzip")]
    [InlineData("Cookie", "django_language=de")]
    [InlineData("Range", "bytes=0-1")]
    [InlineData("If-None-Match", "\"x\"")]
    [InlineData("Cache-Control", "no-cache")]
    [InlineData("Pragma", "no-cache")]
    [InlineData("Origin", "http://localhost:8000")]
    public async Task A_request_that_could_get_another_answer_is_forwarded(string name, string value)
    {
        await _world.OpenPageAsync(_alice);
        if (name == "Cookie")
        {
            _alice.Cookies.Add(new Uri(_world.Origin), new Cookie("django_language", "de"));
        }

        await _alice.FetchAsync(HttpMethod.Get, Statistics, null, name == "Cookie" ? [] : [(name, value)]);

        Assert.Equal(2, _world.Count(Statistics));
    }

    [Fact]
    public async Task A_HEAD_another_query_and_a_device_password_get_no_answer_that_was_asked_for_ahead()
    {
        MadeDevicePassword device = await _world.MakeDevicePasswordAsync("alice");
        using Visitor app = _world.NewVisitor();

        // The first use makes an API token at Paperless.
        await app.GetAsync(UiSettings, device);
        await _world.OpenPageAsync(_alice);

        await _alice.FetchAsync(HttpMethod.Head, Statistics);
        await _alice.FetchAsync(Statistics + "?x=1");
        await app.GetAsync(Statistics, device);
        await _alice.FetchAsync(HttpMethod.Get, Statistics, null, ("Authorization", "Token " + device.Secret));

        Assert.Equal(4, _world.Count(Statistics));
        await _alice.FetchAsync(Statistics);
        Assert.Equal(4, _world.Count(Statistics));
    }

    [Theory]
    [InlineData("own")]
    [InlineData("another person")]
    [InlineData("a token")]
    [InlineData("refused by Paperless")]
    public async Task Any_change_discards_the_answer(string by)
    {
        using Visitor other = by == "another person" ? await _world.SignedInAsync("bob") : _world.NewVisitor();
        await _world.OpenPageAsync(_alice);
        using StringContent json = new("{}", System.Text.Encoding.UTF8, "application/json");

        await (by switch
        {
            "own" => _alice.FetchAsync(HttpMethod.Patch, "/api/documents/1/", json),
            "another person" => other.FetchAsync(HttpMethod.Patch, "/api/documents/1/", json),
            "a token" => other.FetchAsync(
                HttpMethod.Delete, "/api/documents/1/", null, ("Authorization", "Token " + _world.Paperless.Data.TokenOf("bob"))),
            _ => _alice.SendAsync(HttpMethod.Post, "/api/documents/1/", json, ("Origin", _world.Origin)),
        });
        await _alice.FetchAsync(Statistics);

        Assert.Equal(2, _world.Count(Statistics));
    }

    [Fact]
    public async Task While_a_change_is_under_way_nothing_is_given_and_nothing_is_asked_for_ahead()
    {
        await _world.OpenPageAsync(_alice);
        using Fault hold = _world.Paperless.Faults.Hold(request => request.Method == "PATCH");
        using StringContent json = new("{}", System.Text.Encoding.UTF8, "application/json");
        Task<Page> change = _alice.FetchAsync(HttpMethod.Patch, "/api/documents/1/", json);
        await hold.ArrivedAsync(World.Ct);

        await _alice.FetchAsync(Statistics);
        Assert.Equal(2, _world.Count(Statistics));
        await _alice.OpenAsync("/");
        await _world.CloseAsync();
        Assert.Equal(2, _world.Count(Statistics));

        hold.Release();
        await change;
        await _world.OpenPageAsync(_alice);
        await _alice.FetchAsync(Statistics);
        Assert.Equal(3, _world.Count(Statistics));
    }

    [Fact]
    public async Task An_answer_from_before_the_end_of_a_change_is_not_given()
    {
        using Fault held = _world.Paperless.Faults.Hold(request => request.RawTarget == UiSettings);
        await _alice.OpenAsync("/");
        await held.ArrivedAsync(World.Ct);
        Task<Page> waiting = _alice.FetchAsync(UiSettings);
        await _world.ReachedTheGatewayAsync();
        using StringContent json = new("{}", System.Text.Encoding.UTF8, "application/json");

        await _alice.FetchAsync(HttpMethod.Patch, "/api/documents/1/", json);
        held.Release();
        await waiting;

        Assert.Equal(2, _world.Count(UiSettings));
    }

    [Fact]
    public async Task A_change_by_the_gateway_itself_discards_the_answer()
    {
        MadeDevicePassword device = await _world.MakeDevicePasswordAsync("alice");
        using Visitor app = _world.NewVisitor();
        await _world.OpenPageAsync(_alice);

        // The first use makes an API token at Paperless.
        await app.GetAsync(UiSettings, device);
        Assert.Contains(_world.Paperless.Received, request => request.Method == "POST");
        await _alice.FetchAsync(Statistics);

        Assert.Equal(2, _world.Count(Statistics));
    }

    [Fact]
    public async Task A_message_of_the_live_status_discards_the_answer()
    {
        using StatusSocket socket = await StatusSocket.OpenAsync(_world, _alice);
        await _world.Paperless.LiveStatus.ListenersAreAsync(1, World.Ct);
        await _world.OpenPageAsync(_alice);

        _world.Paperless.LiveStatus.Push("{\"type\": \"document_updated\"}");
        await socket.ReceivedAsync();
        await _alice.FetchAsync(Statistics);

        Assert.Equal(2, _world.Count(Statistics));
    }

    [Fact]
    public async Task After_the_end_of_the_session_nothing_is_given_and_nothing_more_is_asked()
    {
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawTarget is UiSettings or Fields);
        await _alice.OpenAsync("/");
        await hold.StruckAsync(World.Ct);
        await hold.StruckAsync(World.Ct);

        await _alice.NavigateAsync("/accounts/logout/", "same-origin");
        await hold.LeftAsync(World.Ct);
        hold.Release();
        await _world.CloseAsync();

        Assert.Equal(0, _world.Count(Statistics));
        Assert.Equal(HttpStatusCode.Unauthorized, (await _alice.FetchAsync(Statistics)).Status);
    }

    [Fact]
    public async Task An_answer_for_an_earlier_version_of_the_session_is_not_given()
    {
        await _world.OpenPageAsync(_alice);
        IServiceProvider services = _world.Gateway.Services;
        Assert.True(services.GetRequiredService<SessionCookie>().TryRead(_alice.Cookies.GetCookieHeader(new Uri(_world.Origin)), out SessionSecret secret));

        // As after a recheck, which may have found another account.
        await services.GetRequiredService<SessionRegistry>().RenewAsync(secret, record => record with { CheckedAt = _world.Clock.GetUtcNow() }, World.Ct);
        await _alice.FetchAsync(Statistics);

        Assert.Equal(2, _world.Count(Statistics));
    }

    [Theory]
    [InlineData("a cookie")]
    [InlineData("no JSON")]
    [InlineData("no length")]
    [InlineData("too long")]
    [InlineData("another Vary")]
    [InlineData("an error")]
    public async Task An_answer_that_must_not_be_held_is_not_given(string with)
    {
        using Fault fault = _world.Paperless.Faults.Write(request => request.RawTarget == Statistics, response =>
        {
            byte[] body = new byte[with == "too long" ? ReadAheadLimits.Default.MaxAnswerBytes + 1 : 2];
            response.StatusCode = with == "an error" ? 500 : 200;
            response.ContentType = with == "no JSON" ? "text/plain" : "application/json";
            response.ContentLength = with == "no length" ? null : body.Length;
            response.Headers.Vary = with == "another Vary" ? "X-Other" : "Accept, Cookie, Accept-Language, Accept-Encoding, origin";
            response.Headers.SetCookie = with == "a cookie" ? "a=b; Path=/" : default;
            return response.Body.WriteAsync(body).AsTask();
        });
        await _world.OpenPageAsync(_alice);
        Assert.Equal(1, fault.Hits);

        await _alice.FetchAsync(Statistics);

        Assert.Equal(2, fault.Hits);
        await _world.CloseAsync();
    }

    [Fact]
    public async Task An_answer_that_Paperless_breaks_off_is_not_given()
    {
        using Fault fault = _world.Paperless.Faults.Break(request => request.RawTarget == Statistics);
        await _alice.OpenAsync("/");
        await fault.ArrivedAsync(World.Ct);
        fault.Dispose();

        Page page = await _alice.FetchAsync(Statistics);

        Assert.Equal((HttpStatusCode.OK, "{\"documents_total\":2,\"documents_inbox\":0}"), (page.Status, page.Text));
        await _world.CloseAsync();
    }
}
