using System.Diagnostics;

namespace Gateway.Tests.Kit;

/// <summary>Runs a program to its end.</summary>
internal static class Command
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    /// <param name="part">What the test must say that it needs.</param>
    /// <returns>The exit code, and what it wrote to both of its outputs.</returns>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        RealPart part,
        string program,
        IEnumerable<string> arguments,
        string folder,
        CancellationToken ct,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        NeedsAttribute.Check(part);
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(ct);
        Task<string> errors = process.StandardError.ReadToEndAsync(ct);
        try
        {
            await process.WaitForExitAsync(ct).WaitAsync(Limit, ct);
            return (process.ExitCode, await output + await errors);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end in {Limit.TotalMinutes} minutes.");
        }
        finally
        {
            await process.KillAsync();
        }
    }
}
