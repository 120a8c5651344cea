using System.Net;
using System.Text.Json;
using Gateway.Apps;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

/// <summary>`Gateway apps` as a process of its own, while a gateway runs on the same store.</summary>
[Needs(RealPart.Process)]
public sealed class AppsCommandTests : IAsyncLifetime
{
    private static readonly string[] Properties =
    [
        "id", "user_id", "username", "provider", "issuer", "subject", "name", "scope", "address", "made_at", "used_at", "expires_at",
    ];

    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Apps_list_shows_whose_device_passwords_there_are_and_no_sessions()
    {
        Assert.Equal((0, "There are no device passwords.", ""), await RunAsync("apps", "list"));
        using Visitor alice = await _world.SignedInAsync("alice");
        using Visitor bob = await _world.SignedInAsync("bob");
        string secret = DeviceForm.SecretIn(await alice.MakeAsync(_world, "Hall scanner", "upload", 30))!;
        await _world.MakeDevicePasswordAsync("bob", name: "Phone", withRefreshToken: true);

        (int exitCode, string? output, string? errors) = await RunAsync("apps", "list");
        (int _, string? ofAlice, string _) = await RunAsync("apps", "list", "--user", "alice", "--json");
        (int _, string? sessions, string _) = await RunAsync("sessions", "list");

        Assert.Equal((0, ""), (exitCode, errors));
        string[] lines = output.Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Matches(@"\AID +USER +NAME +SCOPE +MADE AT +LAST USED AT +FROM +EXPIRES AT\z", lines[0]);
        string when = @"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ";
        Assert.Contains(lines, line => System.Text.RegularExpressions.Regex
            .IsMatch(line, $@"\A[0-9a-f]{{16}} +alice +Hall scanner +upload_only +{when} +not yet +{when}\z"));
        Assert.Contains(lines, line => System.Text.RegularExpressions.Regex
            .IsMatch(line, $@"\A[0-9a-f]{{16}} +bob +Phone +full +{when} +not yet +when it is ended\z"));
        JsonElement row = Assert.Single(Rows(ofAlice));
        Assert.Equal(Properties, row.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("Hall scanner", "upload_only"), (Text(row, "name"), Text(row, "scope")));
        Assert.Equal(JsonValueKind.Null, row.GetProperty("used_at").ValueKind);
        Assert.DoesNotContain(secret, output + ofAlice, StringComparison.Ordinal);
        Assert.Equal(3, sessions.Split('\n').Length);
        Assert.DoesNotContain("Hall scanner", sessions, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apps_revoke_ends_the_device_passwords_that_it_names_within_half_a_minute()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        MadeDevicePassword phone = await _world.MakeDevicePasswordAsync("alice", name: "Phone");
        MadeDevicePassword scanner = await _world.MakeDevicePasswordAsync("alice", name: "Scanner");
        using Visitor app = _world.NewVisitor();
        string id = Text(Rows((await RunAsync("apps", "list", "--json")).Output).Single(row => Text(row, "name") == "Phone"), "id");

        (int ExitCode, string Output, string Errors) unknown = await RunAsync("apps", "revoke", id, "0123456789abcdef");
        HttpStatusCode before = await app.UseAsync(phone.Secret);
        (int exitCode, string? output, string? errors) = await RunAsync("apps", "revoke", id);
        _world.Clock.Advance(TimeSpan.FromSeconds(30));
        await _world.Log.WaitForAsync("SessionEnded");

        Assert.Equal(
            (1, "", "There is no device password 0123456789abcdef, so none was ended; \"apps list\" shows those that there are."),
            (unknown.ExitCode, unknown.Output, unknown.Errors.Trim()));
        Assert.Equal((0, $"Ended: alice, Phone ({id})."), (exitCode, output));
        Assert.Contains("A gateway that is running notices within half a minute.", errors, StringComparison.Ordinal);
        Assert.Equal(
            (HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.OK),
            (before, await app.UseAsync(phone.Secret), await app.UseAsync(scanner.Secret)));
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task Apps_revoke_for_a_user_ends_all_device_passwords_of_that_user_and_no_session()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        using Visitor bob = await _world.SignedInAsync("bob");
        await _world.MakeDevicePasswordAsync("alice", name: "Phone");
        await _world.MakeDevicePasswordAsync("alice", name: "Scanner");
        MadeDevicePassword ofBob = await _world.MakeDevicePasswordAsync("bob");

        (int ExitCode, string Output, string Errors) other = await RunAsync("apps", "revoke", "--user", "Alice");
        (int exitCode, string? output, string _) = await RunAsync("apps", "revoke", "--user", "alice", "--json");

        Assert.Equal(
            (1, "", "Alice has no device password: letter case counts, and \"apps list\" shows who has one."),
            (other.ExitCode, other.Output, other.Errors.Trim()));
        Assert.Equal((0, 2), (exitCode, Rows(output).Length));
        Assert.Equal(ofBob.Key.ToBytes(), Assert.Single(await Devices().ListAllAsync(World.Ct)).Stored.Key);
        Assert.Equal(("alice", "bob"), (await alice.WhoAsync(), await bob.WhoAsync()));
    }

    [Fact]
    public async Task Sessions_end_leaves_the_device_passwords_of_the_user()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        await _world.MakeDevicePasswordAsync("alice");
        string id = Assert.Single(await alice.IdsAsync());

        (int ExitCode, string Output, string Errors) one = await RunAsync("sessions", "end", "--id", id);
        (int exitCode, string? output, string _) = await RunAsync("sessions", "end", "--user", "alice", "--json");

        Assert.Equal((1, ""), (one.ExitCode, one.Output));
        Assert.Equal((0, 1), (exitCode, Rows(output).Length));
        Assert.Single(await Devices().ListAllAsync(World.Ct));
    }

    [Fact]
    public async Task Accounts_unlink_ends_the_device_passwords_of_the_person()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        using Visitor bob = await _world.SignedInAsync("bob");
        await _world.MakeDevicePasswordAsync("alice");
        await _world.MakeDevicePasswordAsync("bob");

        (int exitCode, string _, string? errors) = await RunAsync(
            "accounts", "unlink", "--issuer", _world.Provider.Issuer.AbsoluteUri, "--subject", _world.Provider.Find("alice")!.Subject);

        Assert.Equal(0, exitCode);
        Assert.Contains("The 2 sessions and device passwords that were open have ended.", errors, StringComparison.Ordinal);
        Assert.Equal("bob", Assert.Single(await Devices().ListAllAsync(World.Ct)).Info.Username);
    }

    private DevicePasswords Devices() => _world.Gateway.Services.GetRequiredService<DevicePasswords>();

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] words)
        => ProgramProcess.RunAsync("Gateway", words, _world.Settings());

    private static JsonElement[] Rows(string json) => [.. JsonDocument.Parse(json).RootElement.EnumerateArray()];

    private static string Text(JsonElement row, string property) => row.GetProperty(property).GetString()!;
}
