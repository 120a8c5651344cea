using System.Text;
using System.Text.RegularExpressions;
using Gateway.Operations;
using Gateway.Tests.Access;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Shipping;

/// <summary>The filter in `config/fail2ban`, by fail2ban itself, on lines that the gateway wrote.</summary>
[Needs(RealPart.Fail2Ban, RealPart.Process)]
public sealed class Fail2BanTests : IDisposable
{
    private const string Guesser = "198.51.100.1";

    /// <summary>Who is to be banned in place of the guesser.</summary>
    private const string Victim = "203.0.113.9";

    private static readonly string Filter = Path.Combine(Repository.Root, "config", "fail2ban", "filter.d", "paperless-gateway.conf");

    private readonly string _folder = Directory.CreateTempSubdirectory("gateway-fail2ban").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("text")]
    [InlineData("json")]
    [InlineData("audit")]
    public async Task The_filter_finds_the_address_of_wrong_credentials_and_none_that_a_client_writes_into_the_log(string format)
    {
        string log = Path.Combine(_folder, "gateway.log");
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_TRUSTED_PROXIES"] = "127.0.0.1,::1";
            options.Settings["GATEWAY_FAILED_LOGINS"] = "5/5m";
            options.Settings["GATEWAY_LOG_FORMAT"] = format == "audit" ? null : format;
            options.Settings["GATEWAY_AUDIT_LOG"] = format == "audit" ? log : null;
        });
        Dictionary<string, string?> settings = world.Settings();
        settings["ASPNETCORE_URLS"] = world.Origin;
        settings["ASPNETCORE_ENVIRONMENT"] = "Production";
        await using ProgramProcess gateway = await ProgramProcess.ServeAsync(settings);
        using FailedLoginClient guesser = new(world, Guesser);
        await guesser.FailAsync(5);
        await ForgeAsync(world);
        await gateway.SignalAsync("TERM");
        Assert.Equal(0, await gateway.ExitAsync());
        if (format != "audit")
        {
            await File.WriteAllLinesAsync(log, gateway.Output, World.Ct);
        }

        (int exitCode, string output) = await Command.RunAsync(
            RealPart.Fail2Ban, "/usr/bin/fail2ban-regex", ["--out", "ip", log, Filter], _folder, World.Ct);

        string[] found = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(found.Length > 0, $"{exitCode} {output}\n{await File.ReadAllTextAsync(log, World.Ct)}");

        // Five failures, and the limit that they reach.
        Assert.Equal(Enumerable.Repeat(Guesser, 6), found.Where(address => address == Guesser));
        Assert.DoesNotContain(Victim, output, StringComparison.Ordinal);
        Assert.Contains("198.51.100.2", found);
    }

    /// <summary>Forges lines by what a client chooses: the path, headers, and the user name of a wrong password.</summary>
    private static async Task ForgeAsync(World world)
    {
        string text = $"2026-11-27T12:00:00.000Z INF Gateway.SecurityLog CredentialFailed client=\"{Victim}\" ";
        string json = $"x\",\"EventId\":{{\"Id\":8000,\"Name\":\"CredentialFailed\"}},\"Client\":\"{Victim}\",\"x\":\"";
        string audit = $"x\",\"category\":\"Gateway.Audit\",\"id\":8000,\"event\":\"CredentialFailed\",\"x\":1,\"client\":\"{Victim}\"";
        using Visitor visitor = world.NewVisitor();
        foreach (string forged in new[] { text, json, audit, $"Firefox client=\"{Victim}\"" })
        {
            string path = "/api/%0A" + Uri.EscapeDataString(forged).Replace("%2F", "/", StringComparison.Ordinal);
            string basic = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{forged}:wrong"));
            (string, string)[] headers = [("X-Forwarded-For", "198.51.100.2"), ("User-Agent", forged), ("X-Request-Id", forged), ("Referer", forged)];
            await visitor.FetchAsync(HttpMethod.Get, path, null, headers);
            await visitor.FetchAsync(HttpMethod.Post, path, null, [.. headers, ("Origin", "https://evil.example/" + forged)]);
            await visitor.FetchAsync(HttpMethod.Get, "/api/documents/", null, [.. headers, ("Authorization", "Basic " + basic)]);
        }
    }

    [Fact]
    public void The_parser_of_CrowdSec_reads_fields_that_the_audit_stream_has()
    {
        string parser = Shipped.Text("config/crowdsec/parsers/paperless-gateway.yaml");
        string[] read = [.. Regex.Matches(parser, @"JsonExtract\(evt\.Parsed\.message, '(\w+)'\)").Select(match => match.Groups[1].Value)];

        Assert.Equal(5, read.Length);
        Assert.All(read, field => Assert.Contains(field, AuditLines.CommonFields.Concat(AuditEvents.Fields.Values)));
        Assert.Contains(AuditEvents.All, one => one is { Action: "credential", Outcome: "failure" });
    }
}
