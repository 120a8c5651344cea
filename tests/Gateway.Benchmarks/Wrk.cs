using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Gateway.Benchmarks;

/// <summary>What one run of wrk measured.</summary>
internal sealed record Load(double RequestsPerSecond, double Requests, double P50Milliseconds, double P99Milliseconds);

/// <summary>Debian's `wrk`, bounded in time and connections, against an address of this machine.</summary>
internal static partial class Wrk
{
    /// <summary>What a browser sends with each request of Paperless's page.</summary>
    private static readonly string[] BrowserHeaders =
    [
        "Accept: application/json; version=9",
        "Accept-Encoding: identity",
        "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        "Sec-Fetch-Mode: cors",
        "Sec-Fetch-Dest: empty",
        "Sec-Fetch-Site: same-origin",
    ];

    public static async Task<Load> RunAsync(Uri address, string? cookie, int seconds, int connections)
    {
        List<string> arguments = ["-t", "1", "-c", connections.ToString(CultureInfo.InvariantCulture), "-d", $"{seconds}s", "--latency", "--timeout", "10s"];
        foreach (string header in cookie is null ? BrowserHeaders : [.. BrowserHeaders, "Cookie: " + cookie])
        {
            arguments.AddRange(["-H", header]);
        }

        using Process wrk = Process.Start(new ProcessStartInfo("wrk", [.. arguments, address.AbsoluteUri]) { RedirectStandardOutput = true })!;
        string output = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || !Rate().IsMatch(output))
        {
            throw new InvalidOperationException($"wrk against {address} did not get what it asked for:\n{output}");
        }

        return new Load(
            Number(Rate().Match(output).Groups[1].Value),
            Number(Total().Match(output).Groups[1].Value),
            Milliseconds(P50().Match(output)),
            Milliseconds(P99().Match(output)));
    }

    private static double Milliseconds(Match match) =>
        Number(match.Groups[1].Value) * match.Groups[2].Value switch { "us" => 0.001, "ms" => 1, _ => 1000 };

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Total();

    [GeneratedRegex(@"50%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex P50();

    [GeneratedRegex(@"99%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex P99();
}
