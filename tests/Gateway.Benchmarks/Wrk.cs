using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Gateway.Benchmarks;

/// <summary>What one run of wrk measured.</summary>
internal sealed record Load(double RequestsPerSecond, double Requests, double P50Milliseconds, double P99Milliseconds);

/// <summary>A Lua file that changes what wrk sends, or when.</summary>
internal sealed record WrkScript(string File, params string[] Arguments);

/// <summary>Debian's `wrk`, bounded in time and connections, against an address of this machine.</summary>
internal static partial class Wrk
{
    /// <summary>What a browser sends with each request of Paperless's page, beside `Host` and `Cookie`.</summary>
    public static readonly IReadOnlyList<string> BrowserHeaders =
    [
        "Connection: keep-alive",
        "sec-ch-ua-platform: \"Linux\"",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        "Accept: application/json; version=9",
        "sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\", \"Google Chrome\";v=\"140\"",
        "sec-ch-ua-mobile: ?0",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: cors",
        "Sec-Fetch-Dest: empty",
        "Referer: http://localhost/documents",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    ];

    /// <exception cref="InvalidOperationException">An answer was an error, or there was none.</exception>
    public static async Task<Load> RunAsync(
        Uri address,
        string? cookie,
        int seconds,
        int connections,
        WrkScript? script = null,
        string? authorization = null,
        CancellationToken cancel = default)
    {
        List<string> arguments = ["-t", "1", "-c", connections.ToString(CultureInfo.InvariantCulture), "-d", $"{seconds}s", "--latency", "--timeout", "10s"];
        string[] own = [.. Header("Cookie", authorization is null ? cookie : null), .. Header("Authorization", authorization)];
        foreach (string header in (string[])[.. BrowserHeaders, .. own])
        {
            arguments.AddRange(["-H", header]);
        }

        arguments.AddRange(script is null ? [] : ["-s", script.File]);
        arguments.Add(address.AbsoluteUri);
        arguments.AddRange(script is null ? [] : ["--", .. script.Arguments]);
        using Process wrk = Process.Start(new ProcessStartInfo("wrk", arguments) { RedirectStandardOutput = true })!;
        using CancellationTokenRegistration stop = cancel.Register(() => wrk.Kill());
        string output = await wrk.StandardOutput.ReadToEndAsync(cancel);
        await wrk.WaitForExitAsync(cancel);
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || !Rate().IsMatch(output))
        {
            throw new InvalidOperationException($"wrk against {address} did not get what it asked for:\n{output}");
        }

        if (SocketErrors().Match(output) is { Success: true } errors)
        {
            await Console.Error.WriteLineAsync($"{address}: {errors.Value}");
        }

        return new Load(
            Number(Rate().Match(output).Groups[1].Value),
            Number(Total().Match(output).Groups[1].Value),
            Milliseconds(P50().Match(output)),
            Milliseconds(P99().Match(output)));
    }

    private static IEnumerable<string> Header(string name, string? value) => value is null ? [] : [$"{name}: {value}"];

    private static double Milliseconds(Match match) =>
        Number(match.Groups[1].Value) * match.Groups[2].Value switch { "us" => 0.001, "ms" => 1, _ => 1000 };

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex("Socket errors:.*")]
    private static partial Regex SocketErrors();

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Total();

    [GeneratedRegex(@"50%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex P50();

    [GeneratedRegex(@"99%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex P99();
}
