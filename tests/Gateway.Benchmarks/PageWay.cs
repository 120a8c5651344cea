using System.Globalization;
using Gateway.StandIns.Paperless;
using Microsoft.Playwright;

namespace Gateway.Benchmarks;

/// <summary>What a browser has when it opens a page.</summary>
internal enum PageState
{
    Cold,
    AtOnce,
    Documents,
    DocumentsAgain,
    AfterTheMaxAge,
}

/// <summary>One page that was opened.</summary>
/// <param name="Painted">Milliseconds to the largest contentful paint.</param>
/// <param name="LastThumbnail">Milliseconds until the last thumbnail was there; 0 on a page without.</param>
/// <param name="FirstQuestion">Milliseconds until the script first asked the API.</param>
/// <param name="Requests">That reached Paperless; 0 where nobody counts them.</param>
/// <param name="Bytes">Heads and bodies as they came over the wire; what came from the browser's own cache is none.</param>
internal sealed record PageView(double Painted, double LastThumbnail, double FirstQuestion, int Requests, double Bytes);

/// <summary>A way to Paperless's page, and what the pages that were opened on this way came to.</summary>
/// <param name="Before">Opened before all else: where the browser signs in, and by which it has a connection.</param>
/// <param name="SendsUser">Whether the browser itself sends the user header, because nothing in front of Paperless does.</param>
internal sealed record PageWay(string Name, string Origin, string Before, bool SendsUser)
{
    private const float TimeoutMilliseconds = 60_000;

    /// <summary>
    /// Waits until nothing has been painted or received for a second, half a minute at most. A page that says so itself is also
    /// waited for: a script at work looks like nothing.
    /// </summary>
    private const string Settle = """
        async saysSo => {
          let painted = 0
          new PerformanceObserver(list => { painted = list.getEntries().at(-1).startTime })
            .observe({ type: 'largest-contentful-paint', buffered: true })
          const received = () => performance.getEntriesByType('resource')
          const now = () => `${painted} ${received().length}`
          let last = ''
          let since = 0
          const end = performance.now() + 30000
          while (performance.now() < end) {
            if (now() !== last) {
              last = now()
              since = performance.now()
            } else if (document.body.dataset.failed) {
              throw new Error(document.body.dataset.failed)
            } else if (performance.now() - since > 1000 && (!saysSo || document.body.dataset.drawn)) {
              const thumbs = received().filter(one => one.name.endsWith('/thumb/'))
              const questions = received().filter(one => one.name.includes('/api/'))
              return [painted, Math.max(0, ...thumbs.map(one => one.responseEnd)), Math.min(...questions.map(one => one.startTime)), thumbs.length]
            }
            await new Promise(go => setTimeout(go, 50))
          }
          throw new Error('the page does not come to rest')
        }
        """;

    private readonly Dictionary<PageState, List<PageView>> _views = Enum.GetValues<PageState>().ToDictionary(state => state, _ => new List<PageView>());

    public IReadOnlyList<PageView> this[PageState state] => _views[state];

    /// <summary>Forgets the rounds that do not count.</summary>
    public void Begin()
    {
        foreach (List<PageView> views in _views.Values)
        {
            views.Clear();
        }
    }

    /// <summary>A browser with an empty cache in which the person is signed in.</summary>
    public async Task<IBrowserContext> SignInAsync(IBrowser browser, PageUpstream paperless)
    {
        IBrowserContext context = await browser.NewContextAsync(new()
        {
            ExtraHTTPHeaders = SendsUser ? [KeyValuePair.Create("Remote-User", paperless.Person)] : [],
        });
        context.SetDefaultTimeout(TimeoutMilliseconds);
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(Origin + Before);
        await page.CloseAsync();
        return context;
    }

    /// <exception cref="InvalidOperationException">The page is not what it is to be.</exception>
    public async Task OpenAsync(IBrowserContext context, PageUpstream paperless, PageState state)
    {
        bool isList = state is PageState.Documents or PageState.DocumentsAgain;
        IPage page = await context.NewPageAsync();
        ICDPSession network = await context.NewCDPSessionAsync(page);
        double bytes = 0;
        network.Event("Network.loadingFinished").OnEvent += (_, finished) => bytes += finished!.Value.GetProperty("encodedDataLength").GetDouble();
        await network.SendAsync("Network.enable");
        paperless.StandIn?.ForgetReceived();
        await page.GotoAsync(Origin + (isList ? "/documents" : "/dashboard"), new() { WaitUntil = WaitUntilState.Load });
        double[] found = await page.EvaluateAsync<double[]>(Settle, paperless.StandIn is not null);
        int requests = paperless.StandIn?.Received.Count ?? 0;
        await page.CloseAsync();
        int thumbnails = Math.Min(paperless.Documents, ProductionInterface.DocumentsOnThePage);
        if (found[0] == 0 || (isList && paperless.StandIn is not null && found[3] != thumbnails))
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"{Name}, {state}: the page painted nothing, or shows {found[3]} thumbnails and not {thumbnails}."));
        }

        _views[state].Add(new PageView(found[0], found[1], found[2], requests, bytes));
    }
}
