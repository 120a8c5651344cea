using System.Globalization;
using System.Net;
using Gateway.Access;
using Gateway.Forwarding;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>A credential is verified before the large body that comes with it is read; what Paperless said is kept for a moment.</summary>
public sealed class CredentialCheckTests : IAsyncLifetime
{
    private const string Upload = "/api/documents/post_document/";
    private const string Profile = "/api/profile/";

    private World _world = null!;

    private string AdminToken => "Token " + _world.Paperless.Data.AdminToken;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync(options => options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1");

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData("Token made-up", false)]
    [InlineData("Token made-up", true)]
    [InlineData("Basic YWRtaW46d3Jvbmc=", false)]
    public async Task A_large_body_with_a_made_up_credential_is_refused_before_it_is_read(string credential, bool api)
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
    public async Task A_large_body_with_a_good_credential_arrives(bool token)
    {
        string credential = token ? AdminToken : "Basic " + Convert.ToBase64String("admin:admin"u8);

        Page page = await SendAsync(credential);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(["admin", "admin"], _world.Forwarded.Select(request => request.SignedInAs));
        Assert.Equal([Profile, Upload], _world.Forwarded.Select(request => request.RawPath));
    }

    [Fact]
    public async Task Small_bodies_and_their_credentials_are_Paperless_s_business_alone()
    {
        await SendAsync("Token made-up", size: (int)ChunkedBodyBuffer.MaxAnonymousBytes);

        Assert.Equal([Upload], _world.Forwarded.Select(request => request.RawPath));
    }

    [Fact]
    public async Task A_good_credential_is_known_for_a_minute()
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
    public async Task A_credential_that_is_not_taken_is_known_for_ten_seconds()
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
    public async Task A_token_that_is_taken_away_is_known_as_gone_after_a_minute()
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
    public async Task Without_a_clear_answer_of_Paperless_the_body_is_not_taken_and_nothing_is_kept(int status)
    {
        using (_world.Paperless.Faults.Answer(request => request.RawPath == Profile, status))
        {
            Assert.Equal(HttpStatusCode.BadGateway, (await SendAsync(AdminToken)).Status);
            Assert.Single(_world.Log.Of("CredentialUnanswered"));
        }

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(AdminToken)).Status);
    }

    [Fact]
    public async Task Equal_credentials_are_asked_about_once()
    {
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawPath == Profile);
        Task<Page>[] pages = [.. Enumerable.Range(0, 20).Select(_ => SendAsync("Token made-up"))];
        await hold.StruckAsync(World.Ct);
        hold.Release();

        Assert.All(await Task.WhenAll(pages), page => Assert.Equal(HttpStatusCode.Unauthorized, page.Status));
        Assert.Equal(1, Questions());
    }

    [Fact]
    public async Task A_client_that_leaves_does_not_spoil_the_answer_for_others()
    {
        using Fault hold = _world.Paperless.Faults.Hold(request => request.RawPath == Profile);
        RawConnection leaves = await RawConnection.OpenAsync(_world.Port);
        await leaves.SendAsync($"POST {Upload} HTTP/1.1\r\nHost: localhost:{_world.Port}\r\nAuthorization: {AdminToken}\r\nContent-Length: 3000000\r\n\r\n");
        await hold.StruckAsync(World.Ct);
        Task<Page> stays = SendAsync(AdminToken);

        leaves.BreakOff();
        await _world.Log.WaitForAsync(
            "Request",
            line => line.RenderMessage(CultureInfo.InvariantCulture).Contains("499", StringComparison.Ordinal)).WaitAsync(TimeSpan.FromSeconds(20), World.Ct);
        hold.Release();

        Assert.Equal(HttpStatusCode.OK, (await stays).Status);
        Assert.Equal(1, Questions());
    }

    [Fact]
    public async Task One_client_has_few_questions_under_way_and_keeps_neither_others_nor_good_credentials_from_being_asked_about()
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
    public async Task Many_made_up_credentials_push_out_no_good_one()
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
