using System.Net;
using System.Text.Json;
using Gateway.Forwarding;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Serilog.Events;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Tests.Pages;

public sealed class RefusalPageTests
{
    [Fact]
    public async Task An_ambiguous_path_gets_a_400_page() =>
        await IsRefusedAsync(400, "path_ambiguous", "Malformed address", "/documents/%2F2", retries: false);

    [Fact]
    public async Task An_unknown_path_of_the_gateway_gets_a_404_page() =>
        await IsRefusedAsync(404, "not_found", "Not found", "/gateway/nothing-here", retries: false);

    [Fact]
    public async Task An_unknown_path_that_looks_like_a_file_gets_a_404_page() =>
        await IsRefusedAsync(404, "not_found", "Not found", "/gateway/assets/old.css", retries: false);

    [Fact]
    public async Task A_closed_path_gets_a_404_page() => await IsRefusedAsync(
        404, "closed", "Closed here", "/accounts/signup/", retries: false, options => options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true");

    [Fact]
    public async Task While_Paperless_is_unavailable_a_person_gets_a_502_page_that_retries() =>
        await IsRefusedAsync(
            502,
            "paperless_away",
            "Paperless does not answer",
            "/documents/1",
            retries: true,
            prepare: world => world.Paperless.Faults.Drop(_ => true));

    [Fact]
    public async Task A_slow_Paperless_gives_a_504_page() => await IsRefusedAsync(
        504,
        "paperless_slow",
        "Paperless takes too long",
        "/documents/1",
        retries: false,
        options => options.Services = services => services.AddSingleton(new ForwardingTimeouts(TimeSpan.FromMilliseconds(200))),
        world => world.Paperless.Faults.Hold(_ => true));

    [Fact]
    public async Task While_the_provider_is_unavailable_a_sign_in_gets_a_503_page_that_retries()
    {
        await using World world = await World.StartAsync();
        world.Provider.Outage = Outage.DropsConnections;
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/oidc/authentik/login/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        GatewayPages.IsOne(page, "The provider does not answer");
        Assert.Equal(("5", "5"), (page.Header("Retry-After"), page.Header("Refresh")));
        IsInTheLog(world, page);
    }

    [Fact]
    public async Task An_internal_error_gives_a_500_page_and_the_log_has_the_reason()
    {
        await using World world = await World.StartAsync(options => options.Services = services => services.AddSingleton<IHttpForwarder, BrokenForwarder>());
        using Visitor alice = world.NewVisitor();
        await alice.SignInAsync("alice");

        Page page = await alice.OpenAsync("/documents/1");

        Assert.Equal(HttpStatusCode.InternalServerError, page.Status);
        GatewayPages.IsOne(page, "Something went wrong");
        Assert.DoesNotContain(BrokenForwarder.Reason, page.Text, StringComparison.Ordinal);
        LogEvent logged = Assert.Single(world.Log.Of("RequestFailed"), entry => CapturedLog.Value(entry, "TraceId") == GatewayPages.TraceId(page));
        Assert.Equal(BrokenForwarder.Reason, logged.Exception?.Message);
        await world.Log
            .WaitForAsync("Request", entry => CapturedLog.Value(entry, "TraceId") == GatewayPages.TraceId(page) && CapturedLog.Value(entry, "Status") == "500");
    }

    [Fact]
    public async Task While_the_store_is_unavailable_a_signed_in_person_is_not_sent_to_the_sign_in()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.RestartGatewayAsync();
        Database database = world.Gateway.Services.GetRequiredService<Database>();
        await RenameAsync(database, "sessions", "away");

        foreach (string path in (string[])["/documents/1", "/accounts/login/", "/accounts/oidc/authentik/login/", "/gateway/session"])
        {
            Page page = await alice.OpenAsync(path);

            Assert.Equal((HttpStatusCode.ServiceUnavailable, "5"), (page.Status, page.Header("Refresh")));
            GatewayPages.IsOne(page, "One moment, please");
        }

        await RenameAsync(database, "away", "sessions");
        Assert.Equal(HttpStatusCode.OK, (await alice.OpenAsync("/documents/1")).Status);
    }

    private static Task<int> RenameAsync(Database database, string from, string to) => database.WriteAsync(
        connection =>
        {
            using Microsoft.Data.Sqlite.SqliteCommand rename = connection.CreateCommand();
#pragma warning disable CA2100 // The test's own constants.
            rename.CommandText = $"ALTER TABLE {from} RENAME TO {to};";
#pragma warning restore CA2100
            return rename.ExecuteNonQuery();
        },
        World.Ct);

    private sealed class BrokenForwarder : IHttpForwarder
    {
        public const string Reason = "The reason that only the log tells.";

