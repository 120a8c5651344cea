using System.Net;
using System.Net.Http.Headers;
using Gateway.Forwarding;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>What counts as a failed login, and as how many: the answers of Paperless, and requests that repeat a wrong credential.</summary>
public sealed class FailedLoginCountingTests : IAsyncLifetime
{
    private const HttpStatusCode Blocked = HttpStatusCode.TooManyRequests;

    private const string Form = "application/x-www-form-urlencoded";

    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await FailedLoginClient.StartWorldAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

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
            Assert.NotEqual(Blocked, (await guesser.SendBytesAsync($"{Form}; boundary=b{number}", "password=x"u8.ToArray())).Status);
        }

        Assert.Equal(Blocked, (await guesser.SendBytesAsync(Form, "password=x"u8.ToArray())).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_password_form_that_is_too_large_is_refused(bool chunked)
    {
        using FailedLoginClient one = At("198.51.100.1");
        Page page = await one.SendBytesAsync("application/json", new byte[PasswordForms.MaxBodyBytes + 1], chunked);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, page.Status);
        Assert.Empty(_world.Forwarded);
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

    private static async Task<Page> UploadAsync(FailedLoginClient client, string token)
    {
        using ByteArrayContent content = new(new byte[3_000_000]) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        return await client.SendAsync(HttpMethod.Post, "/api/documents/post_document/", content, ("Authorization", $"Token {token}"));
    }
}
