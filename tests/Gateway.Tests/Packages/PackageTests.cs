using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.Versioning;
using System.Xml.Linq;
using Gateway.Tests.Kit;
using Gateway.Tests.Shipping;

namespace Gateway.Tests.Packages;

/// <summary>What is in the packages, and the command that makes them.</summary>
[Collection<SharedPackages>]
[Needs(RealPart.Process)]
[UnsupportedOSPlatform("windows")]
public sealed class PackageTests(BuiltPackages packages)
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    [Fact]
    public async Task The_tarball_holds_the_program_its_unit_and_all_licences_in_one_folder()
    {
        string[] files = [.. (await EntriesAsync(await packages.TarballAsync())).Keys];
        string folder = $"paperless-gateway-{BuiltPackages.Version}-linux-{BuiltPackages.Processor}/";

        Assert.All(files, file => Assert.StartsWith(folder, file, StringComparison.Ordinal));
        string[] expected =
        [
            "LICENSE", "THIRD-PARTY-NOTICES", "gateway.env", "paperless-gateway", "paperless-gateway.service", "paperless-gateway.sysusers", "sbom.cdx.json",
        ];
        IEnumerable<string> beside = files.Select(file => file[folder.Length..]).Where(file => !file.StartsWith("lib/", StringComparison.Ordinal));
        Assert.Equal(["", .. expected], beside);
        string[] needed = ["Gateway", "Gateway.dll", "libcoreclr.so", "libe_sqlite3.so", "libsodium.so", "Microsoft.AspNetCore.dll"];
        Assert.Empty(needed.Select(name => $"{folder}lib/{name}").Except(files));
    }

    /// <summary>Nothing in it depends on the time or the machine of the build.</summary>
    [Fact]
    public async Task The_tarball_is_sorted_and_its_files_have_one_time_and_owner()
    {
        IReadOnlyDictionary<string, TarEntry> entries = await EntriesAsync(await packages.TarballAsync());

        // By the names of each folder, so that a slash comes before every letter.
        Assert.Equal(entries.Keys.OrderBy(name => name.TrimEnd('/').Replace('/', '\0'), StringComparer.Ordinal), entries.Keys);
        Assert.All(entries.Values, entry => Assert.Equal((BuiltPackages.Time, 0, 0), (entry.ModificationTime, entry.Uid, entry.Gid)));

        string[] executables = [.. entries.Where(entry => entry.Value is { EntryType: TarEntryType.RegularFile, Mode: Executable }).Select(entry => entry.Key)];
        Assert.Equal(["lib/Gateway", "paperless-gateway"], executables.Select(name => name.Split('/', 2)[1]));
        Assert.All(
            entries.Where(entry => entry.Value.EntryType == TarEntryType.RegularFile && !executables.Contains(entry.Key)),
            entry => Assert.Equal(Readable, entry.Value.Mode));

        byte[] gzip = (await File.ReadAllBytesAsync(await packages.TarballAsync(), World.Ct))[..8];
        Assert.Equal([0, 0, 0, 0], gzip[4..8]);
    }

    [Fact]
    public async Task The_program_of_the_tarball_runs_and_knows_its_version()
    {
        string folder = await UnpackedAsync(await packages.TarballAsync());
        (int exitCode, string output) = await Command.RunAsync(RealPart.Process, Path.Combine(folder, "lib", "Gateway"), ["--version"], folder, World.Ct);
        Assert.Equal(0, exitCode);
        Assert.StartsWith(BuiltPackages.Version, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_SBOM_lists_exactly_what_is_published_with_licence_and_hash()
    {
        string folder = await UnpackedAsync(await packages.TarballAsync());
        string sbom = await File.ReadAllTextAsync(await packages.SbomAsync(), World.Ct);
        Assert.Equal(sbom, await File.ReadAllTextAsync(Path.Combine(folder, "sbom.cdx.json"), World.Ct));

        IReadOnlyList<Component> components = Component.Read(sbom);
        Assert.Equal(
            Component.Published(await File.ReadAllTextAsync(Path.Combine(folder, "lib", "Gateway.deps.json"), World.Ct)),
            components.Select(one => $"{one.Name} {one.Version}").Order(StringComparer.OrdinalIgnoreCase));
        Assert.All(components, one => Assert.Equal($"pkg:nuget/{one.Name}@{one.Version}", one.Purl));
        Assert.All(components, one => Assert.Contains(one.Licence, (string[])["MIT", "Apache-2.0", "BSD-3-Clause", "ISC"]));
        Assert.Equal(
            [$"Microsoft.AspNetCore.App.Runtime.linux-{BuiltPackages.Processor}", $"Microsoft.NETCore.App.Runtime.linux-{BuiltPackages.Processor}"],
            components.Where(one => !one.HasHash).Select(one => one.Name).Order());
    }

    [Fact]
    public async Task The_notices_of_the_tarball_are_those_of_the_image_and_of_the_runtime()
    {
        string folder = await UnpackedAsync(await packages.TarballAsync());
        string notices = await File.ReadAllTextAsync(Path.Combine(folder, "THIRD-PARTY-NOTICES"), World.Ct);
        string[] added = [.. Component.Noticed(notices).Except(Component.Noticed(Shipped.Text("config/package/THIRD-PARTY-NOTICES")))];

        Assert.Equal(
            [$"Microsoft.AspNetCore.App.Runtime.linux-{BuiltPackages.Processor}", $"Microsoft.NETCore.App.Runtime.linux-{BuiltPackages.Processor}"],
            added.Select(package => package.Split(' ')[0]));
        Assert.Contains(".NET Runtime uses third-party libraries", notices, StringComparison.Ordinal);
    }

    /// <summary>Only the build for the other processor is tested: its program cannot run here.</summary>
    [Fact]
    public async Task The_tarball_for_the_other_processor_holds_programs_for_it()
    {
        string other = BuiltPackages.Processor == "x64" ? "arm64" : "x64";
        (int exitCode, string output) = await packages.BuildAsync($"tarball {other}");
        Assert.True(exitCode == 0, output);

        string folder = await UnpackedAsync(output.Trim());
        foreach (string file in new[] { "Gateway", "libcoreclr.so", "libe_sqlite3.so", "libsodium.so" })
        {
            // The field e_machine of ELF: 62 is x86-64, 183 is AArch64.
            byte[] head = (await File.ReadAllBytesAsync(Path.Combine(folder, "lib", file), World.Ct))[..20];
            Assert.Equal(other == "x64" ? 62 : 183, BitConverter.ToUInt16(head, 18));
        }
    }

    [Fact]
    [Needs(RealPart.Process, RealPart.Lintian)]
    public async Task Lintian_finds_nothing_in_the_deb()
    {
        string deb = await packages.DebAsync();
        (int exitCode, string output) = await Command.RunAsync(
            RealPart.Lintian, "/usr/bin/lintian", ["--allow-root", "--fail-on", "error,warning", deb], Path.GetTempPath(), World.Ct);
        Assert.Equal("", output);
        Assert.Equal(0, exitCode);
    }

    [Theory]
    [InlineData("deb riscv64", "The processor is x64 or arm64, not 'riscv64'.", null)]
    [InlineData("rpm x64", "'rpm' is none of these commands.", null)]
    [InlineData("deb x64", "VERSION is not a version like 1.2.3 or 1.2.3-rc.1: v1", "v1")]
    public async Task A_wrong_command_says_what_is_wrong(string arguments, string message, string? version)
    {
        Dictionary<string, string> environment = version is null ? [] : new() { ["VERSION"] = version };
        (int exitCode, string output) = await packages.BuildAsync(arguments, environment);
        Assert.Equal(1, exitCode);
        Assert.Contains($"config/package/build: {message}", output, StringComparison.Ordinal);
    }

    /// <summary>No digest can be looked up here, so a small program takes the place of Docker.</summary>
    [Fact]
    public async Task A_release_pins_every_base_image_of_the_Dockerfile_by_the_digest_that_Docker_finds()
    {
        string digest = "sha256:" + new string('a', 64);
        (int exitCode, string output) = await WithDockerAsync($"[ \"$3\" = inspect ] && echo {digest}");

        Assert.Equal(0, exitCode);
        string[] images = [.. Shipped.Dockerfile.Stages.Select(stage => stage[0].Words[0])];
        Assert.Equal(
            images.Select(image => $"{image}=docker-image://{image[..image.LastIndexOf(':')]}@{digest}"),
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("exit 1", "Docker finds no digest for mcr.microsoft.com/dotnet/sdk:10.0.")]
    [InlineData("echo latest", "Not a digest for mcr.microsoft.com/dotnet/sdk:10.0: latest")]
    public async Task A_base_image_without_a_digest_stops_the_release(string docker, string message)
    {
        (int exitCode, string output) = await WithDockerAsync(docker);
        Assert.Equal(1, exitCode);
        Assert.Contains(message, output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_usual_version_is_that_of_the_projects() => Assert.Matches(
        @"\A\d+\.\d+\.\d+\z", XDocument.Parse(Shipped.Text("Directory.Build.props")).Descendants("Version").Single().Value);

    private async Task<(int ExitCode, string Output)> WithDockerAsync(string script)
    {
        string folder = Directory.CreateTempSubdirectory("gateway-docker-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "docker"), $"#!/bin/sh\n{script}\n", World.Ct);
        File.SetUnixFileMode(Path.Combine(folder, "docker"), Executable);
        return await packages.BuildAsync("bases", new Dictionary<string, string> { ["PATH"] = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}" });
    }

    private static async Task<IReadOnlyDictionary<string, TarEntry>> EntriesAsync(string tarball)
    {
        await using FileStream file = File.OpenRead(tarball);
        await using GZipStream plain = new(file, CompressionMode.Decompress);
        await using TarReader reader = new(plain);
        Dictionary<string, TarEntry> entries = [];
        while (await reader.GetNextEntryAsync(cancellationToken: World.Ct) is { } entry)
        {
            entries.Add(entry.Name, entry);
        }

        return entries;
    }

    /// <summary>Beside the tarball, once.</summary>
    internal static async Task<string> UnpackedAsync(string tarball)
    {
        string folder = tarball[..^".tar.gz".Length];
        if (!Directory.Exists(folder))
        {
            await using FileStream file = File.OpenRead(tarball);
            await using GZipStream plain = new(file, CompressionMode.Decompress);
            await TarFile.ExtractToDirectoryAsync(plain, Path.GetDirectoryName(tarball)!, overwriteFiles: false, World.Ct);
        }

        return folder;
    }
}