        public ValueTask<ForwarderError> SendAsync(
            HttpContext context,
            string destinationPrefix,
            HttpMessageInvoker httpClient,
            ForwarderRequestConfig requestConfig,
            HttpTransformer transformer) =>
            throw new InvalidOperationException(Reason);
    }

    [Fact]
    public async Task A_request_to_another_host_that_is_not_a_navigation_gets_421()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page script = await stranger.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Host", "evil.example"));
        Page form = await stranger.SendAsync(HttpMethod.Post, "/", null, ("Host", "evil.example"), ("Accept", "text/html"));

        Assert.Equal((HttpStatusCode)421, script.Status);
        IsProblem(script, 421, "host_unknown");
        Assert.Equal((HttpStatusCode)421, form.Status);
        GatewayPages.IsOne(form, "Unknown host");
    }

    [Fact]
    public async Task A_cross_site_form_gets_a_403_page()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.SendAsync(
            HttpMethod.Post,
            "/api/documents/1/",
            new FormUrlEncodedContent([]),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"),
            ("Origin", "https://evil.example"));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        GatewayPages.IsOne(page, "Not from another site");
        IsInTheLog(world, page);
    }

    [Fact]
    public async Task A_person_who_is_not_allowed_is_told_why_and_can_sign_in_as_another_person()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "paperless-admins");
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        GatewayPages.IsOne(page, "No access");
        Assert.Contains("prompt=login", page.Text, StringComparison.Ordinal);
        IsInTheLog(world, page);
    }

    [Fact]
    public async Task The_providers_error_text_is_quoted_and_escaped()
    {
        await using World world = await World.StartAsync();
        world.Provider.NextAuthorizeError = new ProviderError("access_denied", "<script>alert(1)</script>" + new string('x', 400));
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        GatewayPages.IsOne(page, "The provider refused");
        Assert.Contains("access_denied", page.Text, StringComparison.Ordinal);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(new string('x', 300), page.Text, StringComparison.Ordinal);
        IsInTheLog(world, page);
    }

    [Fact]
    public async Task An_error_page_does_not_repeat_the_refused_path()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/gateway/%3Cscript%3Ealert(1)%3C/script%3E");

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        GatewayPages.IsOne(page, "Not found");
    }

    private static async Task IsRefusedAsync(
        int status, string code, string title, string path, bool retries, Action<WorldOptions>? configure = null, Func<World, Fault>? prepare = null)
    {
        await using World world = await World.StartAsync(configure);
        using Visitor alice = world.NewVisitor();
        if (prepare is not null)
        {
            await alice.SignInAsync("alice");
        }

        using Fault? fault = prepare?.Invoke(world);

        Page page = await alice.OpenAsync(path, "same-origin");
        Page script = await alice.FetchAsync(path);
        Page head = await alice.SendAsync(HttpMethod.Head, path, null, ("Accept", "text/html"));

        Assert.Equal((HttpStatusCode)status, page.Status);
        GatewayPages.IsOne(page, title);
        IsInTheLog(world, page);
        Assert.Equal((HttpStatusCode)status, script.Status);
        IsProblem(script, status, code);
        Assert.Equal(((HttpStatusCode)status, ""), (head.Status, head.Text));

        // A page tries again by itself, a script is told when.
        Assert.Equal(retries ? "5" : null, page.Header("Refresh"));
        Assert.Equal(retries ? "5" : null, script.Header("Retry-After"));
        Assert.Null(script.Header("Refresh"));
    }

    private static void IsProblem(Page page, int status, string code)
    {
        Assert.Equal("application/problem+json", page.Header("Content-Type"));
        Assert.Equal("no-store", page.Header("Cache-Control"));
        Assert.Equal("nosniff", page.Header("X-Content-Type-Options"));
        JsonElement problem = JsonDocument.Parse(page.Text).RootElement;
        Assert.Equal(
            ["type", "title", "status", "detail", "code", "traceId"],
            problem.EnumerateObject().Select(property => property.Name).Where(name => name != "operator"));
        Assert.Equal((status, code), (problem.GetProperty("status").GetInt32(), problem.GetProperty("code").GetString()));
    }

    private static void IsInTheLog(World world, Page page)
    {
        string traceId = GatewayPages.TraceId(page);
        Assert.NotEqual("", traceId);
        LogEvent refused = Assert.Single(world.Log.Of("Refused"), entry => CapturedLog.Value(entry, "TraceId") == traceId);
        Assert.Equal(((int)page.Status).ToString(System.Globalization.CultureInfo.InvariantCulture), CapturedLog.Value(refused, "Status"));
        Assert.Equal("Gateway.SecurityLog", CapturedLog.Value(refused, "SourceContext"));
    }
}
