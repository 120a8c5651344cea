using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gateway.Benchmarks.Servers;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Microsoft.Playwright;

namespace Gateway.Benchmarks;

/// <summary>
/// A page of Paperless with 40 static files in a real browser, from the stand-in itself and through the gateway, alternating in every round:
/// what reached Paperless, what went over the wire, and when the page was loaded.
/// </summary>
internal static class PageLoad
{
    /// <summary>Unmeasured: all programs compile what they run often, and the gateway its copies.</summary>
    private const int Rehearsals = 3;

    public static readonly DebianProgram[] Needs = [DebianProgram.Chromium];

    /// <summary>In place of Paperless's minute, which nobody would wait for so often.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(4);

    private static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--proxy-server=http://127.0.0.1:9",
    ];

    public static async Task MeasureAsync(Workbench bench, int rounds)
    {
        string program = await Publication.PublishAsync(bench, "published");
        List<string> tables = [];
        foreach (Surroundings around in Surroundings.All)
        {
            Way[] ways = await MeasureAsync(bench, program, $"page-{tables.Count}", rounds, around);
            tables.AddRange(ways.SelectMany(way => way.Lines(around)));
        }

        PerformancePage.Write("page", Report(tables, rounds));
    }

    private static async Task<Way[]> MeasureAsync(Workbench bench, string program, string name, int rounds, Surroundings around)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(
            new StandInPaperlessOptions { WithPeople = true, WithAssets = true, StaticMaxAge = MaxAge, StaticFileCost = around.Work });
        await using DevelopmentProvider provider = await DevelopmentProvider.StartAsync(new DevelopmentProviderOptions());
        provider.SignsInAs = "alice";
        await using Line? toPaperless = around.Far ? Line.To(paperless.Address.Port) : null;
        await using PageGateway plain = await PageGateway.StartAsync(bench, program, $"{name}-http", paperless, provider, certificate: null, around.Far);
        string certificate = Path.Combine(bench.Folder, name + ".pfx");
        string key = WriteCertificate(certificate);
        await using PageGateway secure = await PageGateway.StartAsync(bench, program, $"{name}-https", paperless, provider, certificate, around.Far);
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await playwright.Chromium
            .LaunchAsync(new() { ExecutablePath = DebianProgram.Chromium.Path, Args = [.. Arguments, $"--ignore-certificate-errors-spki-list={key}"] });

        Way[] ways =
        [
            new(
                "Paperless itself, HTTP/1.1",
                new UriBuilder(paperless.Address) { Port = toPaperless?.Port ?? paperless.Address.Port }.Uri.GetLeftPart(UriPartial.Authority),
                "/logo",
                SignsIn: false),
            new("the gateway, HTTP/1.1", plain.Origin, PageGateway.SignInPath, SignsIn: true),
            new("the gateway, https with HTTP/2", secure.Origin, PageGateway.SignInPath, SignsIn: true),
        ];
        for (int round = 1 - Rehearsals; round <= rounds; round++)
        {
            foreach (Way way in ways)
            {
                bench.Cancel.ThrowIfCancellationRequested();
                await way.VisitAsync(browser, paperless, keep: round > 0);
            }

            if (round > 0)
            {
                Console.Error.WriteLine($"round {round} of {rounds}: "
                    + $"{string.Join("  ", ways.Select(way => string.Join('/', way.Loads.Values.Select(loads => $"{loads[^1].Milliseconds:0}"))))} ms");
            }
        }

        return ways;
    }

    private static string Report(IEnumerable<string> tables, int rounds) => string.Create(CultureInfo.InvariantCulture, $"""
        | surroundings | from | browser | requests that reached Paperless | KiB over the wire | ms to the load event, median | lowest to highest |
        |---|---|---|---|---|---|---|
        {string.Join('\n', tables)}

        {rounds} rounds after {Rehearsals} that are not counted, medians; {Environment.ProcessorCount} cores with everything on them,
        .NET {Environment.Version}, Debian's Chromium over loopback. The page is the sandbox's: {PageFiles()} static files,
        {AppAssets.Files.Values.Sum(file => (long)file.Content.Length) / 1024.0 / 1024:0.0} MiB, 24 of them with a hash in the name, besides the page
        and what its script asks of the API. All requests count, these included.
        The gateway is compiled as in the image. The stand-in compresses each answer anew, as Paperless does. "stand-in" is the test server as it is,
        much faster than Python. "3 ms a file" keeps one worker busy for that long with each static file, one file after another, as Django's
        middleware and WhiteNoise do in a single Python process. "over a line" adds a round trip of 40 ms and a limit of 20 Mbit/s between the browser
        and both servers, for handshakes as well, but no slow start of TCP. One connection is open when the page is requested. The browser trusts the
        certificate; otherwise Chromium caches nothing. For this measurement the stand-in sends `max-age={MaxAge.TotalSeconds:0}` instead of 60, and
        the measurement waits longer than that, because browser, gateway and stand-in use the real clock.

        - *empty, nobody before*: the browser's cache is empty and the gateway's copies are stale, so the gateway asks Paperless about each of them once (304).
        - *empty, somebody before*: the browser's cache is empty, and somebody else opened the page within the max-age.
        - *visited before*: the same browser opens the page again after the max-age. Without the gateway it asks about every file; with the gateway
          it does not ask about files with a hash in the name.

        ```sh
        dotnet run --configuration Release --project tests/Gateway.Benchmarks -- page {rounds}
        ```
        """);

    /// <summary>With the two that the front page always has.</summary>
    private static int PageFiles() => AppAssets.Files.Count + 2;

    /// <summary>Puts one into a file for the gateway.</summary>
    /// <returns>The hash of its key, for the browser.</returns>
    private static string WriteCertificate(string file)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllBytes(file, certificate.Export(X509ContentType.Pkcs12));
        return Convert.ToBase64String(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
    }

    /// <param name="Work">How long the one worker of Paperless is busy with each static file.</param>
    /// <param name="Far">Whether the browser is at the other end of a <see cref="Line"/>.</param>
    private sealed record Surroundings(string Name, TimeSpan Work, bool Far)
    {
        public static readonly Surroundings[] All =
        [
            new("stand-in", TimeSpan.Zero, Far: false),
            new("3 ms a file", TimeSpan.FromMilliseconds(3), Far: false),
            new("3 ms a file, over a line", TimeSpan.FromMilliseconds(3), Far: true),
        ];
    }

    /// <summary>A way to the page, and what its loads came to.</summary>
    /// <param name="Before">A page without Paperless's files, opened before all else: where the browser signs in, and by which it has a connection.</param>
    /// <param name="SignsIn">False: Paperless believes the header.</param>
    private sealed record Way(string Name, string Origin, string Before, bool SignsIn)
    {
        private const string NobodyBefore = "empty, nobody before";
        private const string SomebodyBefore = "empty, somebody before";
        private const string Again = "visited before";

        public Dictionary<string, List<Load>> Loads { get; } = new() { [NobodyBefore] = [], [SomebodyBefore] = [], [Again] = [] };

        public async Task VisitAsync(IBrowser browser, StandInPaperless paperless, bool keep)
        {
            await using IBrowserContext first = await ContextAsync(browser);
            await Task.Delay(MaxAge + TimeSpan.FromSeconds(1));
            Load nobodyBefore = await LoadAsync(first, paperless);
            await using IBrowserContext second = await ContextAsync(browser);
            Load somebodyBefore = await LoadAsync(second, paperless);
            await Task.Delay(MaxAge + TimeSpan.FromSeconds(1));
            Load again = await LoadAsync(first, paperless);
            if (keep)
            {
                Loads[NobodyBefore].Add(nobodyBefore);
                Loads[SomebodyBefore].Add(somebodyBefore);
                Loads[Again].Add(again);
            }
        }

        public IEnumerable<string> Lines(Surroundings around) => Loads.Select(loads => string.Create(
            CultureInfo.InvariantCulture,
            $"| {around.Name} | {Name} | {loads.Key} | {Median(loads.Value, load => load.Requests):0} | "
                + $"{Median(loads.Value, load => load.Bytes) / 1024:0} | {Median(loads.Value, load => load.Milliseconds):0} | "
                + $"{loads.Value.Min(load => load.Milliseconds):0} to {loads.Value.Max(load => load.Milliseconds):0} |"));

        /// <summary>A browser with an empty cache in which alice is signed in.</summary>
        private async Task<IBrowserContext> ContextAsync(IBrowser browser)
        {
            IBrowserContext context = await browser.NewContextAsync(new()
            {
                ExtraHTTPHeaders = SignsIn ? [] : [KeyValuePair.Create("Remote-User", "alice")],
            });
            IPage page = await context.NewPageAsync();
            await page.GotoAsync(Origin + Before);
            await page.CloseAsync();
            return context;
        }

        private async Task<Load> LoadAsync(IBrowserContext context, StandInPaperless paperless)
        {
            IPage page = await context.NewPageAsync();
            ICDPSession network = await context.NewCDPSessionAsync(page);
            double bytes = 0;
            network.Event("Network.loadingFinished").OnEvent += (_, finished) => bytes += finished!.Value.GetProperty("encodedDataLength").GetDouble();
            await network.SendAsync("Network.enable");
            paperless.ForgetReceived();
            await page.GotoAsync(Origin + "/dashboard", new() { WaitUntil = WaitUntilState.Load });
            await page.GetByText("Rental agreement").WaitForAsync();
            double milliseconds = await page.EvaluateAsync<double>("performance.getEntriesByType('navigation')[0].loadEventStart");
            int requests = paperless.Received.Count;
            await page.CloseAsync();
            return new Load(requests, bytes, milliseconds);
        }

        private static double Median(IEnumerable<Load> loads, Func<Load, double> of)
        {
            double[] sorted = [.. loads.Select(of).Order()];
            return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
        }
    }

    /// <param name="Bytes">Heads and bodies as they came over the wire; what came from the browser's own cache is none.</param>
    private sealed record Load(int Requests, double Bytes, double Milliseconds);
}
