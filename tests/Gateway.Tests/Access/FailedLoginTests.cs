using System.Diagnostics.Metrics;
using System.Net;
using Gateway.Metrics;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>`GATEWAY_FAILED_LOGINS`: who sends wrong passwords and tokens must wait, and nobody else.</summary>
public sealed class FailedLoginTests : IAsyncLifetime
{
    private const HttpStatusCode Blocked = HttpStatusCode.TooManyRequests;

    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await FailedLoginClient.StartWorldAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task After_ten_wrong_tokens_an_address_is_refused_for_five_minutes_and_Paperless_is_not_asked()
    {
        using FailedLoginClient guesser = At("198.51.100.1");
        await guesser.FailAsync(10);
        _world.Paperless.ForgetReceived();

        Page first = await guesser.WithTokenAsync("wrong");
        _world.Clock.Advance(TimeSpan.FromSeconds(100));
        Page second = await guesser.WithTokenAsync("wrong");

        Assert.Equal((Blocked, "300"), (first.Status, first.Header("Retry-After")));
        Assert.Equal((Blocked, "200"), (second.Status, second.Header("Retry-After")));
        Assert.Empty(_world.Forwarded);

        _world.Clock.Advance(TimeSpan.FromSeconds(200));
        Assert.Equal(HttpStatusCode.Unauthorized, (await guesser.WithTokenAsync("wrong")).Status);
    }

    [Fact]
    public async Task The_time_begins_anew_with_the_failure_that_reaches_the_limit()
    {
        using FailedLoginClient guesser = At("198.51.100.1");
        await guesser.FailAsync(9);
        _world.Clock.Advance(TimeSpan.FromMinutes(4.9));
        await guesser.FailAsync(1);

        Assert.Equal("300", (await guesser.WithTokenAsync("wrong")).Header("Retry-After"));
    }

    [Fact]
    public async Task Failures_expire_with_their_time()
    {
        using FailedLoginClient person = At("198.51.100.1");
        await person.FailAsync(9);
        _world.Clock.Advance(TimeSpan.FromMinutes(5));

        await person.FailAsync(9);
    }

