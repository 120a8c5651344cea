using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gateway.Sandbox.Provider;

namespace Gateway.Benchmarks;

/// <summary>
/// Requests a second with a session through the gateway, against plain YARP, both in front of the same nginx; alternating in one run,
/// medians of the rounds.
/// </summary>
internal static class Throughput
{
    private const int Seconds = 5;
    private const int Connections = 64;

    private const string Alice = """{"id": 7, "username": "alice", "email": "alice@example.com", "first_name": "Alice", "last_name": "Archer", "is_active": true, "is_staff": false, "is_superuser": false, "groups": []}""";

    public static async Task<int> RunAsync(int rounds)
    {
        string folder = Directory.CreateTempSubdirectory("gateway-benchmark").FullName;
        try
        {
            await MeasureAsync(folder, rounds);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task MeasureAsync(string folder, int rounds)
    {
        int[] ports = [.. Enumerable.Range(0, 5).Select(_ => FreePort())];
        Uri upstream = Local(ports[0]);
        using Child nginx = new("/usr/sbin/nginx", ["-p", folder, "-c", NginxConfiguration(folder, ports[0])]);
        await nginx.WaitForAsync(upstream);
        using Child plain = new("dotnet", [typeof(Throughput).Assembly.Location, "plain-yarp", ports[1].ToString(CultureInfo.InvariantCulture), upstream.AbsoluteUri]);
        await using DevelopmentProvider provider = await DevelopmentProvider.StartAsync(new DevelopmentProviderOptions());
        provider.SignsInAs = "alice";
        using Child quiet = Gateway(folder, "quiet", ports[2], upstream, provider, accessLog: false);
        using Child logging = Gateway(folder, "logging", ports[3], upstream, provider, accessLog: true);
        await plain.WaitForAsync(Local(ports[1]));
        string quietCookie = await SignInAsync(ports[2], quiet);
        string loggingCookie = await SignInAsync(ports[3], logging);

        Variant[] variants =
        [
            new("plain YARP", Local(ports[1]), quietCookie, plain),
            new("gateway, with a session", Gateway(ports[2]), quietCookie, quiet),
            new("gateway, with a session and the request log", Gateway(ports[3]), loggingCookie, logging),
            new("plain YARP, once more", Local(ports[1]), quietCookie, plain),
            new("nginx itself", upstream, null, nginx),
        ];
        foreach (Variant variant in variants)
        {
            await Wrk.RunAsync(variant.Address, variant.Cookie, Seconds, Connections);
        }

        for (int round = 1; round <= rounds; round++)
        {
            foreach (Variant variant in variants)
            {
                await variant.MeasureAsync(Seconds, Connections);
            }

            Console.Error.WriteLine($"round {round} of {rounds}: {string.Join("  ", variants.Select(variant => $"{variant.Rates[^1]:0}"))}");
        }

        Report(variants, rounds);
    }

    private static void Report(Variant[] variants, int rounds)
    {
        Variant baseline = variants[0];
        Console.WriteLine($"\n{rounds} rounds of {Seconds} s, {Connections} connections, 1 KiB answers, {Environment.ProcessorCount} cores, .NET {Environment.Version}\n");
        Console.WriteLine("| | requests/s, median | lowest to highest | plain YARP = 1 | CPU seconds for 10,000 requests | p50 ms | p99 ms | memory MiB |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (Variant variant in variants)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {variant.Name} | {variant.Rate:0} | {variant.Rates.Min():0} to {variant.Rates.Max():0} | {variant.Ratio(baseline):0.00} | {Variant.Median(variant.Cpu):0.00} | {Variant.Median(variant.P50):0.0} | {Variant.Median(variant.P99):0.0} | {variant.Process.MemoryMiB:0} |"));
        }
    }

