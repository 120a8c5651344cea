namespace Gateway.Tests.Shipping;

/// <summary>The commands that the Dockerfile, the Compose file and the README name, in the program that the image starts.</summary>
public sealed class ImageCommandTests(ImageContent image) : IClassFixture<ImageContent>
{
    /// <summary>Discard (RFC 863): nothing listens there.</summary>
    private static readonly Dictionary<string, string> Nobody = new() { ["GATEWAY_MANAGEMENT_URL"] = "http://127.0.0.1:9" };

    [Fact]
    public async Task Validate_accepts_the_example()
    {
        (int exitCode, string output) = await image.RunProgramAsync("validate", new Dictionary<string, string>(), TestContext.Current.CancellationToken);
        Assert.True(exitCode == 0, output);
    }

    [Fact]
    public async Task Validate_refuses_what_the_gateway_would_not_start_with()
    {
        Dictionary<string, string> wrong = new() { ["PAPERLESS_URL"] = "https://docs.example.com/" };
        (int exitCode, string output) = await image.RunProgramAsync("validate", wrong, TestContext.Current.CancellationToken);
        Assert.Equal(1, exitCode);
        Assert.Contains("PAPERLESS_URL", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_health_check_says_no_where_no_gateway_runs()
    {
        string command = Shipped.Dockerfile.TheFinal("HEALTHCHECK").Exec[^1];
        (int exitCode, _) = await image.RunProgramAsync(command, Nobody, TestContext.Current.CancellationToken);
        Assert.Equal(1, exitCode);
    }
}
