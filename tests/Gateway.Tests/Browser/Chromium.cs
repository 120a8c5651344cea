using Gateway.Tests.Browser;
using Gateway.Tests.Kit;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Chromium))]

namespace Gateway.Tests.Browser;

/// <summary>One headless Chromium for all tests, started by the first that opens a window.</summary>
public sealed class Chromium : IAsyncDisposable
{
    private const string Path = "/usr/bin/chromium";

    // Chromium lets loopback past a proxy by itself; everything else ends at a port where nothing listens. That holds
    // for redirects, workers and the browser's own requests too, which Playwright's routes do not see.
    private static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--proxy-server=http://127.0.0.1:9",
    ];

    private readonly SemaphoreSlim _starting = new(1);
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>A window of its own: no cookie, cache or storage of another one.</summary>
    public async Task<BrowserWindow> OpenAsync(Screen screen = Screen.Desktop, ColorScheme colors = ColorScheme.Light, string language = "en-GB")
    {
        IBrowser browser = await BrowserAsync();
        IBrowserContext context = await browser.NewContextAsync(new()
        {
            ViewportSize = screen == Screen.Phone ? new() { Width = 390, Height = 844 } : new() { Width = 1280, Height = 800 },
            IsMobile = screen == Screen.Phone,
            HasTouch = screen == Screen.Phone,
            ColorScheme = colors,
            Locale = language,
            TimezoneId = "UTC",
        });
        return await BrowserWindow.InAsync(context);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.CloseAsync();
        }

        _playwright?.Dispose();
        _starting.Dispose();
    }

    private async Task<IBrowser> BrowserAsync()
    {
        NeedsAttribute.Check(RealPart.Chromium);
        await _starting.WaitAsync(World.Ct).InTimeAsync("Another test has started Chromium.");
        try
        {
            if (!File.Exists(Path))
            {
                throw new FileNotFoundException($"The browser tests need {Path}; tests/run installs it.");
            }

            _playwright ??= await Playwright.CreateAsync();
            return _browser ??= await _playwright.Chromium.LaunchAsync(new()
            {
                ExecutablePath = Path,
                Args = Arguments,

                // People's browsers keep pages for the back button; Playwright's own arguments turn that off.
                IgnoreDefaultArgs = ["--disable-back-forward-cache"],
            });
        }
        finally
        {
            _starting.Release();
        }
    }
}
