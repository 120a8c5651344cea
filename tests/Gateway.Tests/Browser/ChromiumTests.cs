using Microsoft.Playwright;

namespace Gateway.Tests.Browser;

[Needs(RealPart.Chromium)]
public sealed class ChromiumTests(Chromium chromium) : IAsyncLifetime
{
    private WebApplication _app = null!;

    private string Url => _app.Urls.Single();

    public async ValueTask InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(context => context.Request.Path.Value switch
        {
            "/" => Html(context, "<h1>Hello</h1><p>A page of ours.</p>"),
            "/unreadable" => Html(context, "<h1>Hello</h1><img src='data:,'><p style='color:#ddd;background:#fff'>Barely there.</p>"),
            "/throws" => Html(context, "<h1>Hello</h1><script>console.error('first'); throw new Error('second')</script>"),
            "/leaves" => Html(context, "<h1>Hello</h1><img alt='' src='http://192.0.2.1/pixel'><script>new WebSocket('ws://192.0.2.2/')</script>"),
            "/redirects" => Redirect(context, "http://gateway.example/"),
            _ => NotFound(context),
        });
        await _app.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    [Fact]
    public async Task Chromium_shows_a_page_and_finds_its_heading()
    {
        await using BrowserWindow window = await chromium.OpenAsync();

        await window.Page.GotoAsync(Url);

        Assert.Equal("Hello", await window.Page.GetByRole(AriaRole.Heading).TextContentAsync());
        Assert.Empty(window.Errors);
    }

    [Theory]
    [InlineData(Screen.Desktop, ColorScheme.Light, 1280)]
    [InlineData(Screen.Phone, ColorScheme.Dark, 390)]
    public async Task A_browser_screen_has_its_size_and_colors_and_saves_a_screenshot(Screen screen, ColorScheme colors, int width)
    {
        await using BrowserWindow window = await chromium.OpenAsync(screen, colors);
        await window.Page.GotoAsync(Url);
        string name = $"chromium-{screen}-{colors}".ToLowerInvariant();

        await window.ScreenshotAsync(name);

        Assert.Equal(width, await window.Page.EvaluateAsync<int>("innerWidth"));
        Assert.Equal(colors == ColorScheme.Dark, await window.Page.EvaluateAsync<bool>("matchMedia('(prefers-color-scheme: dark)').matches"));
        Assert.True(File.Exists(Path.Combine(Repository.Root, "artifacts", "screenshots", $"{name}.png")));
    }

    [Fact]
    public async Task Axe_accepts_a_plain_page_and_names_the_problems_of_a_bad_page()
    {
        await using BrowserWindow window = await chromium.OpenAsync();

        await window.Page.GotoAsync(Url);
        Assert.Empty(await window.AccessibilityViolationsAsync());

        await window.Page.GotoAsync(Url + "/unreadable");
        IReadOnlyList<string> violations = await window.AccessibilityViolationsAsync();
        Assert.Contains(violations, v => v.StartsWith("image-alt: ", StringComparison.Ordinal));
        Assert.Contains(violations, v => v.StartsWith("color-contrast: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Console_errors_and_uncaught_exceptions_of_a_page_are_collected()
    {
        await using BrowserWindow window = await chromium.OpenAsync();

        await window.Page.GotoAsync(Url + "/throws");

        Assert.Contains("first", window.Errors);
        Assert.Contains(window.Errors, e => e.Contains("second", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Requests_to_other_machines_are_blocked_and_fail_the_test()
    {
        BrowserWindow window = await chromium.OpenAsync();

        // The page's load does not wait for its WebSocket.
        await window.Page.RunAndWaitForWebSocketAsync(() => window.Page.GotoAsync(Url + "/leaves"));
        await Assert.ThrowsAsync<PlaywrightException>(() => window.Page.GotoAsync(Url + "/redirects"));

        Assert.Equal(["http://192.0.2.1/pixel", "http://gateway.example/", "ws://192.0.2.2/"], window.Outside.Order());
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await window.DisposeAsync());
    }

    private static Task Html(HttpContext context, string body)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(
            $"""
            <!DOCTYPE html>
            <html lang="en">
            <head><title>A page</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head>
            <body><main>{body}</main></body>
            </html>
            """);
    }

    private static Task Redirect(HttpContext context, string location)
    {
        context.Response.Redirect(location);
        return Task.CompletedTask;
    }

    private static Task NotFound(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }
}
