using Microsoft.Playwright;

namespace Gateway.Tests.Browser;

/// <summary>Whether a page is in order in a window of one screen: screenshots in both colours, no finding of axe, no horizontal overflow.</summary>
internal sealed class PageLook(BrowserWindow window, Screen screen, ColorScheme colors)
{
    /// <summary>Paperless's own sign-in is a column of this many pixels.</summary>
    private const float Column = 300;

    /// <summary>axe looks at each screen in one of the colours; the picture is taken in both.</summary>
    public static TheoryData<Screen, ColorScheme> Looks => new()
    {
        { Screen.Desktop, ColorScheme.Light },
        { Screen.Phone, ColorScheme.Dark },
    };

    public async Task IsInOrderAsync(string name, string heading, bool isWide = false)
    {
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(heading);
        await SettledAsync(name);
        float width = (await window.Page.Locator("main").BoundingBoxAsync())!.Width;
        Assert.True(isWide ? width >= Column : width == Column, $"{name} is {width} pixels wide.");
        Assert.Equal(
            colors == ColorScheme.Dark ? "rgb(22, 22, 24)" : "rgb(245, 245, 245)",
            await window.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
    }

    public async Task ProviderIsInOrderAsync(string name, string heading)
    {
        await Assertions.Expect(window.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(heading);
        await SettledAsync(name);
    }

    public Task PaperlessIsInOrderAsync(string name) => SettledAsync(name);

    private async Task SettledAsync(string name)
    {
        foreach (ColorScheme either in new[] { colors == ColorScheme.Dark ? ColorScheme.Light : ColorScheme.Dark, colors })
        {
            await window.Page.EmulateMediaAsync(new() { ColorScheme = either });
            await window.ScreenshotAsync($"{name}-{screen}-{either}".ToLowerInvariant());
        }

        Assert.Equal([], await window.AccessibilityViolationsAsync());
        Assert.Equal(0, await window.Page.EvaluateAsync<int>("Math.max(0, document.documentElement.scrollWidth - innerWidth)"));
    }
}
