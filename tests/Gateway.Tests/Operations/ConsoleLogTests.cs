using System.Net;
using System.Text.Json;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

[Needs(RealPart.Process)]
public sealed class ConsoleLogTests
{
    private static readonly string[] OfARequest =
    [
        "@i", "@m", "@t", "Agent", "Client", "EventId", "Method", "Ms", "Path", "Session", "SourceContext", "Status", "TraceId", "UpstreamMs", "User",
    ];

    [Fact]
    public async Task In_production_each_request_is_logged_as_one_JSON_line_with_the_documented_fields()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using ProgramProcess gateway = await ServeAsync(world, "Production");
        using Visitor alice = await world.SignedInAsync("alice");
        Page share = await alice.SendAsync(HttpMethod.Get, "/share/sEcretSlug1?token=sEcretQuery");
        await alice.SendAsync(HttpMethod.Get, "/accounts/password/reset/key/sEcretKey2/");
        await alice.SendAsync(HttpMethod.Get, "/accounts/confirm-email/sEcretKey3/");
        await alice.SendAsync(HttpMethod.Get, "/evil%0A%7B%22Path%22:1%7D%0D%1B[2J", null, ("User-Agent", "sEcretAgent"), ("Referer", "/sEcretReferer"));
        await alice.FetchAsync(HttpMethod.Post, "/api/documents/", null, ("Origin", "https://evil.example"));
        Page profile = await alice.FetchAsync("/api/profile/?sEcretQuery=1");
        string cookie = alice.Cookie("paperless-gateway")!;
        await alice.NavigateAsync("/accounts/logout/", "same-origin");
        await gateway.SignalAsync("TERM");
        Assert.Equal(0, await gateway.ExitAsync());

        List<JsonElement> lines = [.. gateway.Output.Select(line => JsonDocument.Parse(line).RootElement)];
        List<JsonElement> requests = [.. lines.Where(line => Text(line, "SourceContext") == "Gateway.AccessLog")];
        Assert.All(
            requests,
            line => Assert.Equal(
                OfARequest,
                line.EnumerateObject().Select(property => property.Name).Append("Session").Distinct().Order(StringComparer.Ordinal)));
        JsonElement asked = Assert.Single(requests, line => Text(line, "Path") == "/api/profile/");
        Assert.Equal(("GET", "alice", 200), (Text(asked, "Method"), Text(asked, "User"), asked.GetProperty("Status").GetInt32()));
        Assert.True(asked.GetProperty("Ms").GetDouble() >= asked.GetProperty("UpstreamMs").GetDouble());
        Assert.True(asked.GetProperty("UpstreamMs").GetDouble() > 0);
        Assert.Contains(requests, line => Text(line, "Path") == "/gateway/session" && line.GetProperty("UpstreamMs").ValueKind == JsonValueKind.Null);
        Assert.All(
            ["/share/…", "/accounts/password/reset/key/…", "/accounts/confirm-email/…"],
            path => Assert.Contains(requests, line => Text(line, "Path") == path));
        Assert.Contains(requests, line => Text(line, "Path") == "/evil\n{\"Path\":1}\r\u001b[2J");

        // What concerns security stands apart by its context.
        string?[] security = [.. lines.Where(line => Text(line, "SourceContext") == "Gateway.SecurityLog")
            .Select(line => Text(line.GetProperty("EventId"), "Name"))];
        Assert.All(["SignedIn", "Refused", "SessionEnded"], name => Assert.Contains(name, security));

        string whole = string.Join('\n', gateway.Output) + gateway.Errors;
        Assert.All(
            ["sEcret", cookie, world.Provider.Options.ClientSecret, "code=", "eyJ", "sessionid", "state="],
            secret => Assert.DoesNotContain(secret, whole, StringComparison.Ordinal));
        Assert.Equal("", gateway.Errors.Trim());
        Assert.Equal(HttpStatusCode.OK, profile.Status);
        Assert.NotNull(share);
    }

    [Fact]
    public async Task In_development_the_log_is_text_and_no_logged_value_can_start_a_new_line()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using ProgramProcess gateway = await ServeAsync(world, "Development");
        using Visitor alice = await world.SignedInAsync("alice");
        await alice.SendAsync(HttpMethod.Get, "/evil%0A12:00:00%20INF%20Gateway.SecurityLog%20forged", null, ("User-Agent", "agent"));
        await gateway.SignalAsync("TERM");
        Assert.Equal(0, await gateway.ExitAsync());

        Assert.Contains(gateway.Output, line => line.Contains("Gateway.SecurityLog", StringComparison.Ordinal)
            && line.Contains("\"alice\" signed in at \"authentik\"", StringComparison.Ordinal));
        Assert.Contains(
            gateway.Output,
            line => line.Contains("\"GET\" \"/accounts/oidc/authentik/login/callback/\" 302", StringComparison.Ordinal));
        Assert.DoesNotContain(gateway.Output, line => line.StartsWith("12:00:00 INF Gateway.SecurityLog forged", StringComparison.Ordinal));
        Assert.All(gateway.Output, line => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]{3} \S+ ", line));
    }

    private static async Task<ProgramProcess> ServeAsync(World world, string environment)
    {
        Dictionary<string, string?> settings = world.Settings();
        settings["ASPNETCORE_URLS"] = world.Origin;
        settings["ASPNETCORE_ENVIRONMENT"] = environment;
        ProgramProcess gateway = await ProgramProcess.ServeAsync(settings);
        using Visitor visitor = world.NewVisitor();
        await visitor.SendAsync(HttpMethod.Get, "/gateway/session");
        return gateway;
    }

    private static string? Text(JsonElement line, string property) => line.TryGetProperty(property, out JsonElement value) ? value.ToString() : null;
}