    private static Child Gateway(string folder, string name, int port, Uri upstream, DevelopmentProvider provider, bool accessLog)
    {
        string origin = $"http://localhost:{port}";
        provider.Options = provider.Options with { RedirectUris = [.. provider.Options.RedirectUris, origin + "/accounts/oidc/authentik/login/callback/"] };
        Dictionary<string, string> environment = new()
        {
            ["ASPNETCORE_URLS"] = origin,
            ["PAPERLESS_URL"] = origin,
            ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
            ["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = $$$"""{"openid_connect": {"APPS": [{"provider_id": "authentik", "client_id": "{{{provider.Options.ClientId}}}", "secret": "{{{provider.Options.ClientSecret}}}", "settings": {"server_url": "{{{provider.DiscoveryUrl}}}"}}]}}""",
            ["GATEWAY_PAPERLESS_TOKEN"] = "0123456789",
            ["GATEWAY_UPSTREAM_URL"] = upstream.GetLeftPart(UriPartial.Authority),
            ["GATEWAY_DATA_DIR"] = Path.Combine(folder, name),
            ["GATEWAY_MANAGEMENT_URL"] = $"http://127.0.0.1:{FreePort()}",
        };
        if (!accessLog)
        {
            environment["Serilog__MinimumLevel__Override__Gateway.AccessLog"] = "Warning";
        }

        return new Child("dotnet", [typeof(Settings.GatewaySettings).Assembly.Location], environment);
    }

    private static async Task<string> SignInAsync(int port, Child gateway)
    {
        await gateway.WaitForAsync(Gateway(port));
        CookieContainer cookies = new();
        using HttpClient browser = new(new SocketsHttpHandler { CookieContainer = cookies });
        using HttpResponseMessage page = await browser.GetAsync($"http://localhost:{port}/accounts/oidc/authentik/login/");
        page.EnsureSuccessStatusCode();
        return cookies.GetCookieHeader(Gateway(port)) + "; csrftoken=sZcEGCdPOTvtAxt0k3v2V2VuVg595RL4";
    }

    private static string NginxConfiguration(string folder, int port)
    {
        string file = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(file, $$"""
            daemon off;
            worker_processes 1;
            error_log stderr error;
            pid {{folder}}/nginx.pid;
            events { worker_connections 4096; }
            http {
              access_log off;
              keepalive_requests 100000000;
              client_body_temp_path {{folder}}/body;
              proxy_temp_path {{folder}}/proxy;
              fastcgi_temp_path {{folder}}/fastcgi;
              uwsgi_temp_path {{folder}}/uwsgi;
              scgi_temp_path {{folder}}/scgi;
              server {
                listen 127.0.0.1:{{port}} backlog=4096;
                default_type application/json;

                # As much of Paperless's API as one sign-in asks for.
                location = /api/ui_settings/ { return 200 '{"user": {"id": 1, "username": "gateway", "is_superuser": true} }'; }
                location = /api/users/ { return 200 '{"next": null, "results": [{{Alice}}]}'; }
                location = /api/users/7/ { return 200 '{{Alice}}'; }
                location / { default_type application/json; return 200 "{{new string('x', 1024)}}"; }
              }
            }
            """);
        return file;
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static Uri Local(int port) => new($"http://127.0.0.1:{port}/api/documents/");

    private static Uri Gateway(int port) => new($"http://localhost:{port}/api/documents/");

    /// <summary>One server under load, and what its rounds came to.</summary>
    private sealed record Variant(string Name, Uri Address, string? Cookie, Child Process)
    {
        public List<double> Rates { get; } = [];

        public List<double> Cpu { get; } = [];

        public List<double> P50 { get; } = [];

        public List<double> P99 { get; } = [];

        public double Rate => Median(Rates);

        public static double Median(IEnumerable<double> values)
        {
            double[] sorted = [.. values.Order()];
            return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
        }

        /// <summary>The median of the rounds' own ratios: both sides of each were measured side by side.</summary>
        public double Ratio(Variant baseline) => Median(Rates.Zip(baseline.Rates, (own, plain) => own / plain));

        public async Task MeasureAsync(int seconds, int connections)
        {
            double before = Process.CpuSeconds;
            Load load = await Wrk.RunAsync(Address, Cookie, seconds, connections);
            Rates.Add(load.RequestsPerSecond);
            Cpu.Add((Process.CpuSeconds - before) / load.Requests * 10_000);
            P50.Add(load.P50Milliseconds);
            P99.Add(load.P99Milliseconds);
        }
    }
}
