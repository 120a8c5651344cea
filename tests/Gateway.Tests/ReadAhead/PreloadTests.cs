using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using static Gateway.Tests.ReadAhead.ReadAheadWorld;

namespace Gateway.Tests.ReadAhead;

/// <summary>The gateway tells the browser what the interface asks for first on every page, while the script is still on its way.</summary>
public sealed class PreloadTests
{
    private const string Documents = "/documents";
    private const string Users = "/api/users/";
    private const string ScriptsAccept = "application/json; version=10";

    private static readonly string[] Expected =
    [
        $"<{UiSettings}>; rel=preload; as=fetch; crossorigin",
        $"<{Fields}>; rel=preload; as=fetch; crossorigin",
    ];

    [Fact]
    public async Task A_page_names_the_requests_that_all_pages_of_the_person_begin_with()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await LearnAsync(world, alice);

        Page page = await alice.OpenAsync("/");

        Assert.Equal(Expected, Links(page));
        Assert.Equal(Expected, Links(await alice.OpenAsync(Documents)));
        using Visitor bob = await world.SignedInAsync("bob");
        Assert.Empty(Links(await bob.OpenAsync("/")));
    }

    [Fact]
    public async Task What_the_browser_asks_for_is_the_answer_for_the_script()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await LearnAsync(world, alice);
        Page script = await alice.FetchAsync(HttpMethod.Get, UiSettings, null, ("Accept", ScriptsAccept));

        foreach (string way in (string[])["from the gateway", "from Paperless"])
        {
            world.Paperless.ForgetReceived();
            using Fault hold = world.Paperless.Faults.Hold(request => way == "from Paperless" && request.RawTarget == UiSettings);
            await alice.OpenAsync("/");
            Task<Page> asked = alice.FetchAsync(HttpMethod.Get, UiSettings, null, ("Accept", "*/*"));
            hold.Release();
            Page preloaded = await asked;

            Assert.Equal(
                (HttpStatusCode.OK, script.Text, script.Header("Content-Type")),
                (preloaded.Status, preloaded.Text, preloaded.Header("Content-Type")));
            Assert.All(world.Forwarded.Where(request => request.RawTarget == UiSettings), request => Assert.Equal(ScriptsAccept, request.Header("Accept")));
            await world.CloseAsync();
        }
    }

    [Fact]
    public async Task A_browser_that_asks_for_everything_a_second_time_is_not_told_any_more()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice", userAgent: "Old browser");
        await LearnAsync(world, alice);
        Assert.Equal(Expected, Links(await alice.OpenAsync("/")));
        foreach (string accept in (string[])["*/*", ScriptsAccept])
        {
            await alice.FetchAsync(HttpMethod.Get, UiSettings, null, ("Accept", accept));
            await alice.FetchAsync(HttpMethod.Get, Fields, null, ("Accept", accept));
        }

        await world.CloseAsync();

        Assert.Empty(Links(await alice.OpenAsync("/")));
        using Visitor other = await world.SignedInAsync("alice", userAgent: "New browser");
        Assert.Equal(Expected, Links(await other.OpenAsync("/")));
    }

    [Fact]
    public async Task Every_eighth_opening_shows_whether_the_page_still_asks()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await LearnAsync(world, alice);

        int without = 0;
        foreach (int _ in Enumerable.Range(0, 8))
        {
            Page page = await alice.OpenAsync("/");
            if (Links(page).Length == 0)
            {
                without++;
                await alice.FetchAsync(HttpMethod.Get, UiSettings, null, ("Accept", ScriptsAccept));
            }

            await world.CloseAsync();
        }

        Assert.Equal(1, without);
        Assert.Equal(Expected[..1], Links(await alice.OpenAsync("/")));
    }

    [Fact]
    public async Task A_person_with_one_page_gets_no_hint_because_the_page_may_ask_for_the_same_later()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await OpenAsync(world, alice, "/", UiSettings, Fields);
        await OpenAsync(world, alice, "/dashboard", UiSettings, Fields);

        Assert.Empty(Links(await alice.OpenAsync("/")));
        Assert.Empty(Links(await alice.OpenAsync("/dashboard")));
    }

    private static async Task LearnAsync(World world, Visitor visitor)
    {
        await world.CloseAsync();
        await OpenAsync(world, visitor, "/", UiSettings, Fields, Statistics);
        await OpenAsync(world, visitor, Documents, UiSettings, Fields, Users);
    }

    private static async Task OpenAsync(World world, Visitor visitor, string path, params string[] asked)
    {
        Assert.Empty(Links(await visitor.OpenAsync(path)));
        foreach (string target in asked)
        {
            await visitor.FetchAsync(HttpMethod.Get, target, null, ("Accept", ScriptsAccept));
        }

        await world.CloseAsync();
    }

    private static string[] Links(Page page) => page.Response.Headers.TryGetValues("Link", out IEnumerable<string>? links) ? [.. links] : [];
}
