using System.Net;
using System.Text.RegularExpressions;
using Gateway.Sessions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Admin;

/// <summary>What the admin pages show.</summary>
public sealed partial class AdminListTests
{
    private const string Sessions = AdminWorld.Path + "/sessions";

    [Fact]
    public async Task The_overview_shows_the_health_of_the_gateway()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page healthy = await alice.OpenAsync(AdminWorld.Path);
        await world.Provider.DisposeAsync();
        world.Clock.Advance(TimeSpan.FromMinutes(1));
        Page degraded = await alice.OpenAsync(AdminWorld.Path);

        Assert.Contains("Health: ready", healthy.Text, StringComparison.Ordinal);
        Assert.Contains("<dt>provider authentik</dt>", healthy.Text, StringComparison.Ordinal);
        Assert.Contains("Health: degraded", degraded.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_superuser_reads_the_pages_in_the_own_language()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice", userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
        alice.Cookies.Add(new Uri(world.Origin), new Cookie("django_language", "de"));

        Page overview = await alice.OpenAsync(AdminWorld.Path);
        Page sessions = await alice.OpenAsync(Sessions);
        Page refusals = await alice.OpenAsync(AdminWorld.Path + "/refusals");

        Assert.Contains("<p>Die letzten 200 Arten von Ablehnungen", refusals.Text, StringComparison.Ordinal);
        Assert.Contains("<h2 id=\"health\">Zustand: bereit</h2>", overview.Text, StringComparison.Ordinal);
        Assert.Contains("<dd>Firefox unter Linux</dd>", sessions.Text, StringComparison.Ordinal);
        Assert.Matches("<dt>Angemeldet</dt>\\s*<dd><time datetime=\"[^\"]+\">\\d+\\. [^<]+ \\d{4}, \\d\\d:\\d\\d UTC</time></dd>", sessions.Text);
    }

    [Fact]
    public async Task A_list_of_sessions_in_SQLite_has_pages_of_100_and_a_search() => await AssertPagesAsync(redisUrl: null);

    [Fact]
    [Needs(RealPart.Redis)]
    public async Task A_list_of_sessions_in_Redis_has_pages_of_100_and_a_search()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await AssertPagesAsync(redis.Url);
    }

    [Fact]
    public async Task Refusals_are_listed_with_code_path_template_address_and_trace_id_and_repeated_ones_are_counted()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor stranger = world.NewVisitor();
        for (int id = 11; id <= 13; id++)
        {
            await stranger.FetchAsync($"/api/documents/{id}/?secret=hush");
        }

        await stranger.OpenAsync("/gateway/a1b2c3d4e5f6a7b8c9d0e1f2");
        Page page = await alice.OpenAsync(AdminWorld.Path + "/refusals");

        Serilog.Events.LogEvent last = world.Log.Of("Refused").Last(line => CapturedLog.Value(line, "Path") == "/api/documents/{id}/");
        Assert.Contains("<dd>GET /api/documents/{id}/</dd>", page.Text, StringComparison.Ordinal);
        Assert.Contains("<dd>3</dd>", page.Text, StringComparison.Ordinal);
        Assert.Contains(CapturedLog.Value(last, "TraceId"), page.Text, StringComparison.Ordinal);
        Assert.Contains("<dd>GET /gateway/…</dd>", WebUtility.HtmlDecode(page.Text), StringComparison.Ordinal);
        Assert.Matches("<dt>From</dt>\\s*<dd>(127\\.0\\.0\\.1|::1)</dd>", page.Text);
        Assert.DoesNotContain("hush", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("a1b2c3d4", page.Text, StringComparison.Ordinal);
        Assert.Contains("kinds of refusals by this gateway since its start.", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_gateway_remembers_the_last_200_kinds_of_refusals()
    {
        await using World world = await AdminWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor stranger = world.NewVisitor();
        for (int number = 1; number <= 201; number++)
        {
            await stranger.OpenAsync($"/gateway/x{number}");
        }

        Page first = await alice.OpenAsync(AdminWorld.Path + "/refusals?search=%2Fgateway%2Fx");
        Page second = await alice.OpenAsync(AdminWorld.Path + "/refusals?search=%2Fgateway%2Fx&page=2");

        Assert.Contains("200 entries", first.Text, StringComparison.Ordinal);
        Assert.Contains("/gateway/x201<", first.Text, StringComparison.Ordinal);
        Assert.Contains("/gateway/x2<", second.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("/gateway/x1<", first.Text + second.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_configuration_is_shown_without_any_secret()
    {
        await using World world = await AdminWorld.StartAsync(options =>
        {
            options.Settings["GATEWAY_GROUP_MAP"] = """{"clerks": "Office"}""";
            options.Settings["PAPERLESS_ADMIN_USER"] = "admin";
            options.Settings["PAPERLESS_ADMIN_PASSWORD"] = "hush-password";
            options.Settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1/?api-key=hush-query";
        });
        using Visitor alice = await world.SignedInAsync("alice");

        string text = WebUtility.HtmlDecode((await alice.OpenAsync(AdminWorld.Path + "/settings")).Text);

        Assert.Contains("""{"clerks": "Office"}""", text, StringComparison.Ordinal);
        Assert.Contains(world.Origin, text, StringComparison.Ordinal);
        Assert.Contains($"\"client_id\": \"{world.Provider.Options.ClientId}\"", text, StringComparison.Ordinal);
        Assert.Contains("\"secret\": \"(set)\"", text, StringComparison.Ordinal);
        Assert.Contains("PAPERLESS_ADMIN_PASSWORD", text, StringComparison.Ordinal);
        Assert.All(
            ["hush-password", "hush-query", world.Provider.Options.ClientSecret, world.Paperless.Data.TokenOf(World.GatewayUser)],
            secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
    }

    private static async Task AssertPagesAsync(string? redisUrl)
    {
        await using World world = await AdminWorld.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redisUrl);
        using Visitor alice = await world.SignedInAsync("alice");
        SessionRegistry sessions = world.Gateway.Services.GetRequiredService<SessionRegistry>();
        for (int number = 1; number <= 150; number++)
        {
            world.Clock.Advance(TimeSpan.FromMilliseconds(10));
            string name = $"person-{number}";
            Identity identity = new("authentik", "https://sso.example", name, number, name, false, null, null, [], null);
            await sessions.BeginAsync(new NewSession(identity, new ProviderTokens("e30.e30."), name, null, world.Clock.GetUtcNow()), World.Ct);
        }

        string[] first = Names(await alice.OpenAsync(Sessions));
        string[] second = Names(await alice.OpenAsync(Sessions + "?page=2"));
        Page beyond = await alice.OpenAsync(Sessions + "?page=999999999");
        Page found = await alice.OpenAsync(Sessions + "?search=PERSON-99");

        Assert.Equal((100, 51), (first.Length, second.Length));
        Assert.Equal(151, first.Concat(second).Distinct().Count());
        Assert.True(Array.IndexOf(first, "person-150") < Array.IndexOf(first, "person-149"));
        Assert.Empty(Names(beyond));
        Assert.Equal(["person-99"], Names(found));
    }

    private static string[] Names(Page page) => [.. Title().Matches(page.Text).Select(match => match.Groups["name"].Value)];

    [GeneratedRegex("<h2 id=\"row-\\d+\">(?<name>[^<]*)</h2>")]
    private static partial Regex Title();
}
