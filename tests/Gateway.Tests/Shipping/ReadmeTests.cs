namespace Gateway.Tests.Shipping;

public sealed class ReadmeTests
{
    private const int MostLines = 150;

    private static readonly Document Readme = Document.Of("README.md");

    [Fact]
    public void The_README_is_short() => Assert.True(Readme.Text.Split('\n').Length <= MostLines);

    [Fact]
    public void The_README_links_to_every_page_of_the_documentation()
    {
        IEnumerable<string> pages = Document.All.Select(document => document.Path)
            .Where(path => path.StartsWith("docs/", StringComparison.Ordinal) && !path.StartsWith("docs/decisions/0", StringComparison.Ordinal));
        Assert.Empty(pages.Except(Readme.Links.Select(Readme.Target)));
    }

    [Fact]
    public void The_sandbox_command_in_the_README_starts_an_existing_project()
    {
        string project = Assert.Single(Readme.Text.Split('\n'), line => line.StartsWith("dotnet run --project ", StringComparison.Ordinal)).Split(' ')[^1];
        string folder = Path.Combine(Repository.Root, project);

        // It moves in a later step.
        folder = Directory.Exists(folder) ? folder : Path.Combine(Repository.Root, "src", Path.GetFileName(project));
        Assert.True(File.Exists(Path.Combine(folder, Path.GetFileName(project) + ".csproj")));
        Assert.True(File.Exists(Path.Combine(Repository.Root, "tests/run")));
    }
}
