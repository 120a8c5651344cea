using System.Net;
using System.Text.Json;
using Gateway.Operations;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;
using Serilog.Events;

namespace Gateway.Tests.Pages;

/// <summary>Each refusal is one log line, and no refusal is cached.</summary>
public sealed class RefusalLogTests
{
    /// <summary>The style sheet's address goes on with a hash of it.</summary>
    private const string Assets = "/gateway/assets/";

    /// <summary>The lines that say that a request was turned down; those of the access log are beside them.</summary>
    private static readonly string[] Refusals = ["Refused", "LogoutTokenRefused", "LogoutNotNow", "DisconnectNotFound", "RequestFailed"];

    /// <summary>The refusal comes before the body: a body that is on its way may break the connection before the answer is read.</summary>
    private static readonly (string Name, string Value)[] WaitsForAnswer = [("Expect", "100-continue")];

    private static readonly (string Name, string Value)[] Elsewhere = [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")];

    /// <summary>By whom, what, and what comes of it. The first word of each is the endpoint, as it is mapped, or what stands before the endpoints.</summary>
    private static IReadOnlyList<Row> Rows =>
    [
        new("/accounts/login/", Who.Unknown, "GET", "/accounts/login/", 503),
        new("/accounts/oidc/{providerId}/login/", Who.Nobody, "GET", "/accounts/oidc/other/login/", 404),
        new("/accounts/oidc/{providerId}/login/", Who.Nobody, "GET", "/accounts/oidc/authentik/login/", 403) {
            Headers = [("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")] },
        new("/accounts/oidc/{providerId}/login/", Who.Alice, "GET", "/accounts/oidc/authentik/login/?process=connect", 403) {
            Headers = [("Accept", "text/html"), .. Elsewhere] },
        new("callback", Who.Nobody, "GET", "/accounts/oidc/authentik/login/callback/?code=1&state=2", 400),
        new("callback", Who.Nobody, "POST", "/accounts/oidc/authentik/login/callback/", 405),
        new("/gateway/username", Who.Nobody, "POST", "/gateway/username", 400),
        new("/gateway/username", Who.Nobody, "POST", "/gateway/username", 400) { Form = "state=x&username=y" },
        new("/gateway/username", Who.Nobody, "POST", "/gateway/username", 400) { Form = new string('x', 70_000) },
        new("/gateway/account", Who.Nobody, "GET", "/gateway/account", 400),
        new("/accounts/logout/", Who.Alice, "GET", "/accounts/logout/", 403),
        new("/accounts/logout/", Who.Alice, "HEAD", "/accounts/logout/", 403),
        new("/accounts/logout/", Who.Alice, "DELETE", "/accounts/logout/", 404),
        new("/api/auth/logout/", Who.Local, "GET", "/api/auth/logout", 403),
        new("/admin/logout/", Who.Nobody, "GET", "/admin/logout/", 403),
        new("/gateway/session", Who.Nobody, "GET", "/gateway/session", 401),
        new("/gateway/session", Who.Unknown, "GET", "/gateway/session", 503),
        new("/gateway/session", Who.Nobody, "POST", "/gateway/session", 404),
        new("/gateway/check", Who.Nobody, "GET", "/gateway/check", 401),
        new("/gateway/check", Who.Alice, "GET", "/gateway/check", 403),
        new("/gateway/admin", Who.Nobody, "GET", "/gateway/admin", 401),
        new("/gateway/admin", Who.Alice, "GET", "/gateway/admin", 403),
        new("/gateway/admin", Who.Unknown, "GET", "/gateway/admin", 503),
        new("/gateway/admin/refusals", Who.Alice, "GET", "/gateway/admin/refusals", 403),
        new("/gateway/admin/settings", Who.Alice, "GET", "/gateway/admin/settings", 403),
        new("/gateway/admin/sessions", Who.Local, "GET", "/gateway/admin/sessions", 403),
        new("/gateway/admin/sessions/end", Who.Nobody, "GET", "/gateway/admin/sessions/end", 401),
        new("/gateway/admin/sessions/end", Who.Alice, "POST", "/gateway/admin/sessions/end", 403) { Headers = Elsewhere },
        new("/gateway/admin/sessions/end-all", Who.Alice, "POST", "/gateway/admin/sessions/end-all", 403),
        new("/gateway/admin/password-sessions", Who.Alice, "GET", "/gateway/admin/password-sessions", 403),
        new("/gateway/admin/password-sessions/end", Who.Alice, "POST", "/gateway/admin/password-sessions/end", 403),
        new("/gateway/admin/links", Who.Alice, "GET", "/gateway/admin/links", 403),
        new("/gateway/admin/links/remove", Who.Alice, "POST", "/gateway/admin/links/remove", 403),
        new("/gateway/admin/devices", Who.Alice, "GET", "/gateway/admin/devices", 403),
        new("/gateway/admin/devices/revoke", Who.Nobody, "POST", "/gateway/admin/devices/revoke", 401),
        new("/gateway/probe", Who.Nobody, "POST", "/gateway/probe", 413) { Form = new string('x', 3_000_000), Headers = WaitsForAnswer },
        new("/gateway/probe", Who.Nobody, "DELETE", "/gateway/probe", 404),
        new("/gateway/sessions", Who.Nobody, "GET", "/gateway/sessions", 401),
        new("/gateway/sessions", Who.Local, "GET", "/gateway/sessions", 404),
        new("/gateway/sessions/end", Who.Alice, "POST", "/gateway/sessions/end", 403) { Headers = Elsewhere },
        new("/gateway/sessions/end", Who.Nobody, "POST", "/gateway/sessions/end", 401),
        new("/gateway/sessions/end-all", Who.Local, "POST", "/gateway/sessions/end-all", 404),
        new("/gateway/sessions/end-all", Who.Alice, "GET", "/gateway/sessions/end-all", 404),
        new("/gateway/apps", Who.Nobody, "GET", "/gateway/apps", 401),
        new("/gateway/apps", Who.Unknown, "GET", "/gateway/apps", 503),
        new("/gateway/apps", Who.Local, "GET", "/gateway/apps", 403),
        new("/gateway/apps", Who.Alice, "POST", "/gateway/apps", 403) { Headers = Elsewhere },
        new("/gateway/apps", Who.Alice, "POST", "/gateway/apps", 400) { Form = "name=x&scope=y&days=0" },
        new("/gateway/apps/end", Who.Alice, "POST", "/gateway/apps/end", 403) { Headers = Elsewhere },
        new("/gateway/apps/end", Who.Nobody, "POST", "/gateway/apps/end", 401),
        new("/gateway/apps/end", Who.Alice, "GET", "/gateway/apps/end", 404),
        new("/accounts/oidc/{providerId}/logout/backchannel/", Who.Nobody, "POST", "/accounts/oidc/authentik/logout/backchannel/", 400) {
            Form = "logout_token=x" },
        new("/accounts/oidc/{providerId}/logout/backchannel/", Who.Nobody, "POST", "/accounts/oidc/other/logout/backchannel/", 400),
        new("/accounts/oidc/{providerId}/logout/frontchannel/", Who.Nobody, "GET", "/accounts/oidc/authentik/logout/frontchannel/", 400),
        new("/accounts/oidc/{providerId}/logout/frontchannel/", Who.Nobody, "GET", "/accounts/oidc/authentik/logout/frontchannel/", 403) {
            Headers = [("Sec-Fetch-Mode", "no-cors")] },
        new("/api/auth/headless/app/v1/config", Who.Unknown, "GET", "/api/auth/headless/app/v1/config", 503),
        new("/api/auth/headless/browser/v1/auth/provider/redirect", Who.Nobody, "POST", "/api/auth/headless/browser/v1/auth/provider/redirect", 400) {
            Form = "provider=other&process=login" },
        new("/api/auth/headless/browser/v1/auth/provider/redirect", Who.Nobody, "POST", "/api/auth/headless/browser/v1/auth/provider/redirect", 403) {
            Form = "provider=authentik&process=login", Headers = Elsewhere },
        new("/api/auth/headless/app/v1/auth/provider/token", Who.Nobody, "POST", "/api/auth/headless/app/v1/auth/provider/token", 400) { Form = "x=y" },
        new("/api/auth/headless/app/v1/auth/provider/token", Who.Nobody, "POST", "/api/auth/headless/app/v1/auth/provider/token", 403) {
            Headers = Elsewhere },
        new(Assets, Who.Nobody, "POST", "/gateway/assets/0.css", 404),
        new("{**path}", Who.Alice, "GET", "/gateway/nothing", 404),
        new("{**path}", Who.Alice, "GET", "/accounts/oidc/", 404),
        new("front door", Who.Nobody, "GET", "/a%2Fb", 400),
        new("front door", Who.Nobody, "TRACE", "/", 405),
        new("front door", Who.Nobody, "GET", "/api/documents/", 421) { Headers = [("Host", "evil.example")] },
        new("front door", Who.Nobody, "GET", "/gateway/session", 421) { Headers = [("Host", "docs.lan")] },
        new("forwarding", Who.Nobody, "GET", "/api/documents/", 401),
        new("forwarding", Who.Unknown, "GET", "/api/documents/", 503),
        new("forwarding", Who.Nobody, "GET", "/api/documents/", 401) { Headers = [("Authorization", "Bearer x")] },
        new("forwarding", Who.Nobody, "GET", "/x/admin/login/", 404),
        new("forwarding", Who.Nobody, "GET", "/accounts/signup/", 404),
        new("forwarding", Who.Nobody, "POST", "/accounts/login/", 413) { Form = new string('x', 3_000_000), Headers = WaitsForAnswer },
        new("forwarding", Who.Nobody, "POST", "/accounts/login/", 403) { Headers = Elsewhere },
        new("forwarding", Who.Alice, "PATCH", "/api/documents/1/", 403) { Headers = Elsewhere },
        new("forwarding", Who.Alice, "GET", "/api/faulty/", 502),
        new("disconnect", Who.Alice, "POST", "/api/profile/disconnect_social_account/", 400) { Form = "id=-999" },
        new("disconnect", Who.Alice, "POST", "/api/profile/disconnect_social_account/", 413) { Form = new string('x', 9000) },
    ];

    [Fact]
    public async Task Every_refusal_of_every_endpoint_is_one_log_line_whose_trace_id_the_answer_names()
    {
        StoreWatch watch = new();
        await using World world = await StartAsync(watch);
        using Fault faulty = world.Paperless.Faults.Drop(request => request.RawPath == "/api/faulty/");
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor local = await world.SignedInWithPasswordAsync("bob");
        using Visitor nobody = world.NewVisitor();
        List<string> wrong = [];
        foreach (Row row in Rows)
        {
            Visitor visitor = row.Who switch { Who.Alice => alice, Who.Local => local, _ => nobody };
            HashSet<LogEvent> before = [.. world.Log.Events];
            watch.Unavailable = row.Who == Who.Unknown ? "FindAsync" : null;
            (string, string)[] unknown = row.Who == Who.Unknown
                ? [("Cookie", "paperless-gateway=" + Gateway.Sessions.SessionSecret.Create().ToCookieValue())]
                : [];
            using StringContent? form = row.Form is null ? null : new(row.Form, System.Text.Encoding.ASCII, "application/x-www-form-urlencoded");

            Page page = await visitor.SendAsync(new HttpMethod(row.Method), row.Path, form, [.. unknown, .. row.Headers]);

            watch.Unavailable = null;
            LogEvent[] lines = [.. world.Log.Events.Where(entry => !before.Contains(entry) && Refusals.Any(name => world.Log.Of(name).Contains(entry)))];
            string[] found = [.. lines.Select(line => CapturedLog.Value(line, "TraceId"))];
            if ((int)page.Status != row.Status || found.Length != 1 || page.Header("Cache-Control") != "no-store"
                || (TraceId(page) is { } told && told != found[0]))
            {
                wrong.Add($"{row.Who}: {row.Method} {row.Path} was {(int)page.Status}, {page.Header("Cache-Control")}, told {TraceId(page)}, logged "
                    + $"{string.Join(',', found)}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>As a page and as problem details. <see cref="Visitor"/> checks every other refusal of the tests as well.</summary>
    [Fact]
    public async Task No_refusal_has_a_variable_a_command_or_a_subject_in_the_part_for_the_person()
    {
        StoreWatch watch = new();
        await using World world = await StartAsync(watch);
        using Fault faulty = world.Paperless.Faults.Drop(request => request.RawPath == "/api/faulty/");
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor local = await world.SignedInWithPasswordAsync("bob");
        using Visitor nobody = world.NewVisitor();
        int checkedPages = 0;

        // A connection does not live on after a body that was too large.
        Row[] rows = [.. Rows.Where(row => row.Form is not { Length: > 100_000 })];
        foreach (Row row in rows)
        {
            Visitor visitor = row.Who switch { Who.Alice => alice, Who.Local => local, _ => nobody };
            watch.Unavailable = row.Who == Who.Unknown ? "FindAsync" : null;
            (string, string)[] unknown = row.Who == Who.Unknown
                ? [("Cookie", "paperless-gateway=" + Gateway.Sessions.SessionSecret.Create().ToCookieValue())]
                : [];
            foreach ((string, string)[] accept in new (string, string)[][] { [], [("Accept", "text/html")] })
            {
                using StringContent? form = row.Form is null ? null : new(row.Form, System.Text.Encoding.ASCII, "application/x-www-form-urlencoded");
                (string, string)[] headers = [.. accept.Where(_ => !row.Headers.Any(header => header.Name == "Accept")), .. unknown, .. row.Headers];

                Page page = await visitor.SendAsync(new HttpMethod(row.Method), row.Path, form, headers);

                checkedPages += WordsOfPages.IsRefusal(page) ? 1 : 0;
                WordsOfPages.AssertPersonsPartIsPlain(page, world.Origin);
            }

            watch.Unavailable = null;
        }

        Assert.InRange(checkedPages, rows.Length, int.MaxValue);
    }

    /// <summary>An endpoint that is new has to be in the table.</summary>
    [Fact]
    public async Task The_table_of_refusals_covers_every_endpoint()
    {
        await using World world = await StartAsync(new StoreWatch());
        string[] mapped = [.. world.Gateway.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Select(endpoint => endpoint.RoutePattern.RawText!)
            .Distinct()];

        Assert.True(mapped.Length >= 13, string.Join(", ", mapped));
        Assert.All(
            mapped,
            pattern => Assert.Contains(Rows, row => row.Endpoint == pattern || (row.Endpoint == Assets && pattern.StartsWith(Assets,
                StringComparison.Ordinal))));
    }

    [Fact]
    public async Task A_poll_without_a_session_logs_no_warning()
    {
        await using World world = await World.StartAsync();
        using Visitor nobody = world.NewVisitor();

        await nobody.FetchAsync("/gateway/session");
        await nobody.FetchAsync("/gateway/sessions");
        await nobody.FetchAsync("/api/tasks/");
        await nobody.FetchAsync(HttpMethod.Get, "/api/tasks/", null, ("Authorization", "Negotiate x"));

        Assert.Equal(
            [LogEventLevel.Information, LogEventLevel.Information, LogEventLevel.Information, LogEventLevel.Warning],
            world.Log.Of("Refused").Select(line => line.Level));
    }

    [Fact]
    public async Task A_refusal_on_the_management_address_is_one_log_line()
    {
        await using World world = await World.StartAsync();
        using HttpClient monitor = new() { BaseAddress = world.Gateway.Management };

        HttpResponseMessage unknown = await monitor.GetAsync(new Uri("/metrics", UriKind.Relative), World.Ct);
        using Fault away = world.Paperless.Faults.Drop(_ => true);
        HttpResponseMessage unready = await monitor.GetAsync(new Uri(ManagementServer.ReadyPath, UriKind.Relative), World.Ct);

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.ServiceUnavailable), (unknown.StatusCode, unready.StatusCode));
        Assert.Equal("/metrics", CapturedLog.Value(Assert.Single(world.Log.Of("ManagementPathUnknown")), "Path"));
        LogEvent line = Assert.Single(world.Log.Of("NotReady"));
        Assert.StartsWith("paperless: ", CapturedLog.Value(line, "Reasons"), StringComparison.Ordinal);
        Assert.Equal(LogEventLevel.Warning, line.Level);
    }

    [Fact]
    public async Task The_gateways_own_pages_and_redirects_are_never_cached()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor stranger = world.NewVisitor();
        List<Page> pages =
        [
            await stranger.OpenAsync("/accounts/login/"),
            await stranger.OpenAsync("/dashboard"),
            await stranger.OpenAsync("/accounts/oidc/authentik/login/"),
            await stranger.OpenAsync("/accounts/logout/"),
            await stranger.OpenAsync("/gateway/session"),
            await alice.OpenAsync("/accounts/login/"),
            await alice.OpenAsync("/accounts/oidc/authentik/login/"),
            await alice.OpenAsync("/gateway/session"),
            await alice.FetchAsync("/gateway/session"),
            await alice.OpenAsync("/gateway/sessions"),
            await alice.FetchAsync("/gateway/sessions"),
            await alice.OpenAsync("/gateway/nothing"),
            await alice.OpenAsync("/accounts/logout/", "cross-site"),
            await alice.SendAsync(HttpMethod.Head, "/gateway/session"),
            await alice.FetchAsync(HttpMethod.Post, "/gateway/sessions/end", new FormUrlEncodedContent([])),
            await alice.OpenAsync("/accounts/logout/", "same-origin"),
        ];

        Assert.All(pages, page => Assert.Equal(("no-store", page.Address), (page.Header("Cache-Control"), page.Address)));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/docs")]
    public async Task The_redirect_to_the_script_name_is_never_cached(string path)
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync(path);

        Assert.Equal((HttpStatusCode.Redirect, "no-store"), (page.Status, page.Header("Cache-Control")));
    }

    private static Task<World> StartAsync(StoreWatch watch) => World.StartAsync(options =>
    {
        options.Settings["PAPERLESS_ALLOWED_HOSTS"] = "docs.lan";
        options.Services = watch.Install;
    });

    private static string? TraceId(Page page)
    {
        if (page.Text.StartsWith('{'))
        {
            JsonElement problem = JsonDocument.Parse(page.Text).RootElement;
            return problem.TryGetProperty("traceId", out JsonElement id) || problem.TryGetProperty("trace_id", out id) ? id.GetString() : null;
        }

        return GatewayPages.TraceId(page) is { Length: > 0 } shown ? shown : null;
    }

    private enum Who
    {
        Nobody,
        Alice,

        /// <summary>Signed in with a password of Paperless's.</summary>
        Local,

        /// <summary>With a cookie that the store, which does not answer, would have to know.</summary>
        Unknown,
    }

    private sealed record Row(string Endpoint, Who Who, string Method, string Path, int Status)
    {
        public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

        public string? Form { get; init; }
    }
}
