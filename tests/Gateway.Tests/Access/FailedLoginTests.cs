using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Gateway.Access;
using Gateway.Forwarding;
using Gateway.Metrics;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>`GATEWAY_FAILED_LOGINS`: who sends wrong passwords and tokens must wait, and nobody else.</summary>
public sealed class FailedLoginTests : IAsyncLifetime
{
    private const HttpStatusCode Blocked = HttpStatusCode.TooManyRequests;

    private const string Form = "application/x-www-form-urlencoded";

    private const string Multipart = "multipart/form-data; boundary=b";

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

    [Theory]
    [InlineData("token")]
    [InlineData("basic")]
    [InlineData("api")]
    [InlineData("login")]
    [InlineData("admin")]
    public async Task Every_kind_of_wrong_credential_counts(string kind)
    {
        using FailedLoginClient guesser = At("198.51.100.1");
        for (int number = 0; number < 10; number++)
        {
            Assert.NotEqual(Blocked, (await TryAsync(guesser, kind, $"wrong-{number}")).Status);
        }

        Assert.Equal(Blocked, (await TryAsync(guesser, kind)).Status);
    }

    [Theory]
    [InlineData("basic")]
    [InlineData("api")]
    [InlineData("login")]
    [InlineData("admin")]
    public async Task A_right_password_does_not_count(string kind)
    {
        using FailedLoginClient person = At("198.51.100.1");
        await person.FailAsync(9);
        for (int number = 0; number < 5; number++)
        {
            using FailedLoginClient browser = At("198.51.100.1");
            Assert.True((int)(await TryAsync(browser, kind, "admin")).Status < 400);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, (await person.WithTokenAsync("wrong")).Status);
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
    public async Task A_user_name_under_attack_is_closed_to_the_attackers_and_open_to_its_owner()
    {
        using FailedLoginClient one = At("198.51.100.1");
        using FailedLoginClient two = At("198.51.100.2");
        using FailedLoginClient owner = At("203.0.113.1");
        await one.FailAsync(5, "alice");
        await two.FailAsync(5, "ALICE");

        Page attack = await one.GetTokenAsync("alice", "alice");
        Page other = await one.GetTokenAsync("bob", "bob");
        Page right = await owner.GetTokenAsync("alice", "alice");

        Assert.Equal((Blocked, "300"), (attack.Status, attack.Header("Retry-After")));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (other.Status, right.Status));
    }

    [Fact]
    public async Task While_a_user_name_is_under_attack_an_unknown_network_has_one_attempt()
    {
        using FailedLoginClient attacker = At("198.51.100.1");
        await attacker.FailAsync(10, "alice");
        foreach (string[] network in (string[][])[["203.0.113.1", "203.0.113.254"], ["2001:db8:1:2::1", "2001:db8:1:ffff::1"], ["2001:db8:2:2::1"]])
        {
            using FailedLoginClient another = At(network[0]);
            using FailedLoginClient neighbour = At(network[^1]);
            Assert.Equal(HttpStatusCode.BadRequest, (await another.GetTokenAsync("alice", "wrong")).Status);
            Assert.Equal(Blocked, (await neighbour.GetTokenAsync("alice", "alice")).Status);
            Assert.Equal(HttpStatusCode.OK, (await neighbour.GetTokenAsync("bob", "bob")).Status);
        }
    }

    [Fact]
    public async Task Failures_from_thousands_of_addresses_do_not_evict_the_counter_of_a_name()
    {
        using FailedLoginClient attacker = At("198.51.100.1");
        await attacker.FailAsync(10, "alice");
        FailedCredentials failures = _world.Gateway.Services.GetRequiredService<FailedCredentials>();
        for (int number = 0; number < 30_001; number++)
        {
            IPAddress address = IPAddress.Parse($"2001:db8:1:{number:x}::");
            CredentialAttempt attempt = new(address, "alice", CredentialKey.From($"{number}"), CredentialKind.Password);
            await failures.NoteFailureAsync(attempt);
        }

        using FailedLoginClient another = At("203.0.113.1");
        await another.FailAsync(1, "alice");
        Assert.Equal(Blocked, (await another.GetTokenAsync("alice", "alice")).Status);
    }

