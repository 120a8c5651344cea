using System.Net;
using System.Text.RegularExpressions;
using Gateway.Apps;
using Gateway.StandIns.Provider;
using Gateway.Tests.Access;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.Metrics;

/// <summary>Each instrument of the gateway at `/metrics`, after the event that it counts.</summary>
public sealed partial class MetricsTests
{
    [Fact]
    public async Task A_session_is_counted_when_it_begins_while_it_lives_and_when_it_ends()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal(1, await world.MetricAsync("gateway_session_begun_total", ("gateway_session_kind", "browser")));
        Assert.Equal(1, await world.MetricAsync("gateway_session_live"));
        Assert.Equal(0, await world.MetricAsync("gateway_session_ended_total"));

        await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.Equal(1, await world.MetricAsync("gateway_session_ended_total", ("gateway_session_end", "signed_out")));
        Assert.Equal(0, await world.MetricAsync("gateway_session_live"));
    }

    [Fact]
    public async Task After_the_start_the_counters_that_alerts_ask_for_are_at_0()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        string[] codes = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.EndsWith("DeviceName.cs", StringComparison.Ordinal))
            .SelectMany(file => RefusalOfPaperless().Matches(File.ReadAllText(file)).Select(match => match.Groups["code"].Value))
            .Distinct()];
        Assert.Contains("paperless_token_refused", codes);

        foreach (string code in codes)
        {
            Assert.Equal((code, 0), (code, await world.MetricAsync("gateway_refusals_total", ("gateway_refusal_code", code))));
        }

        Assert.Equal(0, await SignInsAsync(world, "failed"));
        Assert.Equal(0, await world.MetricAsync("gateway_rechecks_total", ("gateway_recheck_answer", "none")));
        Assert.Equal(0, await world.MetricAsync("gateway_logout_tokens_total", ("gateway_logout_token_outcome", "refused")));
        Assert.Equal(0, await world.MetricAsync("gateway_credential_refusals_total", ("gateway_credential_kind", "password")));
    }

    [Fact]
    public async Task A_sign_in_is_counted_with_its_provider_and_as_signed_in()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal(1, await SignInsAsync(world, "signed_in"));
        Assert.Equal(1, await world.MetricAsync("gateway_sign_in_completed_total"));
    }

    [Fact]
    public async Task A_sign_in_against_a_rule_is_counted_as_refused_and_its_refusal_with_its_code()
    {
        await using World world = await ScrapedMetrics.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "chefs");
        using Visitor alice = world.NewVisitor();

        await alice.SignInAsync("alice");

        string code = CapturedLog.Value(Assert.Single(world.Log.Of("Refused")), "Code")!;
        Assert.Equal(1, await SignInsAsync(world, "refused"));
        Assert.Equal(1, await world.MetricAsync("gateway_refusals_total", ("gateway_refusal_code", code)));
    }

    [Fact]
    public async Task A_sign_in_that_must_choose_a_user_name_is_counted_as_asked_and_then_as_nothing_else()
    {
        await using World world = await ScrapedMetrics.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_AUTO_SIGNUP"] = null);
        world.Provider.Change(world.Provider.Find("alice")! with { Username = "somebody-new" });
        using Visitor visitor = world.NewVisitor();

        await visitor.SignInAsync("somebody-new");

        Assert.Equal(1, await SignInsAsync(world, "asked"));
        Assert.Equal(1, await world.MetricAsync("gateway_sign_in_completed_total"));
    }

    [Fact]
    public async Task A_sign_in_whose_code_the_provider_does_not_redeem_is_counted_as_failed()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor alice = world.NewVisitor();
        world.Provider.SignsInAs = "alice";
        RoundTrip trip = await RoundTrip.BeginAsync(alice);
        string callback = await trip.AnswerAsync();
        world.Provider.Outage = Outage.ServiceUnavailable;

        await trip.FinishAsync(callback);

        Assert.Equal(1, await SignInsAsync(world, "failed"));
    }

    [Fact]
    public async Task A_device_password_is_counted_when_it_is_made_and_by_the_outcome_of_each_use()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor app = world.NewVisitor();

        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/documents/", device)).Status);
        await app.GetAsync("/api/documents/", device with { Secret = device.Secret[..^1] });

        Assert.Equal(1, await world.MetricAsync("gateway_session_begun_total", ("gateway_session_kind", "device_password")));
        Assert.Equal(1, await DevicePasswordsAsync("accepted"));
        Assert.Equal(1, await DevicePasswordsAsync("refused"));

        Task<double?> DevicePasswordsAsync(string outcome) =>
            world.MetricAsync("gateway_device_password_uses_total", ("gateway_device_password_outcome", outcome));
    }

    [Fact]
    public async Task A_recheck_is_counted_by_the_answer_of_the_provider()
    {
        await using World world = await RecheckWorld.StartAsync(settings: ("GATEWAY_METRICS", "true"));
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.OpenAsync("/documents/2");
        await world.UntilCountedAsync(1, "gateway_rechecks_total", ("gateway_recheck_answer", "confirmed"));

        world.Provider.Outage = Outage.ServiceUnavailable;
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await alice.OpenAsync("/documents/2");
        await world.UntilCountedAsync(1, "gateway_rechecks_total", ("gateway_recheck_answer", "none"));
    }

    [Fact]
    public async Task A_logout_token_is_counted_as_accepted_or_refused()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        ProviderSession session = world.Provider.Sessions.Last(one => one.Username == "alice");

        using HttpResponseMessage refused = await world.SendLogoutAsync(session, BackChannel.Without("sid", "sub"));
        using HttpResponseMessage accepted = await world.SendLogoutAsync(session);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (refused.StatusCode, accepted.StatusCode));
        Assert.Equal(1, await world.MetricAsync("gateway_logout_tokens_total", ("gateway_logout_token_outcome", "refused")));
        Assert.Equal(1, await world.MetricAsync("gateway_logout_tokens_total", ("gateway_logout_token_outcome", "accepted")));
        Assert.Equal(1, await world.MetricAsync("gateway_session_ended_total", ("gateway_session_end", "ended_at_the_provider")));
    }

    [Fact]
    public async Task Wrong_credentials_and_the_attempts_that_they_block_are_counted_by_kind()
    {
        await using World world = await FailedLoginClient.StartWorldAsync(configure: options => options.Settings["GATEWAY_METRICS"] = "true");
        using FailedLoginClient guesser = new(world, "198.51.100.1");
        await guesser.FailAsync(10);
        await guesser.WithTokenAsync("wrong");

        Assert.Equal(10, await world.MetricAsync("gateway_credential_failures_total", ("gateway_credential_kind", "api_token")));
        Assert.Equal(1, await world.MetricAsync("gateway_credential_refusals_total", ("gateway_credential_kind", "api_token")));
    }

    [Fact]
    public async Task A_static_file_is_counted_as_fetched_as_found_in_memory_or_as_forwarded()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor visitor = world.NewVisitor();
        foreach (string address in new[] { "/static/base.css", "/static/base.css", "/static/base.css", "/static/base.css?v=1" })
        {
            await visitor.SendAsync(HttpMethod.Get, address);
        }

        Assert.Equal(1, await world.MetricAsync("gateway_static_cache_requests_total", ("gateway_static_cache_outcome", "miss")));
        Assert.Equal(2, await world.MetricAsync("gateway_static_cache_requests_total", ("gateway_static_cache_outcome", "hit")));
        Assert.Equal(1, await world.MetricAsync("gateway_static_cache_requests_total", ("gateway_static_cache_outcome", "forwarded")));
    }

    [Fact]
    public async Task A_WebSocket_is_counted_while_it_is_open()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        Assert.Equal(0, await world.MetricAsync("gateway_websocket_open"));
        using StatusSocket socket = await StatusSocket.OpenAsync(world, alice);
        await world.UntilCountedAsync(1, "gateway_websocket_open");

        await alice.OpenAsync("/accounts/logout/", "same-origin");
        await socket.ClosedWithAsync();

        await world.UntilCountedAsync(0, "gateway_websocket_open");
    }

    [Fact]
    public async Task An_operation_of_the_store_is_measured_and_a_failure_shows_that_the_store_is_unavailable()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        Assert.True(await world.MetricAsync("gateway_store_operation_duration_seconds_count", ("gateway_store_outcome", "answered")) > 0);
        Assert.Null(await world.MetricAsync("gateway_store_operation_duration_seconds_count", ("gateway_store_outcome", "unavailable")));
        Assert.Equal(1, await world.MetricAsync("gateway_store_available"));

        await Incidents.RenameTableAsync(world, "sessions", "gone");
        await Incidents.AskWithUnknownCookieAsync(world, alice);
        Assert.Equal(0, await world.MetricAsync("gateway_store_available"));
        Assert.True(await world.MetricAsync(
            "gateway_store_operation_duration_seconds_count",
            ("db_system_name", "sqlite"),
            ("gateway_store_outcome", "unavailable")) > 0);

        await Incidents.RenameTableAsync(world, "gone", "sessions");
        await Incidents.AskWithUnknownCookieAsync(world, alice);
        Assert.Equal(1, await world.MetricAsync("gateway_store_available"));
    }

    [Fact]
    public async Task Calls_to_Paperless_and_to_the_provider_are_measured_with_their_status()
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await alice.FetchAsync("/api/documents/9999/");

        Assert.True(await CallsAsync(world.Paperless.Address, "200") > 0);
        Assert.True(await CallsAsync(world.Paperless.Address, "404") > 0);
        Assert.True(await CallsAsync(world.Provider.Address, "200") > 0);

        Task<double?> CallsAsync(Uri server, string status) => world.MetricAsync(
            "http_client_request_duration_seconds_count",
            ("server_port", $"{server.Port}"),
            ("http_response_status_code", status));
    }

    [Theory]
    [InlineData("http_server_request_duration_seconds_count")]
    [InlineData("http_server_active_requests")]
    [InlineData("kestrel_active_connections")]
    [InlineData("dotnet_process_memory_working_set_bytes")]
    [InlineData("target_info")]
    public async Task The_meters_of_the_server_and_of_the_runtime_are_there(string metric)
    {
        await using World world = await ScrapedMetrics.StartAsync();
        using Visitor visitor = world.NewVisitor();
        await visitor.FetchAsync("/api/documents/");

        await Wait.UntilAsync(async () => await world.MetricAsync(metric) is not null, $"{metric} is there.");
    }

    private static Task<double?> SignInsAsync(World world, string outcome) =>
        world.MetricAsync("gateway_sign_in_completed_total", ("gateway_provider", "authentik"), ("gateway_sign_in_outcome", outcome));

    [GeneratedRegex("\"(?<code>paperless_[a-z_]+)\"")]
    private static partial Regex RefusalOfPaperless();
}
