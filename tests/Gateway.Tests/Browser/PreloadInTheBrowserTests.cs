using Gateway.ReadAhead;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Microsoft.Playwright;

namespace Gateway.Tests.Browser;

/// <summary>A real browser asks for what the gateway tells it to, and the script of the page takes the answers.</summary>
[Needs(RealPart.Chromium)]
public sealed class PreloadInTheBrowserTests(Chromium chromium)
{
    [Fact]
    public async Task The_page_takes_the_answers_that_the_browser_asked_for_before_the_script_ran_and_asks_nothing_twice()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_READ_AHEAD"] = null;
            options.Paperless = paperless => paperless with { WithPeople = true, WithProductionInterface = true };
        });
        await using BrowserWindow window = await chromium.OpenAsync();
        IPage page = window.Page;
        world.Paperless.Data.UpdateUser("alice", user => user with { Permissions = [.. Permissions.All] });
        world.Provider.SignsInAs = "alice";
        await page.GotoAsync(world.Origin + "/accounts/oidc/authentik/login/?next=%2Fgateway%2Fsession");
        foreach (string path in (string[])["/dashboard", "/documents"])
        {
            await OpenAsync(world, page, path);
        }

        string[] byTheScript = await OpenAsync(world, page, "/dashboard");

        string[] early = await page.EvaluateAsync<string[]>("""
            () => performance.getEntriesByType('resource').filter(one => one.initiatorType === 'link' && one.name.includes('/api/'))
              .map(one => new URL(one.name).pathname)
            """);
        Assert.Equal(["/api/custom_fields/", "/api/saved_views/", "/api/tasks/", "/api/ui_settings/"], early.Order(StringComparer.Ordinal));
        Assert.All(early, path => Assert.Equal(1, byTheScript.Count(asked => asked == path)));
        Assert.Equal("Documents in total", (await page.Locator(".widget").TextContentAsync())![.."Documents in total".Length]);
        Assert.Empty(window.Errors);
    }

    /// <summary>Opens a page, and closes it in the gateway after the last answer.</summary>
    /// <returns>The paths of the API that the browser asked the gateway for.</returns>
    private static async Task<string[]> OpenAsync(World world, IPage page, string path)
    {
        List<string> asked = [];
        void Note(object? sender, IRequest request)
        {
            if (new Uri(request.Url).AbsolutePath is { } target && target.StartsWith("/api/", StringComparison.Ordinal))
            {
                asked.Add(target);
            }
        }

        page.Request += Note;
        await page.GotoAsync(world.Origin + path);
        await Assertions.Expect(page.Locator("body")).ToHaveAttributeAsync("data-drawn", "true");
        page.Request -= Note;
        OpenedPages pages = world.Gateway.Services.GetRequiredService<OpenedPages>();
        await Wait.UntilAsync(
            () =>
            {
                world.Clock.Advance(TimeSpan.FromSeconds(3));
                return pages.Count == 0;
            },
            "The page is closed.");
        return [.. asked];
    }
}
