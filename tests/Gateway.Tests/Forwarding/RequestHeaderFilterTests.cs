using CsCheck;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Forwarding;

/// <summary>Only the gateway sets the user header, whatever headers a client sends.</summary>
public sealed class RequestHeaderFilterTests
{
    private static readonly Gen<string> Spelling = Gen.OneOf(
        OneOf("Remote-User", "X-Forwarded-User", "X-Remote-User", "Http-Remote-User").SelectMany(Scrambled),
        OneOf(
            "Remote-Email",
            "Remote-Groups",
            "X-authentik-username",
            "X-Forwarded-Preferred-Username",
            "X-Auth-Request-User",
            "Accept-Language",
            "HTTP_REMOTE_USER"));

    private static readonly Gen<string> Line = Gen.OneOf(
        Gen.Select(Spelling, OneOf("bob", "admin", "", "alice,bob", "b\u00f6b", "\" bob\"")).Select((name, value) => $"{name}: {value}"),
        Spelling.Select(name => $"{name}:bob"),
        Spelling.Select(name => $"Connection: keep-alive, {name}"),
        Spelling.Select(name => $"Connection: {name}\r\n{name}: bob"),
        OneOf("Connection: Cookie", "Connection: Host", "Connection: X-Forwarded-Proto, Remote-User , x", "Keep-Alive: timeout=5", "Upgrade: h2c"));

    public static TheoryData<string?, bool> Modes => new()
    {
        { null, false },
        { null, true },
        { "HTTP_X_FORWARDED_USER", false },
        { "HTTP_X_FORWARDED_USER", true },
    };

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Paperless_gets_exactly_one_user_header_whatever_the_client_sends(string? header, bool api)
    {
        await using World world = await StartAsync(header, api);
        using Visitor alice = await world.SignedInAsync("alice");
        string name = world.Paperless.Options.UserHeader;
        using RawConnection connection = await RawConnection.OpenAsync(world.Port);
        world.Paperless.ForgetReceived();
        int sent = 0;

        await Gen.Select(
            Line.Array[0, 6],
            OneOf("GET /dashboard", "GET /api/documents/", "GET /x/api/y", "POST /api/profile/generate_auth_token/", "DELETE /api/documents/1/")).SampleAsync(
            async (lines, start) =>
            {
                await connection.SendAsync($"{start} HTTP/1.1\r\nHost: "
                    + $"localhost:{world.Port}\r\n{string.Concat(lines.Select(line => line + "\r\n"))}Cookie: "
                    + $"paperless-gateway={alice.Cookie("paperless-gateway")}\r\nContent-Length: 0\r\n\r\n");
                string head = await connection.ReadHeadAsync();
                await SkipBodyAsync(connection, head);
                ReceivedRequest received = world.Forwarded[sent++];
                Assert.Equal(["alice"], UserLines(received, name));
            },
            iter: 100,
            threads: 1);

        Assert.Equal(100, sent);
        Assert.DoesNotContain(world.Forwarded, request => request.SignedInAs is not (null or "alice"));
        Assert.DoesNotContain(world.Paperless.Data.Users, user => user.Name is not ("admin" or World.GatewayUser or "alice" or "bob"));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task Anonymous_requests_and_credential_requests_carry_no_user_header_whatever_the_client_sends(string? header, bool api)
    {
        await using World world = await StartAsync(header, api);
        string[] starts = ["GET /share/abc", "GET /assets/logo-notext.svg", "GET /accounts/password/reset/", "GET /api/token/", "GET /api/documents/"];
        using RawConnection connection = await RawConnection.OpenAsync(world.Port);

        await Gen.Select(Line.Array[1, 6], OneOf(starts)).SampleAsync(
            async (lines, start) =>
            {
                await connection.SendAsync($"{start} HTTP/1.1\r\nHost: "
                    + $"localhost:{world.Port}\r\n{string.Concat(lines.Select(line => line + "\r\n"))}Authorization: Token "
                    + $"{world.Paperless.Data.AdminToken}\r\n\r\n");
                await SkipBodyAsync(connection, await connection.ReadHeadAsync());
            },
            iter: 60,
            threads: 1);

        Assert.Equal(60, world.Forwarded.Count);
        Assert.All(world.Forwarded, request => Assert.Empty(UserLines(request, world.Paperless.Options.UserHeader)));
        Assert.All(world.Forwarded, request => Assert.Equal(request.RawPath == "/api/documents/" ? "admin" : null, request.SignedInAs));
    }

    [Theory]
    [InlineData("Remote-User: x\r\n bob")]
    [InlineData("X-Nothing: x\r\n\tRemote-User: bob")]
    [InlineData("Remote-User : bob")]
    [InlineData("Remote-User")]
    [InlineData(": bob")]
    [InlineData("Remote-User: a\0b")]
    public async Task Malformed_header_lines_are_refused(string line)
    {
        await using World world = await StartAsync(null, api: true);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        string answer = await RawConnection.AskAsync(world, $"GET /dashboard HTTP/1.1\r\nHost: localhost:{world.Port}\r\nCookie: "
            + $"paperless-gateway={alice.Cookie("paperless-gateway")}\r\n{line}\r\nConnection: close\r\n\r\n");

        Assert.Equal(400, Assert.Single(RawConnection.Statuses(answer)));
        Assert.Empty(world.Forwarded);
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(index => texts[index]);

    private static Gen<string> Scrambled(string name) =>
        Gen.Bool.Array[name.Length].Select(flips => new string([.. name.Zip(flips, (letter, flip) => flip ? Flipped(letter) : letter)]));

    private static char Flipped(char letter)
    {
        if (letter == '-')
        {
            return '_';
        }

        return char.IsUpper(letter) ? char.ToLowerInvariant(letter) : char.ToUpperInvariant(letter);
    }

    /// <summary>In the reading of a Django that takes `_` for `-`.</summary>
    private static IEnumerable<string> UserLines(ReceivedRequest request, string name) => request.Headers
        .Where(line => line.Key.Replace('_', '-').Equals(name, StringComparison.OrdinalIgnoreCase)
            || line.Key.Replace('_', '-').Equals("Remote-User", StringComparison.OrdinalIgnoreCase))
        .Select(line => line.Value);

    private static async Task SkipBodyAsync(RawConnection connection, string head)
    {
        if (head.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase))
        {
            string body = "";
            while (!body.EndsWith("0\r\n\r\n", StringComparison.Ordinal))
            {
                body += await connection.ReadTextAsync(1);
            }
        }
        else if (head.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase)) is { } length)
        {
            await connection.ReadTextAsync(int.Parse(length.AsSpan(16), System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    private static Task<World> StartAsync(string? header, bool api) => World.StartAsync(options =>
    {
        options.Settings["PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME"] = header;
        options.Settings[api ? "PAPERLESS_ENABLE_HTTP_REMOTE_USER_API" : "PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true";
        options.Paperless = paperless => paperless with
        {
            RemoteUserApi = api,
            UnderscoresInHeaders = true,
            UserHeader = header is null ? "Remote-User" : "X-Forwarded-User",
        };
    });
}
