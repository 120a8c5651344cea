using System.Globalization;
using System.Net;
using System.Text;
using Gateway.Access;
using Gateway.Forwarding;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Sessions;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Forwarding;

/// <summary>How much of anonymous chunked bodies the gateway buffers, and for how long.</summary>
public sealed class UnverifiedBodyTests
{
    private const string Upload = "/api/documents/post_document/";

    [Fact]
    public async Task Uploads_with_a_valid_token_work_while_anonymous_clients_hold_unfinished_bodies()
    {
        await using World world = await World.StartAsync();
        List<RawConnection> attack = [];
        try
        {
            // Just below what all such bodies may hold together, and what one of them may.
            for (int number = 0; number < 9; number++)
            {
                RawConnection connection = await RawConnection.OpenAsync(world.Port);
                attack.Add(connection);
                await connection.SendAsync(Head(world, $"Token made-up-{number}"));
                await SendMegabytesAsync(connection, number < 8 ? 63 : 7);
            }

            using Visitor program = world.NewVisitor();
            using HttpContent body = PaperlessClient.Chunked(new string('x', 2_000_000), "text/plain");
            Page page = await program.SendAsync(HttpMethod.Post, Upload, body, ("Authorization", "Token " + world.Paperless.Data.AdminToken));

            Assert.NotEqual(HttpStatusCode.ServiceUnavailable, page.Status);
            Assert.Equal("admin", world.Forwarded[^1].SignedInAs);
            Assert.Equal(2_000_000, world.Forwarded[^1].BodyLength);
            Assert.Equal(9, world.Log.Of("Refused").Count(line => CapturedLog.Value(line, "Code") == "credential_unknown"));
        }
        finally
        {
            attack.ForEach(connection => connection.Dispose());
        }
    }

