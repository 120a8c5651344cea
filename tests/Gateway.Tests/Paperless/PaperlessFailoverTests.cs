using System.Net;
using Gateway.Paperless;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Paperless;

/// <summary>The gateway's own requests to Paperless when one of two replicas fails.</summary>
public sealed class PaperlessFailoverTests
{
    [Fact]
    public async Task A_sign_out_ends_the_Paperless_session_through_the_second_replica()
    {
        await using World world = await WithTwoAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        Assert.NotEmpty(world.Paperless.Data.SessionsOf("alice"));
        using Fault first = FailOnce(world, "/accounts/logout/");

        await alice.OpenAsync("/accounts/logout/", "same-origin");

        Assert.Empty(world.Paperless.Data.SessionsOf("alice"));
        Assert.Empty(world.Log.Of("PaperlessSessionNotEnded"));
        AssertReportedOnce(world, first);
    }

    [Fact]
    public async Task The_owner_of_a_password_session_is_looked_up_at_the_second_replica()
    {
        await using World world = await WithTwoAsync();
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");
        using Fault first = FailOnce(world, "/api/ui_settings/");

        Page page = await alice.SessionAsync();

        Assert.Contains("alice", page.Text, StringComparison.Ordinal);
        AssertReportedOnce(world, first);
    }

    [Fact]
    public async Task A_profile_is_read_from_the_second_replica()
    {
        await using World world = await WithTwoAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        AccountLink link = Assert.Single(await world.Gateway.Services.GetRequiredService<IAccountLinkStore>().ListAllAsync(World.Ct));
        using Fault first = FailOnce(world, "/api/profile/");

        Page page = await alice.FetchAsync(HttpMethod.Post, "/api/profile/disconnect_social_account/", PaperlessClient.Json($$"""{"id":{{-link.Id}}}"""));

        Assert.Equal((HttpStatusCode.OK, $"{-link.Id}"), (page.Status, page.Text));
        AssertReportedOnce(world, first);
    }

    [Fact]
    public async Task A_credential_is_checked_at_the_second_replica()
    {
        await using World world = await WithTwoAsync();
        using Visitor program = world.NewVisitor();
        using Fault first = FailOnce(world, "/api/profile/");

        Page page = await program.SendAsync(
            HttpMethod.Post,
            "/api/documents/post_document/",
            new ByteArrayContent(new byte[3_000_000]),
            ("Authorization", "Token made-up"));

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        AssertReportedOnce(world, first);
    }

    [Fact]
    public async Task Readiness_is_checked_at_the_second_replica()
    {
        await using World world = await WithTwoAsync();
        using Visitor probe = world.NewVisitor();
        using Fault first = FailOnce(world, "/favicon.ico");

        Page page = await probe.SendAsync(HttpMethod.Get, new Uri(world.Gateway.Management, "/health/ready").AbsoluteUri);

        Assert.Contains("\"paperless\":\"ok\"", page.Text, StringComparison.Ordinal);
        AssertReportedOnce(world, first);
    }

    [Fact]
    public async Task A_static_file_is_fetched_from_the_second_replica()
    {
        await using World world = await WithTwoAsync();
        using Visitor visitor = world.NewVisitor();
        using Fault first = FailOnce(world, "/static/base.css");

        Page page = await visitor.SendAsync(HttpMethod.Get, "/static/base.css");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        AssertReportedOnce(world, first);
    }

    [Fact]
    public async Task An_account_is_looked_up_at_the_second_replica_without_another_retry()
    {
        await using World world = await WithTwoAsync();
        using Fault first = FailOnce(world, "/api/users/");

        (await world.SignedInAsync("alice")).Dispose();

        AssertReportedOnce(world, first);
    }

