using Gateway.Tests.Kit;

namespace Gateway.Tests.Shipping;

[Needs(RealPart.Linters)]
public sealed class LintTests
{
    [Fact]
    public async Task Linters_find_nothing_in_the_Dockerfile_and_the_Compose_file()
    {
        string folder = Path.Combine(Repository.Root, "tests", "lint");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules")), "The linters are not installed. tests/run installs them (npm ci in tests/lint).");

        (int exitCode, string output) = await Command.RunAsync(RealPart.Linters, "node", ["lint.mjs"], folder, TestContext.Current.CancellationToken);
        Assert.Equal("", output);
        Assert.Equal(0, exitCode);
    }
}
