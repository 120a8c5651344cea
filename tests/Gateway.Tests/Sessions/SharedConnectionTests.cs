using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

/// <summary>A reverse proxy sends requests of different people over one connection; a browser sends one cookie repeatedly.</summary>
public sealed partial class SharedConnectionTests
{
    [Fact]
    public async Task Each_request_on_a_shared_connection_is_judged_by_its_own_cookie()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        string hers = $"{SignedIn.CookieName}={alice.Cookie(SignedIn.CookieName)}";
        string his = $"{SignedIn.CookieName}={bob.Cookie(SignedIn.CookieName)}";
        string unknown = $"{SignedIn.CookieName}={new string('A', 43)}";
        using RawConnection connection = await RawConnection.OpenAsync(world.Port);

        List<string?> who = [];
        foreach (string? cookie in (string?[])[hers, hers, his, his, null, hers, unknown, his, hers + "; theme=dark", "theme=dark", hers, his])
        {
            who.Add(await WhoAsync(connection, world, cookie));
        }

        Assert.Equal(["alice", "alice", "bob", "bob", null, "alice", null, "bob", "alice", null, "alice", "bob"], who);
    }

    [Fact]
    public async Task A_session_that_just_ended_is_refused_on_the_connection_that_used_it()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string cookie = $"{SignedIn.CookieName}={alice.Cookie(SignedIn.CookieName)}";
        using RawConnection connection = await RawConnection.OpenAsync(world.Port);
        Assert.Equal("alice", await WhoAsync(connection, world, cookie));
        Assert.Equal("alice", await WhoAsync(connection, world, cookie));

        await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.Null(await WhoAsync(connection, world, cookie));
    }

    [Fact]
    public async Task An_idle_session_expires_on_the_connection_that_used_it()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_SESSION_IDLE"] = "1h");
        using Visitor alice = await world.SignedInAsync("alice");
        string cookie = $"{SignedIn.CookieName}={alice.Cookie(SignedIn.CookieName)}";
        using RawConnection connection = await RawConnection.OpenAsync(world.Port);
        Assert.Equal("alice", await WhoAsync(connection, world, cookie));

        // Not the clock of the connection, which stays open.
        world.Clock.Advance(TimeSpan.FromMinutes(61));

        Assert.Null(await WhoAsync(connection, world, cookie));
    }

    private static async Task<string?> WhoAsync(RawConnection connection, World world, string? cookie)
    {
        await connection.SendAsync($"GET /gateway/session HTTP/1.1\r\nHost: localhost:{world.Port}\r\nAccept: "
            + $"application/json\r\n{(cookie is null ? "" : $"Cookie: {cookie}\r\n")}\r\n");
        string head = await connection.ReadHeadAsync();
        string body = await BodyAsync(connection, head);
        HttpStatusCode status = (HttpStatusCode)RawConnection.Statuses(head)[0];
        Assert.True(status is HttpStatusCode.OK or HttpStatusCode.Unauthorized, head + body);
        return status == HttpStatusCode.OK ? System.Text.Json.JsonDocument.Parse(body).RootElement.GetProperty("username").GetString() : null;
    }

    private static async Task<string> BodyAsync(RawConnection connection, string head)
    {
        if (Length().Match(head) is { Success: true } length)
        {
            return await connection.ReadTextAsync(int.Parse(length.Groups[1].Value, CultureInfo.InvariantCulture));
        }

        StringBuilder chunks = new();
        while (!chunks.ToString().EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal))
        {
            chunks.Append(await connection.ReadTextAsync(1));
        }

        return string.Concat(chunks.ToString().Split("\r\n").Where((_, line) => line % 2 == 1));
    }

    [GeneratedRegex(@"Content-Length: (\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex Length();
}
