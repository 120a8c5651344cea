using System.Net;
using Gateway.ReadAhead;
using Gateway.Sessions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.ReadAhead;

/// <summary>A gateway that asks ahead, and a page that asks for three things when it is opened.</summary>
internal static class ReadAheadWorld
{
    public const string UiSettings = "/api/ui_settings/";
    public const string Fields = "/api/custom_fields/?page=1&page_size=100000";
    public const string Statistics = "/api/statistics/";

    /// <summary>In the order in which the page asks.</summary>
    public static readonly string[] Chain = [UiSettings, Fields, Statistics];

    public static Task<World> StartAsync(Action<WorldOptions>? configure = null) => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_READ_AHEAD"] = null;
        configure?.Invoke(options);
    });

    /// <summary>Somebody who has opened the page once.</summary>
    public static async Task<Visitor> WhoseChainIsKnownAsync(this World world, string person, params string[] chain)
    {
        Visitor visitor = await world.SignedInAsync(person);
        foreach (string path in chain.Length > 0 ? chain : Chain)
        {
            await visitor.FetchAsync(path);
        }

        world.Paperless.ForgetReceived();
        return visitor;
    }

    /// <summary>Opens the page, and waits until Paperless has answered so many questions ahead.</summary>
    public static async Task OpenPageAsync(this World world, Visitor visitor, int ahead = 3, string path = "/")
    {
        int before = world.Answered();
        Assert.Equal(HttpStatusCode.OK, (await visitor.OpenAsync(path)).Status);
        await Wait.UntilAsync(() => world.Answered() == before + 1 + ahead, "Paperless has answered the page and the questions ahead.", () => world.Asked());
    }

    /// <summary>How often Paperless was asked.</summary>
    public static int Count(this World world, string path) => world.Forwarded.Count(request => request.RawTarget == path);

    /// <summary>Closes the open pages, and waits until nothing is held.</summary>
    public static async Task CloseAsync(this World world)
    {
        OpenedPages pages = world.Gateway.Services.GetRequiredService<OpenedPages>();
        await Wait.UntilAsync(
            () =>
            {
                world.Clock.Advance(TimeSpan.FromSeconds(3));
                return pages.Count == 0;
            },
            "The page is closed.");
        Assert.Equal(0, pages.Memory.Bytes);
    }

    /// <summary>Waits until so many requests of the last opened page have reached the gateway.</summary>
    public static Task ReachedTheGatewayAsync(this World world, int requests = 1)
    {
        IServiceProvider services = world.Gateway.Services;
        return Wait.UntilAsync(
            () => services.GetRequiredService<SessionMemory>().All
                .Any(session => services.GetRequiredService<OpenedPages>().Find(session)?.Requests == requests),
            "The page's request has reached the gateway.");
    }

    public static string Asked(this World world) => string.Join(", ", world.Forwarded.Select(request => request.RawTarget));

    private static int Answered(this World world) => world.Forwarded.Count(request => request.Status != 0);
}
