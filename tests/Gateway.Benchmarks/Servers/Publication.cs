using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Gateway.Benchmarks.Servers;

/// <summary>The gateway published into the measurement's own folder for this system, as the Dockerfile does it.</summary>
internal static class Publication
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <returns>The path of the program's assembly.</returns>
    /// <exception cref="InvalidOperationException">It does not build; what the SDK says of it is in the message.</exception>
    public static async Task<string> PublishAsync(Workbench bench, string name, params string[] options)
    {
        string output = Path.Combine(bench.Folder, name);
        string work = Path.Combine(bench.Folder, name + "-build");
        Directory.CreateDirectory(work);
        string[] arguments =
        [
            "publish", Path.Combine(
                PerformancePage.Root(),
                "src",
                "Gateway",
                "Gateway.csproj"), "--configuration", "Release", "--output", output, "--artifacts-path", work,
            "--runtime", RuntimeInformation
                .RuntimeIdentifier, "--self-contained", "false", "-p:UseAppHost=false", $"-p:NuGetLockFilePath={work}/packages.lock.json",
            "--verbosity", "quiet", "-nodeReuse:false", .. options,
        ];
        using Process publish = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(bench.Cancel);
        late.CancelAfter(Patience);
        using CancellationTokenRegistration stop = late.Token.Register(() => publish.Kill(entireProcessTree: true));
        string said = await publish.StandardOutput.ReadToEndAsync(late.Token);
        await publish.WaitForExitAsync(late.Token);
        return publish.ExitCode == 0
            ? Path.Combine(output, "Gateway.dll")
            : throw new InvalidOperationException($"dotnet {string.Join(' ', arguments)} says:\n{said}");
    }
}