    [Fact]
    public async Task A_refusal_has_the_shape_that_its_caller_expects()
    {
        using FailedLoginClient guesser = At("198.51.100.1");
        await guesser.FailAsync(10);

        foreach (Page api in (Page[])[await guesser.WithTokenAsync("x"), await guesser.WithBasicAsync("alice", "alice"), await guesser.GetTokenAsync("a", "b")])
        {
            Assert.Equal((Blocked, "application/json", "300"), (api.Status, api.Response.Content.Headers.ContentType?.MediaType, api.Header("Retry-After")));
            Assert.Equal("""{"detail":"Request was throttled. Expected available in 300 seconds."}""", api.Text);
        }

        foreach (string path in (string[])["/accounts/login/", "/admin/login/"])
        {
            Page page = await guesser.FillInAsync("alice", "alice", path);
            Assert.Equal((Blocked, "text/html", "300"), (page.Status, page.Response.Content.Headers.ContentType?.MediaType, page.Header("Retry-After")));
            Assert.Contains("Too many failed sign-ins", page.Text, StringComparison.Ordinal);
            Assert.Contains("300 seconds", page.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_clients_of_a_trusted_proxy_are_told_apart_and_IPv6_counts_by_its_64_bits()
    {
        using FailedLoginClient guesser = At("2001:db8:1:2::1");
        using FailedLoginClient same = At("2001:db8:1:2:ffff::9");
        using FailedLoginClient other = At("2001:db8:1:3::1");
        await guesser.FailAsync(10);

        Assert.Equal(Blocked, (await same.WithTokenAsync("wrong")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await other.WithTokenAsync("wrong")).Status);
        Assert.Equal("2001:db8:1:2::", CapturedLog.Value(Assert.Single(_world.Log.Of("AddressBlocked")), "Address"));
    }

    [Fact]
    public async Task Without_trusted_proxies_a_client_cannot_choose_its_address()
    {
        await using World world = await FailedLoginClient.StartWorldAsync(configure: options => options.Settings["GATEWAY_TRUSTED_PROXIES"] = null);
        for (int number = 0; number < 10; number++)
        {
            using FailedLoginClient guesser = new(world, $"198.51.100.{number}");
            await guesser.FailAsync(1);
        }

        using FailedLoginClient next = new(world, "198.51.100.99");
        Assert.Equal(Blocked, (await next.WithTokenAsync("wrong")).Status);
    }

    [Fact]
    public async Task A_session_at_a_blocked_address_goes_on()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        using FailedLoginClient guesser = At("198.51.100.1");
        using FailedLoginClient here = new(alice, _world, "198.51.100.1");
        await guesser.FailAsync(10);

        Assert.Equal(HttpStatusCode.OK, (await here.SendAsync(HttpMethod.Get, "/api/documents/")).Status);
    }

    [Theory]
    [InlineData("/admin/login/")]
    [InlineData("/api/auth/login/")]
    [InlineData("/api/auth/headless/app/v1/auth/login")]
    [InlineData("/api/token/x")]
    public async Task A_session_does_not_open_the_way_to_guess_the_passwords_of_others(string path)
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        await alice.OpenAsync("/");
        using FailedLoginClient insider = new(alice, _world, "198.51.100.1");
        using Fault? wrong = path == "/admin/login/" ? null : _world.Paperless.Faults.Answer(request => request.RawPath == path, 400);
        for (int number = 0; number < 10; number++)
        {
            Assert.NotEqual(Blocked, (await insider.FillInAsync("admin", $"wrong-{number}", path)).Status);
        }

        _world.Paperless.ForgetReceived();
        Assert.Equal(Blocked, (await insider.FillInAsync("admin", "wrong", path)).Status);
        Assert.Empty(_world.Forwarded);
        Assert.Equal("admin", CapturedLog.Value(Assert.Single(_world.Log.Of("UserNameBlocked")), "User"));
        Assert.Equal(HttpStatusCode.OK, (await insider.SendAsync(HttpMethod.Get, "/api/documents/")).Status);
    }

    [Fact]
    public async Task A_token_in_use_at_a_blocked_address_goes_on_until_Paperless_rejects_it()
    {
        string known = _world.Paperless.Data.TokenOf("alice");
        string unknown = _world.Paperless.Data.TokenOf("bob");
        using FailedLoginClient person = At("198.51.100.1");
        using FailedLoginClient elsewhere = At("203.0.113.1");
        Assert.Equal(HttpStatusCode.OK, (await person.WithTokenAsync(known)).Status);
        await person.FailAsync(10);
        _world.Clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(HttpStatusCode.OK, (await person.WithTokenAsync(known)).Status);
        Assert.Equal(Blocked, (await person.WithTokenAsync(unknown)).Status);
        Assert.Equal(HttpStatusCode.OK, (await elsewhere.WithTokenAsync(unknown)).Status);

        _world.Paperless.Data.UpdateUser("alice", user => user with { Token = null });
        Assert.Equal(HttpStatusCode.Unauthorized, (await person.WithTokenAsync(known)).Status);
        Assert.Equal(Blocked, (await person.WithTokenAsync(known)).Status);
    }

    [Fact]
    public async Task Each_block_is_one_log_line_however_often_it_refuses()
    {
        using FailedLoginClient guesser = At("198.51.100.1");
        await guesser.FailAsync(10, "alice");
        for (int number = 0; number < 5; number++)
        {
            await guesser.GetTokenAsync("alice", "secret-guess");
        }

        Assert.Equal("198.51.100.1", CapturedLog.Value(Assert.Single(_world.Log.Of("AddressBlocked")), "Address"));
        Assert.Equal("alice", CapturedLog.Value(Assert.Single(_world.Log.Of("UserNameBlocked")), "User"));
        Assert.Empty(_world.Log.Of("Refused"));
        Assert.DoesNotContain("secret-guess", _world.Log.Text, StringComparison.Ordinal);

        _world.Clock.Advance(TimeSpan.FromMinutes(5));
        await guesser.FailAsync(10);
        Assert.Equal(2, _world.Log.Of("AddressBlocked").Count);
    }

    [Fact]
    public async Task Metrics_count_failures_and_refusals_by_kind_and_name_nobody()
    {
        List<string> measured = [];
        using MeterListener listener = new();
        object? ofThisGateway = _world.Gateway.Services.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, all) =>
        {
            if (instrument.Meter.Name == GatewayMeter.Name && instrument.Meter.Scope == ofThisGateway)
            {
                all.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            lock (measured)
            {
                measured.Add($"{instrument.Name} {value} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}");
            }
        });
        listener.Start();

        using FailedLoginClient guesser = At("198.51.100.1");
        await guesser.FailAsync(9);
        await guesser.FailAsync(1, "alice");
        await guesser.WithTokenAsync("wrong");

        string[] expected =
        [
            .. Enumerable.Repeat("gateway.credential.failures 1 gateway.credential.kind=api_token", 9),
            "gateway.credential.failures 1 gateway.credential.kind=password",
            "gateway.credential.refusals 1 gateway.credential.kind=api_token",
        ];
        Assert.Equal(expected, measured);
    }

    [Theory]
    [InlineData("off")]
    [InlineData("0")]
    public async Task Without_a_limit_nothing_is_counted(string limit)
    {
        await using World world = await FailedLoginClient.StartWorldAsync(limit);
        using FailedLoginClient guesser = new(world, "198.51.100.1");

        await guesser.FailAsync(15);
        await guesser.FailAsync(15, "alice");
    }

    [Fact]
    public async Task The_limit_is_configurable()
    {
        await using World world = await FailedLoginClient.StartWorldAsync("2/1h");
        using FailedLoginClient guesser = new(world, "198.51.100.1");
        await guesser.FailAsync(2);

        Assert.Equal("3600", (await guesser.WithTokenAsync("wrong")).Header("Retry-After"));
    }

    private FailedLoginClient At(string address) => new(_world, address);
}
