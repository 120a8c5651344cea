using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Access;

/// <summary>Raw request targets sent to the running gateway are refused, or forwarded byte for byte.</summary>
public sealed class PathGuardOverHttpTests
{
    [Fact]
    public async Task An_ambiguous_target_gets_400_and_is_not_forwarded()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();
        string cookie = alice.Cookies.GetCookieHeader(new Uri(world.Origin));

        foreach (string target in PathGuardTests.Ambiguous.Select(row => row.Data)
            .Where(target => target.Length > 0 && target.All(letter => letter <= '\u00ff')))
        {
            string answer = await SendAsync(world, target, $"Cookie: {cookie}", target == "*" ? "OPTIONS" : "GET");

            // What is no path at all, Kestrel turns away itself, some of it with 405.
            string[] expected = target[0] == '/' ? ["400"] : ["400", "405"];
            Assert.True(expected.Contains(answer.Split(' ')[1]), $"{target}: {answer.Split('\r')[0]}");
        }

        Assert.Empty(world.Forwarded);
    }

    [Fact]
    public async Task An_unambiguous_target_reaches_Paperless_byte_for_byte()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string cookie = alice.Cookies.GetCookieHeader(new Uri(world.Origin));

        foreach (string target in PathGuardTests.Clear.Select(row => row.Data))
        {
            world.Paperless.ForgetReceived();
            await SendAsync(world, target, $"Cookie: {cookie}");

            // A static file that there is not is asked for twice: once to find that out.
            Assert.Equal([target], world.Forwarded.Select(request => request.RawTarget).Distinct());
            Assert.Equal(
                [target.StartsWith("/s", StringComparison.Ordinal) ? null : "alice"],
                world.Forwarded.Select(request => request.SignedInAs).Distinct());
        }
    }

    [Fact]
    public async Task A_percent_encoded_path_does_not_open_a_closed_path()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true");

        foreach (string target in new[] {
            "/%61dmin/login/",
            "/admi%6E/login/",
            "/%61pi/token/",
            "/api/tok%65n/",
            "/accounts/%73ignup/",
            "/x%61dmin/login/",
            "/%64ocuments" })
        {
            string answer = await SendAsync(
                world,
                target,
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 21",
                "POST",
                "username=a&password=b");
            Assert.Matches("^HTTP/1.1 40[014] ", answer);
        }

        Assert.Empty(world.Forwarded);
    }

    private static Task<string> SendAsync(World world, string target, string header, string method = "GET", string body = "") =>
        RawHttp.SendAsync(
            new Uri(world.Origin),
            $"{method} {target} HTTP/1.1\r\nHost: localhost:{world.Port}\r\nConnection: close\r\nAccept: application/json\r\n{header}\r\n\r\n{body}");
}
