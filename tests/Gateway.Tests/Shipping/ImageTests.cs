using System.Reflection.PortableExecutable;
using System.Text.Json;
using Gateway.Tests.Languages;

namespace Gateway.Tests.Shipping;

/// <summary>The steps of the Dockerfile, run one by one without a Docker engine.</summary>
[Needs(RealPart.Process)]
public sealed class ImageTests(ImageContent image) : IClassFixture<ImageContent>
{
    /// <summary>Discard (RFC 863): nothing listens there.</summary>
    private static readonly Dictionary<string, string> Nobody = new() { ["GATEWAY_MANAGEMENT_URL"] = "http://127.0.0.1:9" };

    [Fact]
    public void The_build_stage_publishes_the_program_that_the_image_starts()
    {
        string assembly = Shipped.Dockerfile.TheFinal("ENTRYPOINT").Exec[1];
        Assert.True(File.Exists(Path.Combine(image.App, assembly)));

        string configuration = File.ReadAllText(Path.Combine(image.App, Path.ChangeExtension(assembly, ".runtimeconfig.json")));
        string[] frameworks = [.. JsonDocument.Parse(configuration).RootElement.GetProperty("runtimeOptions").GetProperty("frameworks")
            .EnumerateArray().Select(framework => framework.GetProperty("name").GetString()!)];
        Assert.Equal(["Microsoft.AspNetCore.App", "Microsoft.NETCore.App"], frameworks.Order());
    }

    [Fact]
    public void The_SQLite_library_is_the_one_for_the_images_processor()
    {
        Assert.True(File.Exists(Path.Combine(image.App, "libe_sqlite3.so")));
        Assert.False(Directory.Exists(Path.Combine(image.App, "runtimes")), "Libraries for other systems are in the image, too.");
    }

    [Fact]
    public void The_texts_of_every_language_are_in_the_image() => Assert.All(
        TextFile.Translations,
        file => Assert.True(File.Exists(Path.Combine(image.App, file.Language, "Gateway.resources.dll")), file.Language));

    /// <summary>Compiled ahead, an assembly has a managed native header, which names what the machine can run.</summary>
    [Fact]
    public void The_program_and_its_libraries_are_compiled_ahead_of_time()
    {
        foreach (string assembly in Directory.EnumerateFiles(image.App, "*.dll").Where(path => new FileInfo(path).Length > 100_000))
        {
            using PEReader reader = new(File.OpenRead(assembly));
            Assert.True(reader.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size > 0, $"{Path.GetFileName(assembly)} is compiled at every start.");
        }
    }

    [Fact]
    public void The_data_directory_is_accessible_to_its_owner_only() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, new DirectoryInfo(image.Data).UnixFileMode);

    [Fact]
    public async Task Validate_accepts_the_example_environment()
    {
        (int exitCode, string output) = await image.RunProgramAsync("validate", new Dictionary<string, string>(), TestContext.Current.CancellationToken);
        Assert.True(exitCode == 0, output);
    }

    [Fact]
    public async Task Validate_refuses_a_configuration_with_which_the_gateway_would_not_start()
    {
        Dictionary<string, string> wrong = new() { ["PAPERLESS_URL"] = "docs.example.com" };
        (int exitCode, string output) = await image.RunProgramAsync("validate", wrong, TestContext.Current.CancellationToken);
        Assert.Equal(1, exitCode);
        Assert.Contains("PAPERLESS_URL", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_health_check_of_the_image_fails_without_a_running_gateway()
    {
        string command = Shipped.Dockerfile.TheFinal("HEALTHCHECK").Exec[^1];
        (int exitCode, _) = await image.RunProgramAsync(command, Nobody, TestContext.Current.CancellationToken);
        Assert.Equal(1, exitCode);
    }
}
