using System.Diagnostics;

namespace Gateway.Tests.Kit;

/// <summary>A small Debian in a folder of its own. Its network is that of this machine, its processes and mounts are not.</summary>
internal sealed class DebianRoot : IAsyncDisposable
{
    /// <summary>What every command there gets; nothing of this process's environment.</summary>
    private static readonly string[] Environment =
    [
        "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
    ];

    private DebianRoot(string folder) => Folder = folder;

    /// <summary>Made by `tests/run`.</summary>
    public static string Archive { get; } = System.IO.Path.Combine(Repository.Root, "artifacts", "debian-root.tar");

    public string Folder { get; }

    public static bool IsRoot => System.Environment.UserName == "root";

    public static async Task<DebianRoot> CreateAsync()
    {
        NeedsAttribute.Check(RealPart.Debian);
        Assert.True(File.Exists(Archive), $"{Archive} is missing. tests/run makes it.");
        DebianRoot root = new(Directory.CreateTempSubdirectory("gateway-debian-").FullName);
        (int exitCode, string output) = await Command.RunAsync(RealPart.Debian, "tar", ["--extract", "--file", Archive], root.Folder, World.Ct);
        Assert.True(exitCode == 0, output);
        return root;
    }

    /// <summary>The path here of a file there.</summary>
    public string Path(string inside) => Folder + inside;

    /// <summary>Runs a shell command as root and returns its output.</summary>
    public async Task<string> RunAsync(string command, int expectedExitCode = 0)
    {
        (int exitCode, string output) = await Command.RunAsync(RealPart.Debian, "unshare", Arguments(command), Folder, World.Ct);
        Assert.True(exitCode == expectedExitCode, $"{command} ended with {exitCode}.\n{output}");
        return output.Trim();
    }

    /// <summary>How to start a command that goes on running; it is the first process there.</summary>
    public ProcessStartInfo Start(string command)
    {
        NeedsAttribute.Check(RealPart.Debian);
        return new ProcessStartInfo("unshare", Arguments("exec " + command));
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private IEnumerable<string> Arguments(string command) =>
        ["--mount", "--pid", "--fork", "--kill-child", "--root", Folder, "--mount-proc", .. Environment, "sh", "-c", command];
}