    [Theory]
    [InlineData("Token made-up", "")]
    [InlineData("Token made-up", "4\r\nsome\r\n")]
    [InlineData("Basic YWRtaW46d3Jvbmc=", "4\r\nsome\r\n")]
    public async Task A_stalled_body_with_an_invalid_credential_is_refused_in_time(string credential, string begun)
    {
        await using World world = await World.StartAsync();
        using RawConnection connection = await BeginAsync(world, Head(world, credential), begun);
        world.Clock.Advance(UnverifiedBodyLimits.Default.Timeout);

        Assert.StartsWith("HTTP/1.1 401 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal(["/api/profile/"], world.Forwarded.Select(request => request.RawPath));
        Assert.Empty(Spooled(world));
    }

    [Theory]
    [InlineData("")]
    [InlineData("4\r\nsome\r\n")]
    public async Task A_stalled_anonymous_body_is_refused_in_time(string begun)
    {
        await using World world = await World.StartAsync();
        using RawConnection connection = await BeginAsync(world, Anonymous(world), begun);
        world.Clock.Advance(UnverifiedBodyLimits.Default.Timeout);

        Assert.StartsWith("HTTP/1.1 408 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Empty(world.Forwarded);
        Assert.Empty(Spooled(world));
        Assert.Equal("408", CapturedLog.Value(Assert.Single(world.Log.Of("Refused")), "Status"));
    }

    [Fact]
    public async Task A_body_that_arrives_too_slowly_is_refused_in_time()
    {
        await using World world = await World.StartAsync();
        using RawConnection connection = await BeginAsync(world, Anonymous(world), "1\r\nx\r\n");
        for (int seconds = 0; seconds < 29; seconds++)
        {
            await connection.SendAsync("1\r\nx\r\n");
            world.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Task<string> answer = connection.ReadHeadAsync();
        Assert.False(answer.IsCompleted);
        world.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.StartsWith("HTTP/1.1 408 ", await answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slow_body_with_a_valid_token_is_accepted_complete()
    {
        await using World world = await World.StartAsync();
        using RawConnection connection = await BeginAsync(
            world,
            Head(world, "Token " + world.Paperless.Data.AdminToken, "PATCH", "/api/documents/2/"),
            "A\r\n{\"title\":\"\r\n");
        using Fault asked = world.Paperless.Faults.Hold(request => request.RawPath == "/api/profile/");
        world.Clock.Advance(UnverifiedBodyLimits.Default.Timeout);
        await asked.StruckAsync(World.Ct);
        await connection.SendAsync("4\r\nSlow\r\n");
        asked.Release();
        CredentialCheck credentials = world.Gateway.Services.GetRequiredService<CredentialCheck>();
        DefaultHttpContext same = new() { Request = { Headers = { Authorization = "Token " + world.Paperless.Data.AdminToken } } };
        await world.UntilAsync(() => credentials.FindCached(same) == CredentialStatus.Accepted, "The token is known.");
        world.Clock.Advance(TimeSpan.FromHours(1));
        await connection.SendAsync("2\r\n\"}\r\n0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal("Slow", world.Paperless.Data.FindDocument(2)!.Title);
    }

    [Fact]
    public async Task Once_half_of_the_buffer_memory_is_used_every_credential_is_checked_at_once()
    {
        await using World world = await WithRoomAsync(all: 20_000, maxPerAddress: 1_000_000);
        using RawConnection stranger = await HoldAsync(world, "198.51.100.1", 11_000);

        using Visitor program = world.NewVisitor();
        Page made = await program.SendAsync(
            HttpMethod.Post,
            Upload,
            PaperlessClient.Chunked("some", "text/plain"),
            ("Authorization", "Token made-up"),
            ("X-Forwarded-For", "203.0.113.9"));
        Page good = await program.SendAsync(
            HttpMethod.Patch,
            "/api/documents/2/",
            PaperlessClient.Chunked($$"""{"title":"Good","content":"{{new string('x', 50_000)}}"}""", "application/json"),
            ("Authorization", "Token " + world.Paperless.Data.AdminToken),
            ("X-Forwarded-For", "203.0.113.9"));

        Assert.Contains("credential_unknown", made.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, good.Status);
        Assert.Equal("Good", world.Paperless.Data.FindDocument(2)!.Title);
    }

    [Theory]
    [InlineData("198.51.100.1", "198.51.100.1", true)]
    [InlineData("198.51.100.1", "198.51.100.2", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("::ffff:198.51.100.1", "198.51.100.1", true)]
    public async Task One_client_address_holds_no_more_than_its_share_of_the_buffer_memory(string first, string second, bool isSame)
    {
        await using World world = await WithRoomAsync(all: 1_000_000, maxPerAddress: 10_000);
        using RawConnection stranger = await HoldAsync(world, first, 9_000);

        Assert.Equal(isSame, await IsRefusedAsync(world, second));
    }

    [Fact]
    public async Task A_refused_body_frees_its_buffer_memory()
    {
        await using World world = await WithRoomAsync(all: 1_000_000, maxPerAddress: 10_000);
        using RawConnection stranger = await HoldAsync(world, "198.51.100.1", 9_000);
        Assert.True(await IsRefusedAsync(world, "198.51.100.1"));

        world.Clock.Advance(UnverifiedBodyLimits.Default.Timeout);
        Assert.StartsWith("HTTP/1.1 408 ", await stranger.ReadHeadAsync(), StringComparison.Ordinal);

        Assert.False(await IsRefusedAsync(world, "198.51.100.1"));
    }

    /// <summary>Whether another anonymous body finds no room.</summary>
    private static async Task<bool> IsRefusedAsync(World world, string address)
    {
        using Visitor visitor = world.NewVisitor();
        Page page = await visitor.SendAsync(
            HttpMethod.Post,
            "/api/token/",
            PaperlessClient.Chunked(new string('x', 5_000), "text/plain"),
            ("X-Forwarded-For", address));
        Assert.True(
            page.Status is HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadRequest or HttpStatusCode.UnsupportedMediaType,
            page.Status.ToString());
        return page.Status == HttpStatusCode.ServiceUnavailable;
    }

    private static Task<World> WithRoomAsync(long all, long maxPerAddress) => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1";

        // With either of them, a body with a password is short and stays in memory.
        options.Settings["GATEWAY_FAILED_LOGINS"] = "off";
        options.Settings["GATEWAY_APPS"] = "false";
        options.Services = services => services.AddSingleton(UnverifiedBodyLimits.Default with { MaxTotal = all, MaxPerAddress = maxPerAddress });
    });

    /// <summary>An anonymous body that is not finished, of which the gateway holds so many bytes.</summary>
    private static async Task<RawConnection> HoldAsync(World world, string address, int bytes)
    {
        string size = bytes.ToString("X", CultureInfo.InvariantCulture);
        RawConnection connection = await BeginAsync(world, Anonymous(world, $"X-Forwarded-For: {address}\r\n"), $"{size}\r\n{new string('x', bytes)}\r\n");
        UnverifiedBodies bodies = world.Gateway.Services.GetRequiredService<UnverifiedBodies>();
        DefaultHttpContext of = new() { Connection = { RemoteIpAddress = IPAddress.Parse(address) } };
        await world.UntilAsync(() => bodies.IsHalfUsed(ClientAddress.From(of)), "The gateway holds the body.");
        return connection;
    }

    /// <summary>Returns when the gateway reads.</summary>
    private static async Task<RawConnection> BeginAsync(World world, string head, string begun)
    {
        RawConnection connection = await RawConnection.OpenAsync(world.Port);
        await connection.SendAsync(head);
        Assert.StartsWith("HTTP/1.1 100 ", await connection.ReadHeadAsync(), StringComparison.Ordinal);
        await connection.SendAsync(begun);
        return connection;
    }

    private static async Task SendMegabytesAsync(RawConnection connection, int count)
    {
        byte[] chunk = Encoding.ASCII.GetBytes("100000\r\n" + new string('x', 0x100000) + "\r\n");
        try
        {
            for (int number = 0; number < count; number++)
            {
                await connection.Stream.WriteAsync(chunk, World.Ct);
            }
        }
        catch (IOException)
        {
            // The gateway has heard enough.
        }
    }

    private static string Head(World world, string credential, string method = "POST", string path = Upload) =>
        $"{method} {path} HTTP/1.1\r\nHost: localhost:{world.Port}\r\nAuthorization: {credential}\r\nContent-Type: "
            + "application/json\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";

    private static string Anonymous(World world, string headers = "") =>
        $"POST /api/token/ HTTP/1.1\r\nHost: localhost:{world.Port}\r\n{headers}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";

    private static string[] Spooled(World world) => Directory.GetFiles(Path.Combine(world.DataDirectory, StorageFeature.SpoolDirectory));
}