    [Fact]
    public async Task Guesses_at_the_same_time_from_many_addresses_of_one_network_do_not_pass_the_limit_of_a_name()
    {
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawPath == "/api/token/");
        List<Task<Page>> held = [];
        for (int number = 0; number < 10; number++)
        {
            FailedLoginClient one = At($"2001:db8:1:{number}::1");
            held.Add(one.GetTokenAsync("alice", $"wrong-{number}"));
            await hold.StruckAsync(World.Ct);
        }

        using FailedLoginClient another = At("2001:db8:1:99::1");
        Page tooMany = await another.GetTokenAsync("alice", "wrong");
        hold.Release();
        Assert.Equal((Blocked, "1"), (tooMany.Status, tooMany.Header("Retry-After")));
        Assert.All(await Task.WhenAll(held), page => Assert.Equal(HttpStatusCode.BadRequest, page.Status));
    }

    [Fact]
    public async Task While_a_user_name_is_under_attack_its_owner_may_mistype_where_the_password_was_right_before()
    {
        using FailedLoginClient owner = At("203.0.113.1");
        using FailedLoginClient attacker = At("198.51.100.1");
        Assert.Equal(HttpStatusCode.OK, (await owner.GetTokenAsync("alice", "alice")).Status);
        _world.Clock.Advance(TimeSpan.FromDays(6));
        await attacker.FailAsync(10, "alice");

        await owner.FailAsync(3, "alice");
        Assert.Equal(HttpStatusCode.OK, (await owner.GetTokenAsync("alice", "alice")).Status);
    }

    [Fact]
    public async Task An_attacker_with_an_account_gains_nothing_by_signing_in_to_it()
    {
        using FailedLoginClient attacker = At("198.51.100.1");
        await attacker.FailAsync(9, "alice");
        Assert.Equal(HttpStatusCode.OK, (await attacker.GetTokenAsync("bob", "bob")).Status);
        await attacker.FailAsync(1, "alice");

        Assert.Equal(Blocked, (await attacker.GetTokenAsync("alice", "alice")).Status);
    }

    [Fact]
    public async Task Who_is_signed_in_to_Paperless_already_does_not_become_known_for_another_user_name()
    {
        using FailedLoginClient insider = At("198.51.100.1");
        using FailedLoginClient attacker = At("198.51.100.2");
        Assert.Equal(HttpStatusCode.Redirect, (await insider.FillInAsync("bob", "bob")).Status);
        Assert.Equal(HttpStatusCode.Redirect, (await insider.FillInAsync("alice", "wrong")).Status);
        await attacker.FailAsync(9, "alice");
        await insider.FailAsync(1, "alice");

        Assert.Equal(Blocked, (await insider.GetTokenAsync("alice", "alice")).Status);
    }

    [Theory]
    [InlineData(400, true)]
    [InlineData(403, false)]
    [InlineData(429, false)]
    [InlineData(500, false)]
    public async Task A_login_page_that_answers_400_counts_as_a_failure_and_another_error_does_not(int status, bool counts)
    {
        using Fault fault = _world.Paperless.Faults.Answer(request => request is { Method: "POST", RawPath: "/accounts/login/" }, status);
        using FailedLoginClient guesser = At("198.51.100.1");
        for (int number = 0; number < 10; number++)
        {
            Assert.Equal(status, (int)(await guesser.FillInAsync("alice", $"wrong-{number}")).Status);
        }

        Assert.Equal(counts ? Blocked : (HttpStatusCode)status, (await guesser.FillInAsync("alice", "wrong")).Status);
        Assert.Equal(counts, _world.Log.Of("AddressBlocked").Count == 1);
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
    public async Task A_form_that_redirects_who_is_signed_in_by_single_sign_on_is_no_success_of_the_name_in_it()
    {
        using Visitor bob = await _world.SignedInAsync("bob");
        using FailedLoginClient insider = new(bob, _world, "198.51.100.1");
        using FailedLoginClient attacker = At("203.0.113.1");
        await bob.OpenAsync("/");
        await attacker.FailAsync(9, "alice");
        using (_world.Paperless.Faults.Write(request => request is { Method: "POST", RawPath: "/accounts/login/" }, answer =>
        {
            answer.StatusCode = 302;
            answer.Headers.Location = "/";
            answer.Headers.SetCookie = "sessionid=x";
            return Task.CompletedTask;
        }))
        {
            Assert.Equal(HttpStatusCode.Redirect, (await insider.FillInAsync("alice", "wrong")).Status);
        }

        await insider.FailAsync(1, "alice");
        Assert.Equal(Blocked, (await insider.GetTokenAsync("alice", "alice")).Status);
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_missing_permission_is_no_failure_and_a_wrong_token_is_one_with_either_setting_of_the_user_header(bool api)
    {
        await using World world = await FailedLoginClient.StartWorldAsync(configure: options =>
        {
            options.Settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"] = api ? "true" : "false";
            options.Paperless = paperless => paperless with { RemoteUserApi = api };
        });
        using FailedLoginClient program = new(world, "198.51.100.1");
        for (int number = 0; number < 12; number++)
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await program.WithTokenAsync(world.Paperless.Data.TokenOf("alice"), "/api/users/")).Status);
        }

        for (int number = 0; number < 10; number++)
        {
            Page wrong = await program.WithTokenAsync($"wrong-{number}");
            Assert.Equal(api ? HttpStatusCode.Forbidden : HttpStatusCode.Unauthorized, wrong.Status);
        }

        Assert.Equal(Blocked, (await program.WithTokenAsync("wrong")).Status);
    }

    [Fact]
    public async Task A_403_from_something_between_gateway_and_Paperless_is_no_failure()
    {
        using FailedLoginClient program = At("198.51.100.1");
        using (_world.Paperless.Faults.Answer(request => request.RawPath == "/api/documents/", 403))
        {
            for (int number = 0; number < 12; number++)
            {
                Assert.Equal(HttpStatusCode.Forbidden, (await program.WithTokenAsync(_world.Paperless.Data.TokenOf("alice"))).Status);
            }
        }

        Assert.Equal(HttpStatusCode.OK, (await program.WithTokenAsync(_world.Paperless.Data.TokenOf("alice"))).Status);
    }

    [Fact]
    public async Task A_wrong_credential_of_a_large_body_counts()
    {
        using FailedLoginClient program = At("198.51.100.1");
        for (int number = 0; number < 10; number++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await UploadAsync(program, $"wrong-{number}")).Status);
        }

        Assert.Equal(Blocked, (await UploadAsync(program, "wrong")).Status);
    }

    [Fact]
    public async Task Guesses_at_the_same_time_do_not_pass_the_limit_and_the_requests_of_one_app_do()
    {
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawPath == "/api/documents/");
        using FailedLoginClient guesser = At("198.51.100.1");
        using FailedLoginClient app = At("198.51.100.2");
        List<Task<Page>> held = [];
        for (int number = 0; number < 10; number++)
        {
            held.Add(guesser.WithTokenAsync($"wrong-{number}"));
            await hold.StruckAsync(World.Ct);
        }

        Page tooMany = await guesser.WithTokenAsync("wrong");
        string token = _world.Paperless.Data.TokenOf("alice");
        Task<Page>[] ofApp = [.. Enumerable.Range(0, 15).Select(_ => app.WithTokenAsync(token))];
        for (int number = 0; number < ofApp.Length; number++)
        {
            await hold.StruckAsync(World.Ct);
        }

        hold.Release();
        Assert.Equal((Blocked, "1"), (tooMany.Status, tooMany.Header("Retry-After")));
        Assert.All(await Task.WhenAll(held), page => Assert.Equal(HttpStatusCode.Unauthorized, page.Status));
        Assert.All(await Task.WhenAll(ofApp), page => Assert.Equal(HttpStatusCode.OK, page.Status));
        Assert.Equal("300", (await guesser.WithTokenAsync("wrong")).Header("Retry-After"));
    }

    [Fact]
    public async Task The_requests_that_an_app_sends_at_once_with_a_revoked_token_are_one_failure()
    {
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawPath == "/api/documents/");
        using FailedLoginClient app = At("198.51.100.1");
        List<Task<Page>> held = [];
        for (int number = 0; number < 15; number++)
        {
            held.Add(app.WithTokenAsync("revoked"));
            await hold.StruckAsync(World.Ct);
        }

        hold.Release();
        Assert.All(await Task.WhenAll(held), page => Assert.Equal(HttpStatusCode.Unauthorized, page.Status));
        await app.FailAsync(9);
        Assert.Equal(Blocked, (await app.WithTokenAsync("revoked")).Status);
    }

    [Fact]
    public async Task An_app_that_goes_on_with_a_stale_credential_does_not_lock_out_who_shares_its_address()
    {
        using FailedLoginClient home = At("198.51.100.1");
        for (int number = 0; number < 12; number++)
        {
            foreach (string stale in (string[])["revoked", "pgd_stale"])
            {
                Assert.Equal(HttpStatusCode.Unauthorized, (await home.WithTokenAsync(stale)).Status);
            }

            Assert.Equal(HttpStatusCode.BadRequest, (await home.GetTokenAsync("bob", "old")).Status);
            _world.Clock.Advance(TimeSpan.FromSeconds(20));
        }

        Assert.Equal(HttpStatusCode.OK, (await home.WithTokenAsync(_world.Paperless.Data.TokenOf("alice"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await home.GetTokenAsync("bob", "bob")).Status);
        await home.FailAsync(7);
        Assert.Equal(Blocked, (await home.WithTokenAsync("revoked")).Status);
    }

    [Fact]
    public async Task The_same_bytes_are_another_guess_with_another_type()
    {
        using Fault wrong = _world.Paperless.Faults.Answer(request => request.RawPath == "/api/token/", 400);
        using FailedLoginClient guesser = At("198.51.100.1");
        for (int number = 0; number < 10; number++)
        {
            Assert.NotEqual(Blocked, (await SendFormAsync(guesser, $"{Form}; boundary=b{number}", "password=x"u8.ToArray(), chunked: false)).Status);
        }

        Assert.Equal(Blocked, (await SendFormAsync(guesser, Form, "password=x"u8.ToArray(), chunked: false)).Status);
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

    [Fact]
    public async Task A_password_form_reaches_Paperless_byte_for_byte_and_its_user_name_counts_in_each_encoding()
    {
        using FailedLoginClient attacker = At("198.51.100.1");
        await attacker.FailAsync(10, "alice");
        using MultipartFormDataContent parts = new() { { new StringContent("alice"), "username" }, { new StringContent("wrong"), "password" } };
        foreach ((string type, byte[] body) in (IEnumerable<(string, byte[])>)[
            ("application/json", """ {"password": "wrong", "username": "Alice"} """u8.ToArray()),
            ("application/x-www-form-urlencoded", "username=%61lice&password=wrong"u8.ToArray()),
            (parts.Headers.ContentType!.ToString(), await parts.ReadAsByteArrayAsync(World.Ct))])
        {
            foreach (bool chunked in (bool[])[false, true])
            {
                using FailedLoginClient another = At($"203.0.{type.Length + (chunked ? 100 : 0)}.1");
                _world.Paperless.ForgetReceived();
                Page page = await SendFormAsync(another, type, body, chunked);
                Page again = await SendFormAsync(another, type, [.. body, (byte)' '], chunked);

                ReceivedRequest received = Assert.Single(_world.Forwarded);
                Assert.Equal((body.Length, $"{body.Length}"), ((int)received.BodyLength, received.Header("Content-Length")));
                Assert.Equal((HttpStatusCode.BadRequest, Blocked), (page.Status, again.Status));
            }
        }
    }

    [Fact]
    public async Task Forms_whose_user_name_the_gateway_cannot_read_count_as_one_name()
    {
        for (int number = 0; number < 10; number++)
        {
            using FailedLoginClient one = At($"198.51.100.{number}");
            Page page = await SendFormAsync(one, "application/json", Encoding.Unicode.GetBytes($"{number}"), chunked: false);
            Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        }

        using FailedLoginClient again = At("198.51.100.1");
        Assert.Equal(Blocked, (await SendFormAsync(again, "application/json", "{"u8.ToArray(), chunked: false)).Status);
    }

    [Theory]
    [InlineData(Form, "username=alice&password=wrong-#&USERNAME=decoy-#")]
    [InlineData(Form, "username=decoy-#&password=wrong-#&username=alice")]
    [InlineData(Form, "Username=decoy-#&password=wrong-#")]
    [InlineData(Multipart, "--b\r\n@name=username\r\n\r\ndecoy-#\r\n--b\r\n@name*=utf-8''user%6eame\r\n\r\nalice\r\n--b--\r\n")]
    [InlineData(Multipart, "--b\r\n@name=username\r\n\r\ndecoy-#\r\n--b\r\n@name=x; name=username\r\n\r\nalice\r\n--b--\r\n")]
    [InlineData(Multipart, "--b\r\n@name=username\r\nContent-Transfer-Encoding: base64\r\n\r\nYWxpY2U=#\r\n--b--\r\n")]
    [InlineData("application/json; charset=utf-7", """{"username":"+AGE-lice#","password":"wrong"}""")]
    public async Task A_form_in_which_Paperless_may_read_another_user_name_counts_for_nobody_whatever_name_it_shows(string type, string body)
    {
        body = body.Replace("@", "Content-Disposition: form-data; ", StringComparison.Ordinal);
        for (int number = 0; number < 12; number++)
        {
            using FailedLoginClient one = At($"198.51.{number}.1");
            Page page = await SendFormAsync(one, type, Encoding.UTF8.GetBytes(body.Replace("#", $"{number}", StringComparison.Ordinal)), chunked: false);
            Assert.NotEqual(Blocked, page.Status);
        }

        using FailedLoginClient again = At("198.51.1.1");
        Assert.Equal(Blocked, (await SendFormAsync(again, type, Encoding.UTF8.GetBytes(body), chunked: false)).Status);
        Assert.Single(_world.Log.Of("UserNameBlocked"));
    }

    [Fact]
    public async Task Other_spellings_of_a_name_in_Unicode_are_no_further_attempts()
    {
        string[] spellings =
        [
            "\uFF41lice", "a\uFF4Cice", "al\u2170ce", "ali\u217De", "\u24D0lice", "ALI\u212De", "alic\u212F", "\u00E1lice", "alice\\u001f", "al\u0131ce",
        ];
        foreach ((int number, string name) in spellings.Index())
        {
            using FailedLoginClient one = At($"198.51.{number}.1");
            Assert.Equal(HttpStatusCode.BadRequest, (await one.GetTokenAsync(name, $"wrong-{number}")).Status);
        }

        using FailedLoginClient again = At("198.51.1.1");
        Assert.Equal(Blocked, (await again.GetTokenAsync("\uFF41\uFF4Cice", "wrong")).Status);
        Assert.Equal(HttpStatusCode.OK, (await again.GetTokenAsync("alice", "alice")).Status);
    }

    [Fact]
    public async Task A_success_with_a_form_that_hides_its_name_clears_nothing_and_makes_no_address_known()
    {
        for (int number = 0; number < 10; number++)
        {
            using FailedLoginClient one = At($"198.51.{number}.1");
            await one.FailAsync(1, "\uFF41lice");
        }

        using FailedLoginClient insider = At("203.0.113.1");
        using (_world.Paperless.Faults.Answer(request => request.RawPath == "/api/token/", 200, "{}"))
        {
            Page own = await SendFormAsync(insider, Form, "username=bob&password=bob&USERNAME=x"u8.ToArray(), chunked: false);
            Assert.Equal(HttpStatusCode.OK, own.Status);
        }

        await insider.FailAsync(1, "\uFF41lice");
        Assert.Equal(Blocked, (await insider.GetTokenAsync("\uFF41lice", "alice")).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_password_form_that_is_too_large_is_refused(bool chunked)
    {
        using FailedLoginClient one = At("198.51.100.1");
        Page page = await SendFormAsync(one, "application/json", new byte[PasswordForms.MaxBodyBytes + 1], chunked);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, page.Status);
        Assert.Empty(_world.Forwarded);
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

    private static Task<Page> TryAsync(FailedLoginClient client, string kind, string password = "wrong") => kind switch
    {
        "token" => client.WithTokenAsync(password),
        "basic" => client.WithBasicAsync("admin", password),
        "api" => client.GetTokenAsync("admin", password),
        "login" => client.FillInAsync("admin", password),
        _ => client.FillInAsync("admin", password, "/admin/login/"),
    };

    private static async Task<Page> SendFormAsync(FailedLoginClient client, string type, byte[] body, bool chunked)
    {
        using ByteArrayContent content = new(body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } };
        return await client.SendAsync(HttpMethod.Post, "/api/token/", content, chunked ? [("Transfer-Encoding", "chunked")] : []);
    }

    private static async Task<Page> UploadAsync(FailedLoginClient client, string token)
    {
        using ByteArrayContent content = new(new byte[3_000_000]) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        return await client.SendAsync(HttpMethod.Post, "/api/documents/post_document/", content, ("Authorization", $"Token {token}"));
    }
}
