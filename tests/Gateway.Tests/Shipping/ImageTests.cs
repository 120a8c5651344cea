using System.Text.Json;

namespace Gateway.Tests.Shipping;

/// <summary>There is no Docker engine where these tests run, so the Dockerfile's steps are taken one by one without it.</summary>
public sealed class ImageTests(ImageContent image) : IClassFixture<ImageContent>
{
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
    public void SQLites_library_is_there_for_both_processors_and_no_other()
    {
        string runtimes = Path.Combine(image.App, "runtimes");
        Assert.Equal(["linux-arm64", "linux-x64"], Directory.EnumerateDirectories(runtimes).Select(Path.GetFileName).Order());
        Assert.All(Directory.EnumerateDirectories(runtimes), runtime => Assert.True(File.Exists(Path.Combine(runtime, "native", "libe_sqlite3.so"))));
    }

    [Fact]
    public void The_data_directory_is_for_its_owner_alone() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, new DirectoryInfo(image.Data).UnixFileMode);
}
