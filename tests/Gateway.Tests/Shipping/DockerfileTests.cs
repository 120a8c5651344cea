using System.Text.RegularExpressions;
using System.Xml.Linq;
using Gateway.Settings;

namespace Gateway.Tests.Shipping;

public sealed partial class DockerfileTests
{
    private static readonly Dockerfile Image = Shipped.Dockerfile;

    private static IEnumerable<DockerInstruction> CopiesFromTheRepository =>
        Image.Instructions.Where(instruction => instruction.Name == "COPY" && !instruction.Flags.ContainsKey("from"));

    [Fact]
    public void Every_file_copied_by_the_Dockerfile_exists_and_is_in_the_build_context()
    {
        string[] ignore = [.. Shipped.Text(".dockerignore").Split('\n').Where(line => line.Length > 0 && !line.StartsWith('#'))];
        Assert.Equal("*", ignore[0]);
        string[] sent = [.. ignore.Where(line => line.StartsWith('!')).Select(line => line[1..])];

        foreach (string source in CopiesFromTheRepository.SelectMany(copy => copy.Words.SkipLast(1)))
        {
            Assert.True(Path.Exists(Path.Combine(Repository.Root, source)), $"{source} does not exist.");
            Assert.True(
                sent.Any(path => source.TrimEnd('/') == path || source.StartsWith(path + "/", StringComparison.Ordinal)),
                $".dockerignore keeps {source} back.");
        }
    }

    [Fact]
    public void The_build_context_contains_nothing_that_is_not_copied()
    {
        string[] sources = [.. CopiesFromTheRepository.SelectMany(copy => copy.Words.SkipLast(1)).Select(source => source.TrimEnd('/'))];
        foreach (string path in Shipped.Text(".dockerignore").Split('\n').Where(line => line.StartsWith('!')))
        {
            Assert.Contains(path[1..], sources);
        }
    }

    [Fact]
    public void The_Docker_images_match_the_target_framework_of_the_projects()
    {
        string framework = XDocument.Parse(Shipped.Text("Directory.Build.props")).Descendants("TargetFramework").Single().Value;
        string version = framework["net".Length..];

        string[] images = [.. Image.Stages.Select(stage => stage[0].Words[0])];
        Assert.Equal([$"mcr.microsoft.com/dotnet/sdk:{version}", $"mcr.microsoft.com/dotnet/aspnet:{version}-noble-chiseled"], images);
    }

    /// <summary>The image has neither ICU nor time zones.</summary>
    [Fact]
    public void The_program_needs_no_globalization_data() =>
        Assert.Equal("true", XDocument.Parse(Shipped.Text("Directory.Build.props")).Descendants("InvariantGlobalization").Single().Value);

    [Fact]
    public void The_Docker_build_restores_the_packages_of_the_lock_file()
    {
        DockerInstruction[] restores = [.. Image.Build.Where(instruction => instruction.Rest.StartsWith("dotnet restore", StringComparison.Ordinal))];
        Assert.Contains("--locked-mode", restores[0].Words);
        Assert.All(restores.Skip(1), later => Assert.Contains("-p:NuGetLockFilePath=obj/packages.lock.json", later.Words));
        Assert.Contains(CopiesFromTheRepository, copy => copy.Words.Contains("src/Gateway/packages.lock.json"));
    }

