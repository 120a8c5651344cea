using Gateway.Benchmarks.Servers;
using Gateway.StandIns.Provider;
using Microsoft.Playwright;

namespace Gateway.Benchmarks;

/// <summary>
/// Paperless's page in a real browser, from Paperless itself, through nginx and through the gateway, alternating in every round: when the largest
/// thing on it is painted.
/// </summary>
internal static class PageLoad
{
    /// <summary>Unmeasured: all programs compile what they run often, and the gateway its copies.</summary>
    public const int Rehearsals = 2;

    public static readonly DebianProgram[] Needs = [DebianProgram.Chromium, DebianProgram.Nginx];

    private static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--proxy-server=http://127.0.0.1:9",
    ];

    public static async Task MeasureAsync(Workbench bench, int rounds)
    {
        string program = await Publication.PublishAsync(bench, "published");
        LocalCertificate certificate = LocalCertificate.Write(bench);
        List<PageSurroundings> measured = [];
        int documents = 0;
        bool isReal = false;
        foreach ((string name, bool far) in new[] { ("no line", false), ("40 ms, 20 Mbit/s", true) })
        {
            await using PageUpstream paperless = await PageUpstream.StartAsync(bench.Cancel);
            (documents, isReal) = (paperless.Documents, paperless.StandIn is null);
            measured.Add(new PageSurroundings(name, await MeasureAsync(bench, program, certificate, paperless, rounds, far)));
        }

        PerformancePage.Write("page", PageReport.Of(measured, rounds, documents, isReal));
    }

    private static async Task<PageWay[]> MeasureAsync(
        Workbench bench,
        string program,
        LocalCertificate certificate,
        PageUpstream paperless,
        int rounds,
        bool far)
    {
        string place = far ? "far" : "near";
        Person person = Person.Named(paperless.Person, paperless.Person, "paperless-users");
        await using DevelopmentProvider provider = await DevelopmentProvider.StartAsync(
            new DevelopmentProviderOptions { People = [person] },
            bench.Cancel);
        provider.SignsInAs = paperless.Person;
        await using PageGateway gateway = await PageGateway.StartAsync(bench, program, "page-" + place, paperless, provider, certificate, far);
        (Child nginxServer, int nginxPort) = await Nginx.StartSecureProxyAsync(bench, place, paperless.Address, certificate, paperless.Person);
        using Child nginx = nginxServer;
        await using Line? toNginx = far ? Line.To(nginxPort) : null;
        await using Line? toPaperless = far ? Line.To(paperless.Address.Port) : null;
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = DebianProgram.Chromium.Path,
            Args = [.. Arguments, $"--ignore-certificate-errors-spki-list={certificate.KeyHash}"],
        });
        PageWay[] ways =
        [
            new("Paperless itself, HTTP/1.1", $"http://localhost:{toPaperless?.Port ?? paperless.Address.Port}", "/logo", SendsUser: true),
            new("nginx, HTTP/2", $"https://localhost:{toNginx?.Port ?? nginxPort}", "/logo", SendsUser: false),
            new("the gateway, HTTP/2", gateway.Origin, PageGateway.SignInPath, SendsUser: false),
        ];
        for (int round = 1 - Rehearsals; round <= rounds; round++)
        {
            try
            {
                await RoundAsync(bench, browser, paperless, round % 2 == 0 ? ways : [.. ways.Reverse()]);
            }
            catch (PlaywrightException error)
            {
                // A signal that stops this program stops the browser as well.
                bench.Cancel.ThrowIfCancellationRequested();
                throw new InvalidOperationException($"The browser cannot measure: {error.Message}", error);
            }

            await Console.Error.WriteLineAsync(
                $"{place}, round {round} of {rounds}: {string.Join("  ", ways.Select(way => PageReport.Line(way)))} ms");
            if (round == 0)
            {
                Array.ForEach(ways, way => way.Begin());
            }
        }

        return ways;
    }

    private static async Task RoundAsync(Workbench bench, IBrowser browser, PageUpstream paperless, PageWay[] ways)
    {
        List<(PageWay Way, IBrowserContext Context)> browsers = [];
        await Task.Delay(paperless.Pause, bench.Cancel);
        foreach (PageWay way in ways)
        {
            IBrowserContext context = await way.SignInAsync(browser, paperless);
            browsers.Add((way, context));
            foreach (PageState state in (PageState[])[PageState.Cold, PageState.AtOnce, PageState.Documents, PageState.DocumentsAgain])
            {
                bench.Cancel.ThrowIfCancellationRequested();
                await way.OpenAsync(context, paperless, state);
            }
        }

        await Task.Delay(paperless.Pause, bench.Cancel);
        foreach ((PageWay way, IBrowserContext context) in browsers)
        {
            await way.OpenAsync(context, paperless, PageState.AfterTheMaxAge);
            await context.DisposeAsync();
        }
    }
}

/// <summary>What is between the browser and the servers, and what was measured there.</summary>
internal sealed record PageSurroundings(string Name, IReadOnlyList<PageWay> Ways);
