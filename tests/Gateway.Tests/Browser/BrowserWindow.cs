using System.Collections.Concurrent;
using System.Net;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Gateway.Tests.Browser;

/// <summary>Tabs that share cookies, what they complained about, and what they asked other machines for.</summary>
public sealed class BrowserWindow : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentQueue<string> _outside = new();

    private BrowserWindow(IBrowserContext context)
    {
        _context = context;
        context.Console += (_, message) => { if (message.Type == "error") { _errors.Enqueue(message.Text); } };
        context.WebError += (_, error) => _errors.Enqueue(error.Error);
        context.Request += (_, request) => Note(request.Url);
        context.Page += (_, page) => page.WebSocket += (_, socket) => Note(socket.Url);
    }

    public IPage Page { get; private set; } = null!;

    /// <summary>Errors on the console and exceptions that no script caught, of all tabs.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>Addresses beyond this machine that a tab asked for. None was reached; any fails the test.</summary>
    public IReadOnlyCollection<string> Outside => _outside;

    public Task<IPage> NewTabAsync() => _context.NewPageAsync();

    /// <summary>The whole page, in artifacts/screenshots.</summary>
    public async Task ScreenshotAsync(string name) =>
        await Page.ScreenshotAsync(new() { Path = Path.Combine(Repository.Root, "artifacts", "screenshots", $"{name}.png"), FullPage = true });

    /// <summary>What axe finds wrong with the page, one line each.</summary>
    public async Task<IReadOnlyList<string>> AccessibilityViolationsAsync()
    {
        AxeResult result = await Page.RunAxe();
        return [.. result.Violations.Select(v => $"{v.Id}: {v.Help} ({string.Join(", ", v.Nodes.Select(n => n.Target))})")];
    }

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        if (!_outside.IsEmpty)
        {
            throw new InvalidOperationException($"A page asked for addresses beyond this machine: {string.Join(", ", _outside)}");
        }
    }

    internal static async Task<BrowserWindow> InAsync(IBrowserContext context)
    {
        BrowserWindow window = new BrowserWindow(context);
        window.Page = await context.NewPageAsync();
        return window;
    }

    private void Note(string url)
    {
        Uri address = new Uri(url);
        bool here = address.Scheme is "data" or "blob" or "about" || address.Host == "localhost"
            || (IPAddress.TryParse(address.Host, out IPAddress? ip) && IPAddress.IsLoopback(ip));
        if (!here)
        {
            _outside.Enqueue(url);
        }
    }
}