    /// <summary>The restore, the compiler and the published libraries have to be for the same one.</summary>
    [Fact]
    public void The_image_is_built_for_the_requested_processor()
    {
        Assert.Contains(Image.Build, instruction => instruction is { Name: "ARG", Rest: "TARGETARCH" });
        DockerInstruction[] forOne = [.. Image.Build.Where(instruction => instruction.Words.Contains("$TARGETARCH"))];
        Assert.Equal(["restore", "publish"], forOne.Select(instruction => instruction.Words[1]));
        Assert.All(forOne, instruction => Assert.Contains("--arch $TARGETARCH", instruction.Rest, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_variable_set_in_the_image_is_read()
    {
        string[] frameworks = ["ASPNETCORE_HTTP_PORTS", "DOTNET_EnableDiagnostics"];
        Assert.Empty(Image.Environment.Keys.Except(GatewaySettingsReader.Names()).Except(frameworks));
    }

    [Fact]
    public void The_data_directory_of_the_image_is_the_volume_and_belongs_to_the_user()
    {
        string data = Image.Environment["GATEWAY_DATA_DIR"];
        Assert.Equal([data], Image.TheFinal("VOLUME").Exec);

        DockerInstruction copy = Assert.Single(Image.Final, instruction => instruction.Name == "COPY" && instruction.Words[^1] == data);
        Assert.Equal("$APP_UID:$APP_UID", copy.Flags["chown"]);
        Assert.Equal("$APP_UID", Image.TheFinal("USER").Rest);
        Assert.Contains(Image.Build, instruction => instruction.Name == "RUN" && instruction.Words[0] == "install" && instruction.Words[^1] == copy.Words[0]);

        // What a later instruction does to a volume is lost.
        List<string> order = [.. Image.Final.Select(instruction => instruction.Name + " " + instruction.Words[^1])];
        Assert.True(order.IndexOf("COPY " + data) < order.FindIndex(line => line.StartsWith("VOLUME", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_image_exposes_the_public_port_and_not_the_management_port()
    {
        Assert.Equal(Image.Environment["ASPNETCORE_HTTP_PORTS"], Image.TheFinal("EXPOSE").Rest);

        Uri management = Shipped.Read(Shipped.GatewayEnvironment.With(Image.Environment)).Settings.ManagementUrl;
        Assert.Equal("http://0.0.0.0:8081/", management.AbsoluteUri);
        Assert.Equal(management.Port, Shipped.Read(Shipped.GatewayEnvironment).Settings.ManagementUrl.Port);
    }

    [Fact]
    public void The_commands_of_the_image_need_no_shell()
    {
        Assert.StartsWith("[", Image.TheFinal("ENTRYPOINT").Rest, StringComparison.Ordinal);
        Assert.StartsWith("CMD [", Image.TheFinal("HEALTHCHECK").Rest, StringComparison.Ordinal);
        Assert.DoesNotContain(Image.Final, instruction => instruction.Name == "RUN");
        Assert.Equal([.. Image.TheFinal("ENTRYPOINT").Exec, "health"], Image.TheFinal("HEALTHCHECK").Exec);
    }

    [Fact]
    public void Every_documented_image_tag_has_the_current_version()
    {
        string version = XDocument.Parse(Shipped.Text("Directory.Build.props")).Descendants("Version").Single().Value;
        foreach (string path in new[] { "Dockerfile", "compose.yaml", "README.md", "docs/installation.md" })
        {
            MatchCollection tags = ImageTag().Matches(Shipped.Text(path));
            Assert.NotEmpty(tags);
            Assert.All(tags, tag => Assert.Equal(version, tag.Groups[1].Value));
        }
    }

    [Fact]
    public void The_image_is_labelled_with_its_version_licence_and_base()
    {
        Dictionary<string, string> labels = Label().Matches(Image.TheFinal("LABEL").Rest)
            .ToDictionary(label => label.Groups["name"].Value, label => label.Groups["value"].Value.Trim('"'));
        Assert.Equal(["base.name", "description", "licenses", "title", "version"], labels.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(XDocument.Parse(Shipped.Text("Directory.Build.props")).Descendants("Version").Single().Value, labels["version"]);
        Assert.Equal(Image.Final[0].Words[0], labels["base.name"]);
        Assert.Equal("MIT", labels["licenses"]);
        Assert.StartsWith("MIT License\n", Shipped.Text("LICENSE"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_image_contains_all_licences() => Assert.Contains(
        Image.Final, instruction => instruction is { Name: "COPY", Rest: "LICENSE config/package/THIRD-PARTY-NOTICES ./" });

    [GeneratedRegex(@"org\.opencontainers\.image\.(?<name>[a-z.]+)=(?<value>""[^""]*""|\S+)")]
    private static partial Regex Label();

    [GeneratedRegex(@"paperless-gateway:([0-9][0-9.]*[0-9])")]
    private static partial Regex ImageTag();
}
