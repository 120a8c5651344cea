using System.Text.Json;
using Gateway.Apps;
using Gateway.Operations;
using Gateway.Settings;
using Gateway.StandIns.Provider;
using Gateway.Tests.Access;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

/// <summary>`GATEWAY_AUDIT_LOG`: one JSON object a line for what an auditor asks about.</summary>
public sealed class AuditLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gateway-audit").FullName;

    private string AuditFile => Path.Combine(_folder, "audit.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Sign_ins_refusals_device_passwords_and_ends_are_in_the_audit_stream_even_if_the_log_is_quiet()
    {
        await using World world = await StartAsync(options => options.Settings["GATEWAY_LOG_LEVEL"] = "error");
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/documents/", device);
        await app.GetAsync("/api/documents/", device);
        await alice.FetchAsync(HttpMethod.Post, "/api/documents/17/", null, ("Origin", "https://evil.example"));
        await alice.OpenAsync("/accounts/logout/", "same-origin");
        await world.Gateway.DisposeAsync();

        List<JsonElement> records = Records();
        Assert.All(records, record => Assert.Equal(AuditLines.CommonFields, record.EnumerateObject().Take(6).Select(field => field.Name)));
        Assert.All(records, record => Assert.Equal("Gateway.Audit", record.GetProperty("category").GetString()));
        JsonElement signIn = Assert.Single(records, Is("sign_in", "success"));
        Assert.Equal((2001, "alice", "authentik"), (signIn.GetProperty("id").GetInt32(), Text(signIn, "user"), Text(signIn, "provider")));
        Assert.Equal(32, Text(signIn, "trace_id").Length);
        Assert.Contains(Text(signIn, "client"), (string[])["127.0.0.1", "::1"]);
        Assert.Equal("Hall scanner", Text(Assert.Single(records, Is("device_password_make", "success")), "name"));
        Assert.Single(records, Is("device_password_use", "success"));
        JsonElement refused = Assert.Single(records, Is("access", "failure"));
        Assert.Equal(("cross_site", "/api/documents/{id}/"), (Text(refused, "code"), Text(refused, "path")));
        Assert.Equal("SignedOut", Text(Assert.Single(records, Is("session_end", "success")), "cause"));
        Assert.DoesNotContain(device.Secret, File.ReadAllText(AuditFile), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(AuditFile));
        }
    }

    [Fact]
    public async Task A_refused_sign_in_and_wrong_credentials_are_failures_and_a_poll_without_a_session_is_no_record()
    {
        await using World world = await StartAsync(options =>
        {
            options.Settings["GATEWAY_ALLOWED_GROUPS"] = "chefs";
            options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1";
            options.Settings["GATEWAY_FAILED_LOGINS"] = "3/5m";
        });
        using Visitor alice = world.NewVisitor();
        await alice.SignInAsync("alice");
        await alice.FetchAsync("/api/tasks/");
        using FailedLoginClient guesser = new(world, "198.51.100.1");
        await guesser.FailAsync(3);
        await world.Gateway.DisposeAsync();

        List<JsonElement> records = Records();
        Assert.Equal(4001, Assert.Single(records, Is("sign_in", "failure")).GetProperty("id").GetInt32());
        Assert.Equal(3, records.Count(record => Is("credential", "failure")(record) && Text(record, "client") == "198.51.100.1"));
        Assert.Equal("198.51.100.1", Text(Assert.Single(records, Is("credential_limit", "failure")), "client"));
        Assert.DoesNotContain(records, record => Is("access", "failure")(record));
    }

    [Fact]
    public async Task A_file_that_was_rotated_is_begun_anew()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await Wait.UntilAsync(() => Records().Any(record => Is("sign_in", "success")(record)), "the sign-in of alice is recorded");
        File.Move(AuditFile, AuditFile + ".1");

        using Visitor bob = await world.SignedInAsync("bob");
        await Wait.UntilAsync(
            () => File.Exists(AuditFile) && Records().Any(record => Is("sign_in", "success")(record)),
            "the sign-in of bob is recorded in a new file");
        Assert.DoesNotContain("alice", ReadAudit(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_written_stops_the_start()
    {
        string[] arguments = ["--PAPERLESS_URL=https://docs.example.com", "--PAPERLESS_ENABLE_HTTP_REMOTE_USER=true", "--GATEWAY_PAPERLESS_TOKEN=0",
            "--PAPERLESS_SOCIALACCOUNT_PROVIDERS={\"openid_connect\": {\"APPS\": [{\"provider_id\": \"a\", \"client_id\": \"a\", \"secret\": \"a\", "
            + "\"settings\": {\"server_url\": \"https://id.example.com\"}}]}}",
            $"--GATEWAY_AUDIT_LOG={Path.Combine(_folder, "nowhere", "audit.log")}"];

        SettingsException wrong = Assert.Throws<SettingsException>(() => Program.Create(arguments));
        Assert.Contains("GATEWAY_AUDIT_LOG", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Needs(RealPart.Process)]
    public async Task On_standard_output_the_records_stand_between_the_lines_of_a_quiet_log_and_a_command_writes_to_the_file()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_AUDIT_LOG"] = "stdout";
            options.Settings["GATEWAY_LOG_LEVEL"] = "warning";
        });
        Dictionary<string, string?> settings = world.Settings();
        settings["ASPNETCORE_URLS"] = world.Origin;
        await using (ProgramProcess gateway = ProgramProcess.Start("Gateway", [], settings))
        {
            using Visitor visitor = world.NewVisitor();
            await Wait.UntilAsync(() => AnswersAsync(visitor), "the gateway answers", () => gateway.Errors);
            using Visitor alice = await world.SignedInAsync("alice");
            await alice.FetchAsync(HttpMethod.Post, "/api/documents/17/", null, ("Origin", "https://evil.example"));
            await gateway.SignalAsync("TERM");
            Assert.Equal(0, await gateway.ExitAsync());
            List<JsonElement> lines = [.. gateway.Output.Select(line => JsonDocument.Parse(line).RootElement)];
            Assert.Single(lines, line => Text(line, "category") == "Gateway.Audit" && Text(line, "action") == "sign_in");
            Assert.DoesNotContain(lines, line => Text(line, "@m").Contains("signed in at", StringComparison.Ordinal));
            Assert.Contains(lines, line => Text(line, "@m").Contains("cross_site", StringComparison.Ordinal));
        }

        settings["GATEWAY_AUDIT_LOG"] = AuditFile;
        (int exitCode, _, string errors) = await ProgramProcess.RunAsync(
            "Gateway",
            ["accounts", "unlink", "--issuer", world.Provider.Issuer.AbsoluteUri, "--subject", Person.Defaults.Single(one => one.Username == "alice").Subject],
            settings);
        Assert.True(exitCode == 0, errors);
        Assert.Equal("alice", Text(Assert.Single(Records(), Is("link_remove", "success")), "user"));
    }

    [Theory]
    [Needs(RealPart.Process)]
    [InlineData("GATEWAY_LOG_LEVEL", false)]
    [InlineData("Serilog__MinimumLevel__Default", true)]
    [InlineData("Serilog__MinimumLevel__Override__Gateway.SecurityLog", true)]
    public async Task Only_the_gateways_own_level_takes_security_events_from_the_console_and_none_takes_them_from_the_audit_stream(
        string variable, bool isOnConsole)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Dictionary<string, string?> settings = world.Settings();
        settings["ASPNETCORE_URLS"] = world.Origin;
        settings["GATEWAY_AUDIT_LOG"] = AuditFile;
        settings[variable] = "Error";
        await using ProgramProcess gateway = ProgramProcess.Start("Gateway", [], settings);
        using Visitor visitor = world.NewVisitor();
        await Wait.UntilAsync(() => AnswersAsync(visitor), "the gateway answers", () => gateway.Errors);
        using Visitor alice = await world.SignedInAsync("alice");
        await gateway.SignalAsync("TERM");
        Assert.Equal(0, await gateway.ExitAsync());

        Assert.Single(Records(), Is("sign_in", "success"));
        Assert.Equal(isOnConsole, gateway.Output.Any(line => line.Contains("\"SignedIn\"", StringComparison.Ordinal)));
    }

    private static async Task<bool> AnswersAsync(Visitor visitor)
    {
        try
        {
            await visitor.SendAsync(HttpMethod.Get, "/gateway/session");
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private Task<World> StartAsync(Action<WorldOptions>? configure = null) => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_AUDIT_LOG"] = AuditFile;
        configure?.Invoke(options);
    });

    private List<JsonElement> Records() =>
        File.Exists(AuditFile) ? [.. ReadAudit().Split('\n')[..^1].Select(line => JsonDocument.Parse(line).RootElement)] : [];

    /// <summary>For .NET the file is in use while the gateway writes to it; other programs do not ask for its lock.</summary>
    private string ReadAudit()
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                return File.ReadAllText(AuditFile);
            }
            catch (IOException) when (tries < 10_000)
            {
                Thread.Yield();
            }
        }
    }

    private static Predicate<JsonElement> Is(string action, string outcome) => record => Text(record, "action") == action && Text(record, "outcome") == outcome;

    private static string Text(JsonElement record, string field) => record.TryGetProperty(field, out JsonElement value) ? value.ToString() : "";
}
