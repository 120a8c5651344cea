using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Shipping;

/// <summary>The files in `.github`: workflows, templates for issues, and the dependency bot.</summary>
public sealed partial class PlatformFilesTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, ".github");

    public static TheoryData<string> Files =>
        [.. Directory.EnumerateFiles(Folder, "*.yml", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Repository.Root, file))
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_platform_file_is_valid_YAML(string path) => Assert.NotEmpty(Shipped.Yaml(Shipped.Text(path)).Children);

    [Fact]
    public void The_workflow_runs_the_tests_on_every_push_and_pull_request()
    {
        YamlMappingNode workflow = Workflow("test.yml");
        Assert.Equal(["push", "pull_request", "workflow_call"], workflow["on"].Keys());
        Assert.Contains(".ci/run", Steps(workflow).SelectMany(step => step.Texts("run")));
    }

    [Fact]
    public void A_release_is_tested_and_built_for_both_processors_with_an_SBOM_and_provenance()
    {
        YamlMappingNode workflow = Workflow("release.yml");
        Assert.Equal(["v*"], workflow["on"]["push"].Texts("tags"));
        Assert.Equal("./.github/workflows/test.yml", workflow["jobs"]["test"]["uses"].Text());
        Assert.Equal("test", workflow["jobs"]["image"]["needs"].Text());

        IReadOnlyDictionary<string, string> build = Steps(workflow)
            .Single(step => step.Texts("uses") is [string action] && action.StartsWith("docker/build-push-action@", StringComparison.Ordinal))
            .Map("with");
        Assert.Equal("linux/amd64,linux/arm64", build["platforms"]);
        Assert.Equal("true", build["push"]);
        Assert.Equal("true", build["sbom"]);
        Assert.Equal("mode=max", build["provenance"]);
    }

    [Fact]
    public void A_release_publishes_the_packages_for_both_processors_with_checksums_and_attestations()
    {
        YamlNode jobs = Workflow("release.yml")["jobs"];
        Assert.Equal(["x64", "arm64"], jobs["packages"]["strategy"]["matrix"].Texts("processor"));
        Assert.Contains("config/package/build packages ${{ matrix.processor }}", Assert.Single(Commands(jobs["packages"])), StringComparison.Ordinal);
        YamlNode build = Assert.Single(StepsOf(jobs["packages"]), step => step.Texts("run").Any());
        Assert.Equal("${{ vars.MAINTAINER }}", build.Map("env")["MAINTAINER"]);
        Assert.Contains("MAINTAINER:-", Shipped.Text("config/package/build"), StringComparison.Ordinal);
        Assert.Equal("artifacts/package/*", With(jobs["packages"], "actions/attest-build-provenance")["subject-path"]);
        Assert.Equal("${{ steps.build.outputs.digest }}", With(jobs["image"], "actions/attest-build-provenance")["subject-digest"]);

        Assert.Equal(["packages", "image"], jobs["release"].Texts("needs"));
        string[] uploads = [With(jobs["packages"], "actions/upload-artifact")["name"], With(jobs["image"], "actions/upload-artifact")["name"]];
        string pattern = With(jobs["release"], "actions/download-artifact")["pattern"];
        Assert.All(uploads, upload => Assert.StartsWith(pattern.TrimEnd('*'), upload, StringComparison.Ordinal));
        Assert.Contains(Commands(jobs["release"]), command => command.Contains("sha256sum", StringComparison.Ordinal)
            && command.Contains("gh release create", StringComparison.Ordinal));
    }

    [Fact]
    public void A_release_builds_the_image_from_base_images_by_digest_and_publishes_the_digests()
    {
        YamlNode image = Workflow("release.yml")["jobs"]["image"];
        string resolve = Assert.Single(Commands(image), command => command.Contains("config/package/build bases", StringComparison.Ordinal));
        Assert.Contains("contexts<<END", resolve, StringComparison.Ordinal);
        Assert.Equal("${{ steps.bases.outputs.contexts }}", With(image, "docker/build-push-action")["build-contexts"]);
        Assert.Contains("base-images.txt", With(image, "actions/upload-artifact")["path"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("test.yml")]
    [InlineData("release.yml")]
    public void Workflows_have_minimal_permissions_and_pinned_actions(string name)
    {
        YamlMappingNode workflow = Workflow(name);
        Assert.Equal("read", Assert.Single(workflow.Map("permissions")).Value);
        Assert.All(Steps(workflow).SelectMany(step => step.Texts("uses")), action => Assert.Matches(@"\A[\w-]+/[\w-]+@v\d+\z", action));
        IEnumerable<YamlNode> ownJobs = ((YamlMappingNode)workflow["jobs"]).Children.Values.Where(job => !job.TryGet("uses", out _));
        Assert.All(ownJobs, job => Assert.NotEmpty(job.Texts("timeout-minutes")));
    }

    [Fact]
    public void The_release_workflow_pushes_the_image_to_the_registry_of_the_repository()
    {
        string workflow = Shipped.Text(".github/workflows/release.yml");
        Assert.Contains("${{ vars.CONTAINER_REGISTRY }}/${{ github.repository }}", workflow, StringComparison.Ordinal);
        Assert.DoesNotMatch(HostName(), workflow);
    }

    [Fact]
    public void The_dependency_bot_watches_every_folder_with_dependencies()
    {
        YamlNode updates = Shipped.Yaml(Shipped.Text(".github/dependabot.yml"))["updates"];
        string[] watched = [.. ((YamlSequenceNode)updates).Select(update => $"{update["package-ecosystem"].Text()} {update["directory"].Text()}")];
        Assert.Equal(["nuget /", "npm /tests/interop", "npm /tests/lint", "docker /", "github-actions /"], watched);
        Assert.All(watched.Where(place => place.StartsWith("npm ", StringComparison.Ordinal)), place =>
            Assert.True(File.Exists(Path.Combine(Repository.Root, place["npm /".Length..], "package.json")), place));
    }

    private static IEnumerable<YamlNode> StepsOf(YamlNode job) => (YamlSequenceNode)job["steps"];

    private static IEnumerable<string> Commands(YamlNode job) => StepsOf(job).SelectMany(step => step.Texts("run"));

    private static IReadOnlyDictionary<string, string> With(YamlNode job, string action) =>
        Assert.Single(StepsOf(job), step => step.Texts("uses").Any(uses => uses.StartsWith(action + "@", StringComparison.Ordinal))).Map("with");

    private static YamlMappingNode Workflow(string name) => Shipped.Yaml(Shipped.Text(".github/workflows/" + name));

    private static IEnumerable<YamlNode> Steps(YamlMappingNode workflow) => ((YamlMappingNode)workflow["jobs"]).Children.Values
        .SelectMany(job => job.TryGet("steps", out YamlNode? steps) ? (IEnumerable<YamlNode>)(YamlSequenceNode)steps : []);

    [GeneratedRegex(@"(?<![\w./-])[a-z0-9-]+\.(io|com|org|dev|net)\b")]
    private static partial Regex HostName();
}
