using System.Net;
using System.Text;
using Gateway.Access;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>`GATEWAY_FAILED_LOGINS` by user name: which name a failure counts for, and who may try it again.</summary>
public sealed class FailedLoginNameTests : IAsyncLifetime
{
    private const HttpStatusCode Blocked = HttpStatusCode.TooManyRequests;

    private const string Form = "application/x-www-form-urlencoded";

    private const string Multipart = "multipart/form-data; boundary=b";

    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await FailedLoginClient.StartWorldAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

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
                Page page = await another.SendBytesAsync(type, body, chunked);
                Page again = await another.SendBytesAsync(type, [.. body, (byte)' '], chunked);

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
            Page page = await one.SendBytesAsync("application/json", Encoding.Unicode.GetBytes($"{number}"));
            Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        }

        using FailedLoginClient again = At("198.51.100.1");
        Assert.Equal(Blocked, (await again.SendBytesAsync("application/json", "{"u8.ToArray())).Status);
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
            Page page = await one.SendBytesAsync(type, Encoding.UTF8.GetBytes(body.Replace("#", $"{number}", StringComparison.Ordinal)));
            Assert.NotEqual(Blocked, page.Status);
        }

        using FailedLoginClient again = At("198.51.1.1");
        Assert.Equal(Blocked, (await again.SendBytesAsync(type, Encoding.UTF8.GetBytes(body))).Status);
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
            Page own = await insider.SendBytesAsync(Form, "username=bob&password=bob&USERNAME=x"u8.ToArray());
            Assert.Equal(HttpStatusCode.OK, own.Status);
        }

        await insider.FailAsync(1, "\uFF41lice");
        Assert.Equal(Blocked, (await insider.GetTokenAsync("\uFF41lice", "alice")).Status);
    }

    private FailedLoginClient At(string address) => new(_world, address);
}
