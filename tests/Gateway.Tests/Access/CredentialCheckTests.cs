using System.Globalization;
using System.Net;
using Gateway.Access;
using Gateway.Forwarding;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>A credential is verified at Paperless before the large body sent with it is read; the answer is cached briefly.</summary>
public sealed class CredentialCheckTests : IAsyncLifetime
{
    private const string Upload = "/api/documents/post_document/";
    private const string Profile = "/api/profile/";

    private World _world = null!;

    private string AdminToken => "Token " + _world.Paperless.Data.AdminToken;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync(options =>
    {
        options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1";
        options.Settings["GATEWAY_FAILED_LOGINS"] = "off";
    });

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData("Token made-up", false)]
    [InlineData("Token made-up", true)]
    [InlineData("Basic YWRtaW46d3Jvbmc=", false)]
    public async Task A_large_body_with_an_invalid_credential_is_refused_before_it_is_read(string credential, bool api)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"] = api ? "true" : "false";
            options.Paperless = paperless => paperless with { RemoteUserApi = api };
        });
        using RawConnection connection = await RawConnection.OpenAsync(world.Port);

        await connection.SendAsync($"POST {Upload} HTTP/1.1\r\nHost: localhost:{world.Port}\r\nAuthorization: {credential}\r\nContent-Length: "
            + "10000000000\r\nExpect: 100-continue\r\n\r\n");
        string head = await connection.ReadHeadAsync();

        // The first thing that comes, so no word to go on came before it.
        Assert.StartsWith("HTTP/1.1 401 ", head, StringComparison.Ordinal);
        Assert.DoesNotContain("WWW-Authenticate", head, StringComparison.OrdinalIgnoreCase);
        Assert.Equal([Profile], world.Forwarded.Select(request => request.RawPath));
        Assert.Equal("credential_unknown", CapturedLog.Value(Assert.Single(world.Log.Of("Refused")), "Code"));
        Assert.DoesNotContain(credential.Split(' ')[1], world.Log.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_large_body_with_a_valid_credential_reaches_Paperless(bool token)
    {
        string credential = token ? AdminToken : "Basic " + Convert.ToBase64String("admin:admin"u8);

        Page page = await SendAsync(credential);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(["admin", "admin"], _world.Forwarded.Select(request => request.SignedInAs));
        Assert.Equal([Profile, Upload], _world.Forwarded.Select(request => request.RawPath));
    }

    [Fact]
    public async Task Small_bodies_are_forwarded_without_a_check_of_their_credential()
    {
        await SendAsync("Token made-up", size: (int)ChunkedBodyBuffer.MaxAnonymousBytes);

        Assert.Equal([Upload], _world.Forwarded.Select(request => request.RawPath));
    }

    [Fact]
    public async Task A_valid_credential_is_cached_for_a_minute()
    {
        await SendAsync(AdminToken);
        _world.Clock.Advance(CredentialCheck.AcceptedTtl - TimeSpan.FromSeconds(1));
        await SendAsync(AdminToken);
        Assert.Equal(1, Questions());

        _world.Clock.Advance(TimeSpan.FromSeconds(1));
        await SendAsync(AdminToken);
        Assert.Equal(2, Questions());
    }

    [Fact]
    public async Task A_rejected_credential_is_cached_for_ten_seconds()
    {
        await SendAsync("Token made-up");
        _world.Clock.Advance(CredentialCheck.RejectedTtl - TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync("Token made-up")).Status);
        Assert.Equal(1, Questions());

        _world.Clock.Advance(TimeSpan.FromSeconds(1));
        await SendAsync("Token made-up");
        Assert.Equal(2, Questions());
    }

    [Fact]
    public async Task A_revoked_token_is_rejected_after_a_minute_at_most()
    {
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(AdminToken)).Status);
        string gone = AdminToken;
        _world.Paperless.Data.UpdateUser("admin", user => user with { Token = null });
        _world.Clock.Advance(CredentialCheck.AcceptedTtl);
        _world.Paperless.ForgetReceived();

        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(gone)).Status);
        Assert.Equal([Profile], _world.Forwarded.Select(request => request.RawPath));
    }

    [Theory]
    [InlineData(500)]
    [InlineData(404)]
    [InlineData(302)]
    public async Task Without_a_clear_answer_from_Paperless_the_body_is_refused_and_nothing_is_cached(int status)
    {
        using (_world.Paperless.Faults.Answer(request => request.RawPath == Profile, status))
        {
            Assert.Equal(HttpStatusCode.BadGateway, (await SendAsync(AdminToken)).Status);
            Assert.Single(_world.Log.Of("CredentialUnanswered"));
        }

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(AdminToken)).Status);
    }

    [Fact]
    public async Task Concurrent_requests_with_one_credential_share_one_check()
    {
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawPath == Profile);
        Task<Page>[] pages = [.. Enumerable.Range(0, 20).Select(_ => SendAsync("Token made-up"))];
        await hold.StruckAsync(World.Ct);
        hold.Release();

        Assert.All(await Task.WhenAll(pages), page => Assert.Equal(HttpStatusCode.Unauthorized, page.Status));
        Assert.Equal(1, Questions());
    }

    [Fact]
    public async Task A_client_that_disconnects_does_not_cancel_the_check_for_other_requests()
    {
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawPath == Profile);
        RawConnection leaves = await RawConnection.OpenAsync(_world.Port);
        await leaves.SendAsync($"POST {Upload} HTTP/1.1\r\nHost: localhost:{_world.Port}\r\nAuthorization: {AdminToken}\r\nContent-Length: 3000000\r\n\r\n");
        await hold.StruckAsync(World.Ct);
        Task<Page> stays = SendAsync(AdminToken);

        leaves.BreakOff();
        await _world.Log.WaitForAsync("Request", line => line.RenderMessage(CultureInfo.InvariantCulture).Contains("499", StringComparison.Ordinal));
        hold.Release();

        Assert.Equal(HttpStatusCode.OK, (await stays).Status);
        Assert.Equal(1, Questions());
    }

    [Fact]
    public async Task The_checks_of_one_client_are_limited_and_do_not_delay_other_clients_or_valid_credentials()
    {
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(AdminToken)).Status);
        _world.Clock.Advance(CredentialCheck.AcceptedTtl);
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawPath == Profile);
        List<Task<Page>> held = [.. Enumerable.Range(0, CredentialCheck.MaxPerAddress).Select(number => SendAsync($"Token made-up-{number}"))];
        for (int number = 0; number < held.Count; number++)
        {
            await hold.StruckAsync(World.Ct);
        }

        Page tooMany = await SendAsync("Token made-up-too");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "5"), (tooMany.Status, tooMany.Header("Retry-After")));
        Assert.Contains("credential_busy", tooMany.Text, StringComparison.Ordinal);

        Task<Page> good = SendAsync(AdminToken);
        await hold.StruckAsync(World.Ct);
        Task<Page> other = SendAsync("Token made-up-elsewhere", address: "198.51.100.2");
        await hold.StruckAsync(World.Ct);
        hold.Release();

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), ((await good).Status, (await other).Status));
        Assert.All(await Task.WhenAll(held), page => Assert.Equal(HttpStatusCode.Unauthorized, page.Status));
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync("Token made-up-too")).Status);
    }

    [Fact]
    public async Task Many_invalid_credentials_do_not_evict_a_valid_one_from_the_cache()
    {
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(AdminToken)).Status);
        await Parallel.ForAsync(0, 1100, new ParallelOptions { MaxDegreeOfParallelism = 6, CancellationToken = World.Ct }, async (number, _) =>
        {
            // Without the body, which is not asked for.
            using RawConnection connection = await RawConnection.OpenAsync(_world.Port);
            await connection.SendAsync($"POST {Upload} HTTP/1.1\r\nHost: localhost:{_world.Port}\r\nAuthorization: Token "
                + $"made-up-{number}\r\nContent-Length: 3000000\r\nExpect: 100-continue\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 401 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        });
        _world.Paperless.ForgetReceived();

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(AdminToken)).Status);
        Assert.Equal(0, Questions());
    }

    private int Questions() => _world.Forwarded.Count(request => request.RawPath == Profile);

    private async Task<Page> SendAsync(string credential, int size = 3_000_000, string address = "198.51.100.1")
    {
        using Visitor program = _world.NewVisitor();
        using MultipartFormDataContent form = new() { { new ByteArrayContent(new byte[size - 200]), "document", "scan.pdf" } };
        byte[] body = await form.ReadAsByteArrayAsync(World.Ct);
        using ByteArrayContent content = new(body) { Headers = { ContentType = form.Headers.ContentType } };
        return await program.SendAsync(HttpMethod.Post, Upload, content, ("Authorization", credential), ("X-Forwarded-For", address));
    }
}
