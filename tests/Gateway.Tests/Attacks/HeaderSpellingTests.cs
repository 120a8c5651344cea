using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;

namespace Gateway.Tests.Attacks;

/// <summary>However a client spells its headers, Paperless gets at most one user header, and only from the gateway.</summary>
[Trait("Category", "Attacks")]
public sealed class HeaderSpellingTests
{
    private const int Workers = 4;

    public static TheoryData<string, string, bool> UserHeaders => new()
    {
        { "HTTP_REMOTE_USER", "Remote-User", true },
        { "HTTP_X_FORWARDED_USER", "X-Forwarded-User", false },
        { "HTTP_X_ACCESS_USER", "X-Access-User", false },
        { "HTTP_USER", "User", false },
    };

    [Theory]
    [MemberData(nameof(UserHeaders))]
    public async Task Paperless_gets_exactly_one_user_header_with_a_session_and_none_without(string meta, string header, bool all)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME"] = meta;
            options.Settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"] = "true";
            options.Paperless = paperless => paperless with { RemoteUserApi = true, UnderscoresInHeaders = true, UserHeader = header };
        });
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInWithPasswordAsync("bob");
        Door[] doors =
        [
            new("GET /share/abc", "", null, false),
            new("GET /api/documents/", CookiesOf(world, alice), "alice", true),
            new("GET /api/documents/", $"Authorization: Token {world.Paperless.Data.AdminToken}\r\n", "admin", false),
            new("GET /documents/2", CookiesOf(world, bob), "bob", false),
        ];
        IReadOnlyList<string> lines = HeaderSpellings.Lines(header, all);
        (string Line, Door Door)[] cases = [.. lines.SelectMany(line => doors.Select(door => (line, door)))];
        world.Paperless.ForgetReceived();

        int refused = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, Workers), World.Ct, async (worker, _) =>
        {
            using RawClient client = new(world.Port);
            for (int i = worker; i < cases.Length; i += Workers)
            {
                string head = $"{cases[i].Door.Start}?case={i} HTTP/1.1\r\nHost: localhost:{world.Port}\r\n";
                RawAnswer answer = await client.SendAsync($"{head}{cases[i].Line}\r\n{cases[i].Door.Credentials}\r\n");
                Interlocked.Add(ref refused, answer.Status is 400 or 0 ? 1 : 0);
            }
        });

        int judged = 0;
        foreach (ReceivedRequest request in world.Forwarded.Where(request => request.Query.StartsWith("case=", StringComparison.Ordinal)))
        {
            (string line, Door door) = cases[int.Parse(request.Query.AsSpan(5), System.Globalization.CultureInfo.InvariantCulture)];
            Judge(world, request, header, line, door);
            judged++;
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{header}: {lines.Count} spellings, {cases.Length} requests, {judged} judged at Paperless, {refused} refused");
        Assert.InRange(lines.Count, all ? 1_000 : 50, int.MaxValue);
        Assert.Equal(cases.Length, judged + refused);
        Assert.InRange(judged, cases.Length / 4, int.MaxValue);
        Assert.DoesNotContain(world.Paperless.Data.Users, user => user.Name is not ("admin" or World.GatewayUser or "alice" or "bob"));
    }

    [Fact]
    public async Task Unrelated_headers_reach_Paperless_unchanged()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        (string Name, string Value)[] genuine =
        [
            ("Accept-Language", "de-DE,de;q=0.9"), ("User-Agent", "Mozilla/5.0"), ("X-CSRFToken", "abc"), ("X-Requested-With", "XMLHttpRequest"),
            ("Users", "x"), ("X-Remote-Users", "x"), ("Remote", "x"), ("DNT", "1"), ("sec-ch-ua", "\"x\""),
        ];
        world.Paperless.ForgetReceived();
        using RawClient client = new(world.Port);

        string lines = string.Concat(genuine.Select(line => $"{line.Name}: {line.Value}\r\n"));
        await client.SendAsync($"GET /dashboard HTTP/1.1\r\nHost: localhost:{world.Port}\r\n{lines}{CookiesOf(world, alice)}\r\n");

        ReceivedRequest received = Assert.Single(world.Forwarded);
        Assert.All(genuine, line => Assert.Equal([line.Value], received.Lines(line.Name)));
        Assert.Equal(["alice"], received.Lines("Remote-User"));
    }

    private static void Judge(World world, ReceivedRequest request, string header, string line, Door door)
    {
        string what = $"{door.Start} with {line.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}";
        string[] users = [.. request.Headers.Where(one => Folded(one.Key) == Folded(header)).Select(one => one.Value)];
        string[] expected = door.WithIdentity ? [door.User!] : [];
        Assert.True(users.SequenceEqual(expected), $"{what}: {string.Join(" | ", users)}");
        Assert.True(request.SignedInAs == door.User, $"{what}: signed in as {request.SignedInAs}");
        foreach (string forwarding in HeaderSpellings.Forwarding)
        {
            string[] values = [.. request.Headers.Where(one => Folded(one.Key) == Folded(forwarding)).Select(one => one.Value)];
            string[] own = forwarding switch
            {
                "X-Forwarded-For" => ["127.0.0.1"],
                "X-Forwarded-Host" => [$"localhost:{world.Port}"],
                "X-Forwarded-Proto" => ["http"],
                _ => [],
            };
            Assert.True(values.SequenceEqual(own), $"{what}: {forwarding} {string.Join(" | ", values)}");
        }
    }

    /// <summary>As the most lenient server would: everything that is no letter or digit is one, and capitals are Python's.</summary>
    private static string Folded(string name) =>
        string.Concat(
            name.Replace("\u00df", "SS", StringComparison.Ordinal).ToUpperInvariant().Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'));

    private static string CookiesOf(World world, Visitor visitor) => $"Cookie: {visitor.Cookies.GetCookieHeader(new Uri(world.Origin))}\r\n";

    /// <param name="User">Whom Paperless is to take the request for.</param>
    /// <param name="WithIdentity">Whether the user header says so.</param>
    private sealed record Door(string Start, string Credentials, string? User, bool WithIdentity);
}
