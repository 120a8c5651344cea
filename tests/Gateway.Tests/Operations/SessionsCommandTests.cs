using System.Text.Json;
using Gateway.Tests.Kit;
using Gateway.Tests.SignOut;
using Serilog.Events;

namespace Gateway.Tests.Operations;

/// <summary>`Gateway sessions` as a process of its own, while a gateway runs on the same store.</summary>
[Needs(RealPart.Process)]
public sealed class SessionsCommandTests : IAsyncLifetime
{
    private const string Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    private const string Notice = "A gateway that is running notices within half a minute.";

    private static readonly string[] Properties =
        ["id", "user_id", "username", "provider", "issuer", "subject", "device", "user_agent", "address", "signed_in_at", "used_at", "expires_at"];

    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Sessions_list_is_a_table_of_everyone_who_is_signed_in()
    {
        using Visitor alice = await _world.SignedInAsync("alice", userAgent: Firefox);
        using Visitor bob = await _world.SignedInAsync("bob", userAgent: "curl/8.14.1");

        (int exitCode, string? output, string? errors) = await RunAsync("list");

        Assert.Equal((0, ""), (exitCode, errors));
        string[] lines = Lines(output);
        Assert.Equal(3, lines.Length);
        Assert.Matches(@"\AID +USER +PROVIDER +DEVICE +ADDRESS +SIGNED IN AT +LAST USED AT +EXPIRES AT\z", lines[0]);
        string when = @"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ";
        Assert.Contains(lines, line => System.Text.RegularExpressions.Regex
            .IsMatch(line, $@"\A[0-9a-f]{{16}} +alice +authentik +Firefox on Linux +(::1|127\.0\.0\.1) +{when} +{when} +{when}\z"));
        Assert.Contains(lines, line => line.Contains(" bob ", StringComparison.Ordinal) && line.Contains("  curl/8.14.1  ", StringComparison.Ordinal));
        Assert.DoesNotContain(alice.Cookie("paperless-gateway")!, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_list_as_JSON_prints_JSON_only()
    {
        Assert.Equal("[]", (await RunAsync("list", "--json")).Output);
        using Visitor alice = await _world.SignedInAsync("alice", userAgent: Firefox);
        using Visitor bob = await _world.SignedInAsync("bob");

        JsonElement[] all = Rows((await RunAsync("list", "--json")).Output);
        JsonElement row = Assert.Single(Rows((await RunAsync("list", "--json", "--user", "alice")).Output));
        (int ExitCode, string Output, string Errors) end = await RunAsync("end", "--user=alice", "--json");

        Assert.Equal(2, all.Length);
        Assert.Equal(Properties, row.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("alice", "Firefox on Linux", Firefox), (Text(row, "username"), Text(row, "device"), Text(row, "user_agent")));
        Assert.Equal(_world.Paperless.Data.FindUser("alice")!.Id, row.GetProperty("user_id").GetInt32());
        Assert.Equal(_world.Provider.Find("alice")!.Subject, Text(row, "subject"));
        Assert.True(JsonElement.DeepEquals(row, Assert.Single(Rows(end.Output))));
        Assert.Contains(Notice, end.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_running_gateway_applies_an_ended_session_of_the_command_within_30_seconds()
    {
        using Visitor phone = await _world.SignedInAsync("alice");
        using Visitor desk = await _world.SignedInAsync("alice", userAgent: Firefox);
        using StatusSocket socket = await StatusSocket.OpenAsync(_world, desk);
        JsonElement meant = Rows((await RunAsync("list", "--json")).Output).Single(row => Text(row, "device") == "Firefox on Linux");

        (int exitCode, string? output, string? errors) = await RunAsync("end", "--id", Text(meant, "id"));

        Assert.Equal((0, $"Ended: alice, Firefox on Linux, {Text(meant, "address")} ({Text(meant, "id")})."), (exitCode, output));
        Assert.Contains("The session of \"alice\" ended: \"EndedByTheOperator\"", errors, StringComparison.Ordinal);
        Assert.Contains(Notice, errors, StringComparison.Ordinal);

        _world.Clock.Advance(TimeSpan.FromSeconds(30));
        LogEvent noticed = await _world.Log.WaitForAsync("SessionEnded");
        Assert.Equal(("alice", "EndedByTheOperator"), (CapturedLog.Value(noticed, "User"), CapturedLog.Value(noticed, "Cause")));
        Assert.EndsWith(CapturedLog.Value(noticed, "Session"), Text(meant, "id"), StringComparison.Ordinal);
        Assert.Equal(1008, await socket.ClosedWithAsync());
        Assert.Equal((null, "alice"), (await desk.WhoAsync(), await phone.WhoAsync()));
    }

    [Fact]
    public async Task Sessions_end_for_a_user_ends_all_sessions_of_that_user_and_no_others()
    {
        using Visitor phone = await _world.SignedInAsync("alice");
        using Visitor desk = await _world.SignedInAsync("alice");
        using Visitor bob = await _world.SignedInAsync("bob");

        (int exitCode, string? output, string _) = await RunAsync("end", "--user", "alice");

        Assert.Equal((0, 2), (exitCode, Lines(output).Length));
        _world.Clock.Advance(TimeSpan.FromSeconds(30));
        await _world.Log.WaitForAsync("SessionEnded", _ => _world.Log.Of("SessionEnded").Count == 2);
        Assert.Equal((null, null, "bob"), (await phone.WhoAsync(), await desk.WhoAsync(), await bob.WhoAsync()));
        Assert.Equal("bob", Text(Assert.Single(Rows((await RunAsync("list", "--json")).Output)), "username"));
    }

    [Fact]
    public async Task A_session_ended_by_the_command_stays_ended_for_a_gateway_that_starts_later()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        await _world.Gateway.DisposeAsync();

        Assert.Equal(0, (await RunAsync("end", "--user", "alice")).ExitCode);

        _world.StartGateway();
        Assert.Null(await alice.WhoAsync());
    }

    [Fact]
    public async Task Sessions_end_reports_an_unknown_session_or_user()
    {
        (int ExitCode, string Output, string Errors) list = await RunAsync("list");
        using Visitor alice = await _world.SignedInAsync("alice");
        (int ExitCode, string Output, string Errors) other = await RunAsync("list", "--user", "Alice");
        (int ExitCode, string Output, string Errors) id = await RunAsync("end", "--id", "0123456789abcdef");
        (int ExitCode, string Output, string Errors) user = await RunAsync("end", "--user", "Alice", "--json");

        Assert.Equal((0, "Nobody is signed in.", ""), list);
        Assert.Equal((0, "Nobody is signed in as Alice: letter case counts, and \"sessions list\" shows who is.", ""), other);
        Assert.Equal(
            (1, "", "There is no session 0123456789abcdef; \"sessions list\" shows those that there are."),
            (id.ExitCode, id.Output, id.Errors.Trim()));
        Assert.Equal(
            (1, "", "Nobody is signed in as Alice: letter case counts, and \"sessions list\" shows who is."),
            (user.ExitCode, user.Output, user.Errors.Trim()));
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task A_wrong_sessions_command_shows_the_usage()
    {
        (int exitCode, string? output, string? errors) = await RunAsync("end");

        Assert.Equal((2, ""), (exitCode, output));
        Assert.StartsWith("Give either --id or --user.", errors, StringComparison.Ordinal);
        Assert.Contains("A running gateway notices within half a minute", errors, StringComparison.Ordinal);
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] words)
        => ProgramProcess.RunAsync("Gateway", ["sessions", .. words], _world.Settings());

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static JsonElement[] Rows(string json) => [.. JsonDocument.Parse(json).RootElement.EnumerateArray()];

    private static string Text(JsonElement row, string property) => row.GetProperty(property).GetString()!;
}
