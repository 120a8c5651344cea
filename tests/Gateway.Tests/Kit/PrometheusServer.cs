using System.Diagnostics;
using System.Text.Json;

namespace Gateway.Tests.Kit;

/// <summary>A real Prometheus on a loopback port, which reads the metrics of one gateway and the shipped alert rules.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private const string Program = "/usr/bin/prometheus";

    private readonly string _directory = Directory.CreateTempSubdirectory("gateway-prometheus").FullName;
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(20) };
    private Process? _process;
    private ProcessOutput? _output;

    /// <param name="management">The management address of the gateway.</param>
    /// <param name="rules">The file with the alert rules.</param>
    public static async Task<PrometheusServer> StartAsync(Uri management, string rules)
    {
        NeedsAttribute.Check(RealPart.Prometheus);
        PrometheusServer server = new();
        try
        {
            await server.RunAsync(management, rules);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The number of series that an expression finds now.</summary>
    /// <exception cref="InvalidOperationException">Prometheus does not understand the expression.</exception>
    public async Task<int> CountAsync(string expression)
    {
        using JsonDocument answer = await AskAsync($"query?query={Uri.EscapeDataString(expression)}");
        return answer.RootElement.GetProperty("data").GetProperty("result").GetArrayLength();
    }

    /// <summary>The values of an expression now.</summary>
    public async Task<IReadOnlyList<string>> ValuesAsync(string expression)
    {
        using JsonDocument answer = await AskAsync($"query?query={Uri.EscapeDataString(expression)}");
        return [.. answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Select(one => one.GetProperty("value")[1].GetString()!)];
    }

    /// <summary>The alerts by name, each with what Prometheus says of its rule: `ok`, `unknown` before the first evaluation, or `err`.</summary>
    public async Task<IReadOnlyDictionary<string, string>> RuleHealthAsync()
    {
        using JsonDocument answer = await AskAsync("rules?type=alert");
        return answer.RootElement.GetProperty("data").GetProperty("groups").EnumerateArray()
            .SelectMany(group => group.GetProperty("rules").EnumerateArray())
            .ToDictionary(rule => rule.GetProperty("name").GetString()!, rule => rule.GetProperty("health").GetString()!);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        if (_process is not null)
        {
            await _process.KillAsync();
            _process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private async Task RunAsync(Uri management, string rules)
    {
        string file = Path.Combine(_directory, "prometheus.yml");
        await File.WriteAllTextAsync(
            file,
            $"""
            global:
              scrape_interval: 250ms
              scrape_timeout: 250ms
              evaluation_interval: 250ms
            rule_files:
              - {rules}
            scrape_configs:
              - job_name: paperless-gateway
                static_configs:
                  - targets: ["{management.Authority}"]
            """,
            World.Ct);
        int port = World.FreePort();
        _client.BaseAddress = new Uri($"http://127.0.0.1:{port}/api/v1/");
        string[] arguments =
        [
            $"--config.file={file}",
            $"--storage.tsdb.path={Path.Combine(_directory, "data")}",
            $"--web.listen-address=127.0.0.1:{port}",
        ];
        _process = Process.Start(new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _output = new ProcessOutput(_process);
        await Wait.UntilAsync(
            async () => !_process.HasExited ? await IsReadyAsync() : throw new InvalidOperationException($"Prometheus ended. {_output}"),
            "Prometheus reads the metrics.",
            () => $"{_output}");
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            return (await ValuesAsync("up")).SequenceEqual(["1"]);
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task<JsonDocument> AskAsync(string path)
    {
        using HttpResponseMessage response = await _client.GetAsync(new Uri(path, UriKind.Relative), World.Ct);
        string text = await response.Content.ReadAsStringAsync(World.Ct);
        if ((int)response.StatusCode is 400 or 422)
        {
            throw new InvalidOperationException($"Prometheus refuses {Uri.UnescapeDataString(path)}: {text}");
        }

        response.EnsureSuccessStatusCode();
        return JsonDocument.Parse(text);
    }
}
