using System.Net;
using Gateway.Providers;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Providers;

/// <summary>The gateway starts without its provider, reports the outage at the sign-in, and recovers by itself.</summary>
public sealed class ProviderOutageTests
{
    private const string Begin = "/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2";

    [Theory]
    [InlineData(nameof(Outage.DropsConnections))]
    [InlineData(nameof(Outage.ServiceUnavailable))]
    public async Task A_provider_that_is_down_at_the_start_gives_a_page_that_retries_until_the_provider_is_back(string outage)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        world.Provider.Outage = Enum.Parse<Outage>(outage);
        world.StartGateway();
        using Visitor visitor = world.NewVisitor();
        Page door = await visitor.OpenAsync("/accounts/login/?next=%2Fdocuments%2F2");
        Assert.Equal(HttpStatusCode.OK, door.Status);

        Page away = await visitor.OpenAsync(Begin, "same-origin");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, away.Status);
        Assert.Equal("5", away.Header("Retry-After"));
        Assert.Equal("5", away.Header("Refresh"));
        Assert.Contains("nobody can sign in with it at the moment", away.Text, StringComparison.Ordinal);
        Assert.Single(world.Log.Of("DiscoveryFailed"));

        world.Provider.Outage = Outage.None;
        world.Provider.SignsInAs = "alice";
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        Page page = await visitor.NavigateAsync(Begin, "same-origin");
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
    }

    [Fact]
    public async Task Concurrent_sign_ins_send_one_request_to_a_provider_that_is_down()
    {
        await using World world = await World.StartAsync();
        world.Provider.Outage = Outage.ServiceUnavailable;
        using Visitor visitor = world.NewVisitor();

        Page[] pages = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => visitor.OpenAsync(Begin, "same-origin")));

        Assert.All(pages, page => Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status));
        Assert.Single(world.Provider.Received);
    }

    /// <summary>The clock moves by the time that each answer takes, so that it is the time after the answer that counts.</summary>
    [Fact]
    public async Task Sign_ins_that_waited_for_a_hanging_provider_do_not_wait_again_one_after_another()
    {
        await using World world = await World.StartAsync();
        TaskCompletionSource hangs = new();
        world.Provider.Hold = async _ =>
        {
            await hangs.Task;
            world.Clock.Advance(TimeSpan.FromSeconds(10));
        };
        world.Provider.Outage = Outage.DropsConnections;
        using Visitor visitor = world.NewVisitor();
        Task<Page>[] pages = [.. Enumerable.Range(0, 10).Select(_ => visitor.OpenAsync(Begin, "same-origin"))];
        hangs.SetResult();

        Assert.All(await Task.WhenAll(pages), page => Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status));
        Assert.InRange(world.Provider.Received.Count, 1, 2);
    }

    [Fact]
    public async Task Discovery_of_a_hanging_provider_times_out_and_delays_nothing_else()
    {
        await using World world = await World.StartAsync();
        TaskCompletionSource hangs = new();
        TaskCompletionSource asked = new();
        world.Provider.Hold = _ =>
        {
            asked.TrySetResult();
            return hangs.Task;
        };
        using Visitor visitor = world.NewVisitor();

        Task<Page> waits = visitor.OpenAsync(Begin, "same-origin");
        Page other = await visitor.OpenAsync("/accounts/login/");
        await asked.Task.InTimeAsync("The provider is asked.");
        world.Clock.Advance(ProviderTimeouts.Default.Response);
        Page away = await waits;
        hangs.SetResult();

        Assert.Equal(HttpStatusCode.OK, other.Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, away.Status);
        Assert.Contains("in time", world.Log.Of("DiscoveryFailed")[0].RenderMessage(null), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_browser_that_disconnects_does_not_cancel_the_discovery_for_other_sign_ins()
    {
        await using World world = await World.StartAsync();
        TaskCompletionSource hangs = new();
        TaskCompletionSource asked = new();
        world.Provider.Hold = _ =>
        {
            asked.TrySetResult();
            return hangs.Task;
        };
        using HttpClient impatient = new() { DefaultRequestHeaders = { { "Accept", "text/html" } } };
        using CancellationTokenSource leaves = new();
        Task left = impatient.GetAsync(new Uri(world.Origin + Begin), leaves.Token);
        await asked.Task.InTimeAsync("The provider is asked.");
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        world.Provider.Hold = null;
        hangs.SetResult();

        using Visitor visitor = await world.SignedInAsync("alice");
        Assert.Empty(world.Log.Of("DiscoveryFailed"));
    }

    [Fact]
    public async Task A_provider_outage_ends_no_session_and_is_reported_at_the_callback()
    {
        await using World world = await World.StartAsync();
        using Visitor signedIn = await world.SignedInAsync("alice");
        world.Provider.SignsInAs = "bob";
        using Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");
        string callback = await tab.AnswerAsync();
        world.Provider.Outage = Outage.DropsConnections;

        Page page = await tab.FinishAsync(callback);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Contains("authentik does not answer", page.Text, StringComparison.Ordinal);
        Assert.Equal("alice", await signedIn.WhoAsync());
        world.Clock.Advance(TimeSpan.FromHours(13));
        Assert.Equal("alice", await signedIn.WhoAsync());
    }

    [Fact]
    public async Task A_cached_discovery_document_is_used_while_discovery_is_unavailable()
    {
        await using World world = await World.StartAsync();
        using Visitor signedIn = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromHours(13));
        world.Provider.TamperDiscovery = _ => [];

        using Visitor first = await world.SignedInAsync("alice");
        using Visitor second = await world.SignedInAsync("bob");

        Assert.Single(world.Log.Of("DiscoveryFailed"));
        world.Provider.TamperDiscovery = null;
        world.Clock.Advance(TimeSpan.FromSeconds(61));
        using Visitor third = await world.SignedInAsync("bob");
        Assert.Equal(2, world.Log.Of("DiscoveryRead").Count);
    }
}
