using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Shipping;

/// <summary>What the Dockerfile's build stage makes, made without Docker: in a folder that holds what its COPYs name and nothing else.</summary>
public sealed partial class ImageContent : IAsyncLifetime
{
    private readonly string _root = Directory.CreateTempSubdirectory("gateway-image-").FullName;

    /// <summary>Stands for /app.</summary>
    public string App => Path.Combine(_root, "app");

    /// <summary>Stands for /data.</summary>
    public string Data => Path.Combine(_root, "data");

    public async ValueTask InitializeAsync()
    {
        string source = Directory.CreateDirectory(Path.Combine(_root, "source")).FullName;
        foreach (DockerInstruction instruction in Shipped.Dockerfile.Build)
        {
            if (instruction.Name == "COPY")
            {
                Copy(instruction, source);
            }
            else if (instruction.Name == "RUN")
            {
                await RunAsync(instruction.Rest, source);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Runs the image's program with the image's environment and the example's settings.</summary>
    public Task<(int ExitCode, string Output)> RunProgramAsync(string command, IReadOnlyDictionary<string, string> settings, CancellationToken ct) =>
        Command.RunAsync(
            RealPart.Process,
            Shipped.Dockerfile.TheFinal("ENTRYPOINT").Exec[0],
            [.. Shipped.Dockerfile.TheFinal("ENTRYPOINT").Exec.Skip(1), command],
            App,
            ct,
            Shipped.Dockerfile.Environment.With(Shipped.GatewayEnvironment).With(settings).With([KeyValuePair.Create("GATEWAY_DATA_DIR", Data)]));

    private static void Copy(DockerInstruction copy, string source)
    {
        string target = Path.Combine(source, copy.Words[^1]);
        foreach (string path in copy.Words.SkipLast(1))
        {
            string from = Path.Combine(Repository.Root, path);
            if (File.Exists(from))
            {
                Directory.CreateDirectory(target);
                File.Copy(from, Path.Combine(target, Path.GetFileName(path)), overwrite: true);
                continue;
            }

            foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
            {
                string to = Path.Combine(target, Path.GetRelativePath(from, file));
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Copy(file, to, overwrite: true);
            }
        }
    }

    private async Task RunAsync(string command, string source)
    {
        // Build servers would outlive the command and keep its output open.
        Dictionary<string, string> alone = new()
        {
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["UseSharedCompilation"] = "false",
            ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",

            // BuildKit gives it, in the words of Go.
            ["TARGETARCH"] = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64",
        };
        (int exitCode, string output) = await Command.RunAsync(
            RealPart.Process,
            "sh",
            ["-c", InTheImage().Replace(command, _root + "/")],
            source,
            TestContext.Current.CancellationToken,
            alone);
        Assert.True(exitCode == 0, $"RUN {command}\n{output}");
    }

    [GeneratedRegex(@"(?<= )/(?=(app|data)\b)")]
    private static partial Regex InTheImage();
}
