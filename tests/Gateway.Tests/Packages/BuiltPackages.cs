using System.Runtime.InteropServices;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Packages;

/// <summary>The tests that look at the packages; one build is enough for all.</summary>
[CollectionDefinition]
public sealed class SharedPackages : ICollectionFixture<BuiltPackages>;

/// <summary>The packages for this machine, made by the command that a release uses.</summary>
public sealed class BuiltPackages : IAsyncDisposable
{
    public const string Version = "9.8.7-test.1";

    /// <summary>The time of every file in them.</summary>
    public static readonly DateTimeOffset Time = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    private readonly string _output = Directory.CreateTempSubdirectory("gateway-packages-").FullName;
    private bool _isBuilt;

    public static string Processor { get; } = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "x64";

    private static string DebianProcessor => Processor == "x64" ? "amd64" : Processor;

    public async Task<string> TarballAsync() => Path.Combine(await BuiltAsync(), $"paperless-gateway-{Version}-linux-{Processor}.tar.gz");

    public async Task<string> SbomAsync() => Path.Combine(await BuiltAsync(), $"paperless-gateway-{Version}-linux-{Processor}.cdx.json");

    /// <summary>Its version sorts before the release, as Debian has it.</summary>
    public async Task<string> DebAsync() => Path.Combine(await BuiltAsync(), $"paperless-gateway_9.8.7~test.1_{DebianProcessor}.deb");

    /// <summary>Runs the command that makes packages.</summary>
    public Task<(int ExitCode, string Output)> BuildAsync(string arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        Dictionary<string, string> all = new(environment ?? new Dictionary<string, string>())
        {
            ["OUTPUT"] = _output,
            ["SOURCE_DATE_EPOCH"] = $"{Time.ToUnixTimeSeconds()}",
        };
        all.TryAdd("VERSION", Version);
        string program = Path.Combine(Repository.Root, "config", "package", "build");
        return Command.RunAsync(RealPart.Process, program, arguments.Split(' '), Repository.Root, World.Ct, all);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_output, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Tests of one collection run one after another.</summary>
    private async Task<string> BuiltAsync()
    {
        if (!_isBuilt)
        {
            (int exitCode, string output) = await BuildAsync($"packages {Processor}");
            Assert.True(exitCode == 0, output);
            _isBuilt = true;
        }

        return _output;
    }
}
