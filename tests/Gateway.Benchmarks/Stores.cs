using System.Diagnostics;
using System.Globalization;
using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.Benchmarks;

/// <summary>A hundred thousand sessions in either store: what they take, and how long it takes to find, end, tidy and list them.</summary>
internal static class Stores
{
    private const int Sessions = 100_000;
    private const int EachPerson = 10;
    private const int LookUps = 5_000;
    private const int Ends = 50;

    public static async Task<int> RunAsync()
    {
        List<(string Name, string Value)> sqlite = await MeasureAsync(redis: false);
        List<(string Name, string Value)> redis = await MeasureAsync(redis: true);
        PerformancePage.Write("stores", $"""
            {Sessions.ToString("N0", CultureInfo.InvariantCulture)} sessions of {Sessions / EachPerson:N0} people, {EachPerson} each, made by the
            gateway's own classes with an ID token of 1.2 kB; {System.Environment.ProcessorCount} cores, .NET {System.Environment.Version}.
            Memory holds at most {SessionsFeature.MemoryCapacity.ToString("N0", CultureInfo.InvariantCulture)} of them. Redis keeps everything in memory
            and writes it to disk once a second (`appendfsync everysec`).

            | | SQLite | Redis |
            |---|---|---|
            {string.Join('\n', sqlite.Zip(redis, (one, other) => $"| {one.Name} | {one.Value} | {other.Value} |"))}

            ```sh
            dotnet run --configuration Release --project tests/Gateway.Benchmarks -- stores
            ```
            """);
        return 0;
    }

    private static async Task<List<(string, string)>> MeasureAsync(bool redis)
    {
        string folder = Directory.CreateTempSubdirectory("gateway-benchmark").FullName;
        int port = Workbench.FreePort();
        Child? server = redis ? new Child(
            "redis-server",
            ["--port", $"{port}", "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"]) : null;
        try
        {
            if (server is not null)
            {
                await server.WaitForAsync(port);
            }

            Dictionary<string, string> environment = Environment(folder, redis ? $"redis://127.0.0.1:{port}" : "");
            using StoreInHand hand = new(environment);
            List<(string, string)> rows = await hand.MeasureAsync(Sessions, EachPerson, LookUps, Ends);
            rows.Add(("memory of redis-server", server is null ? "–" : $"{server.MemoryMiB:0} MiB"));
            hand.Dispose();
            rows.Add(("size of the database", server is null
                ? $"{SizeOf(folder, "gateway.db*"):0} MiB"
                : $"{SizeOf(folder, "appendonly*"):0} MiB (its append-only file)"));
            rows.Add(("the command `sessions list --json`", $"{await ListAsync(environment):0.0} s"));
            using Child gateway = new("dotnet", [typeof(GatewaySettings).Assembly.Location], environment);
            await gateway.WaitForAsync(new Uri(environment["ASPNETCORE_URLS"] + "/gateway/session"));
            await Task.Delay(TimeSpan.FromSeconds(3));
            rows.Add(("memory of a gateway after its start", $"{gateway.MemoryMiB:0} MiB"));
            rows.ForEach(row => Console.Error.WriteLine($"{row.Item1}: {row.Item2}"));
            return rows;
        }
        finally
        {
            server?.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static double SizeOf(string folder, string pattern) =>
        new DirectoryInfo(folder).EnumerateFiles(pattern, SearchOption.AllDirectories).Sum(file => file.Length) / 1024.0 / 1024.0;

    private static async Task<double> ListAsync(Dictionary<string, string> environment)
    {
        ProcessStartInfo start = new("dotnet", [typeof(GatewaySettings).Assembly.Location, "sessions", "list", "--json"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        long began = Stopwatch.GetTimestamp();
        using Process list = Process.Start(start)!;
        using CancellationTokenSource late = new(TimeSpan.FromMinutes(10));
        using CancellationTokenRegistration stop = late.Token.Register(list.Kill);
        Task<string> errors = list.StandardError.ReadToEndAsync(late.Token);
        long letters = (await list.StandardOutput.ReadToEndAsync(late.Token)).Length;
        await list.WaitForExitAsync(late.Token);
        if (list.ExitCode != 0 || letters < Sessions)
        {
            throw new InvalidOperationException($"sessions list ended with {list.ExitCode}: {await errors}");
        }

        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static Dictionary<string, string> Environment(string folder, string redis) => new()
    {
        ["ASPNETCORE_URLS"] = $"http://localhost:{Workbench.FreePort()}",
        ["PAPERLESS_URL"] = "https://docs.example.com",
        ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
        ["PAPERLESS_SOCIALACCOUNT_PROVIDERS"]
            = """{"openid_connect": {"APPS": [{"provider_id": "a", "client_id": "b", "secret": "c", "settings": {"server_url": "http://127.0.0.1:9/"}}]}}""",
        ["GATEWAY_PAPERLESS_TOKEN"] = "token",
        ["GATEWAY_UPSTREAM_URL"] = "http://127.0.0.1:9",
        ["GATEWAY_DATA_DIR"] = folder,
        ["GATEWAY_MANAGEMENT_URL"] = $"http://127.0.0.1:{Workbench.FreePort()}",
        ["GATEWAY_REDIS_URL"] = redis,
    };
}