    [Fact]
    public async Task A_change_that_a_replica_may_have_applied_is_not_sent_twice()
    {
        await using World world = await WithTwoAsync(("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "true"), ("GATEWAY_CREATE_GROUPS", "true"));
        using Visitor alice = world.NewVisitor();
        using Fault breaks = world.Paperless.Faults.Drop(request => request.Method == "PATCH");

        Page page = await alice.SignInAsync("alice");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, 1), (page.Status, breaks.Hits));
        Assert.Single(world.Log.Of("ReplicaLeftAlone"));
    }

    [Fact]
    public async Task A_change_is_sent_to_the_second_replica_if_the_first_was_never_connected()
    {
        StandInPaperless second = await StandInPaperless.StartAsync(ct: World.Ct);
        await using World world = await World.StartAsync(options => options.SecondUpstream = second.Address.GetLeftPart(UriPartial.Authority));
        UpstreamClient client = world.Gateway.Services.GetRequiredService<UpstreamClient>();
        UpstreamRequest change = new(HttpMethod.Post, "/api/token/", TimeSpan.FromSeconds(8)) { Json = "{}"u8.ToArray() };
        await second.DisposeAsync();

        // In turn: one of them would have been for the replica that is gone.
        UpstreamResponse[] answers = [await client.AskAsync(change, World.Ct), await client.AskAsync(change, World.Ct)];

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.BadRequest, answer.Status));
        Assert.Single(world.Log.Of("ReplicaLeftAlone"));
    }

    [Fact]
    public async Task A_Paperless_replica_that_does_not_answer_times_out_and_the_second_replica_is_asked()
    {
        await using World world = await WithTwoAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        int hits = 0;
        using Fault silent = world.Paperless.Faults.Hold(request => request.RawPath == "/accounts/logout/" && Interlocked.Increment(ref hits) == 1);

        Task<Page> signOut = alice.OpenAsync("/accounts/logout/", "same-origin");
        await silent.StruckAsync(World.Ct);
        world.Clock.Advance(TimeSpan.FromSeconds(3));
        await signOut;

        Assert.Empty(world.Paperless.Data.SessionsOf("alice"));
        Assert.Empty(world.Log.Of("PaperlessSessionNotEnded"));
    }

    [Fact]
    public async Task An_oversized_answer_does_not_count_as_a_failure_of_the_replica()
    {
        await using World world = await WithTwoAsync();
        using Fault large = world.Paperless.Faults
            .Write(request => request.RawPath == "/api/profile/", response => response.Body.WriteAsync(new byte[2000]).AsTask());
        UpstreamClient client = world.Gateway.Services.GetRequiredService<UpstreamClient>();

        UpstreamUnavailableException refused = await Assert.ThrowsAsync<UpstreamUnavailableException>(
            () => client.AskAsync(new UpstreamRequest(HttpMethod.Get, "/api/profile/", TimeSpan.FromSeconds(8)) { MaxResponseBytes = 1000 }, World.Ct));

        Assert.EndsWith("/api/profile/ sent an answer that is too large", refused.Message, StringComparison.Ordinal);
        Assert.Empty(world.Log.Of("ReplicaLeftAlone"));
    }

    /// <summary>One stand-in under two names, so that both replicas know the same.</summary>
    private static async Task<World> WithTwoAsync(params (string Name, string Value)[] settings)
    {
        World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            foreach ((string name, string value) in settings)
            {
                options.Settings[name] = value;
            }
        });
        world.Options.SecondUpstream = $"http://localhost:{world.Paperless.Address.Port}";
        world.StartGateway();
        return world;
    }

    /// <summary>Whichever replica is asked first closes the connection.</summary>
    private static Fault FailOnce(World world, string path)
    {
        int hits = 0;
        return world.Paperless.Faults.Drop(request => request.RawPath == path && Interlocked.Increment(ref hits) == 1);
    }

    private static void AssertReportedOnce(World world, Fault first)
    {
        Assert.Equal(1, first.Hits);
        Assert.Single(world.Log.Of("ReplicaLeftAlone"));
        Assert.Empty(world.Log.Of("ForwardingFailed"));
    }
}
