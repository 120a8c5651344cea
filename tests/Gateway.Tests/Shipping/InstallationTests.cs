using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Shipping;

/// <summary>The snippets of the installation guide agree with the Compose file, the blueprint and the settings of Paperless.</summary>
public sealed class InstallationTests
{
    private static readonly string Guide = Document.Of("docs/installation.md").Text;

    private static readonly string[] NotToBeLeftOut = ["ports", "volumes", "read_only", "tmpfs", "cap_drop", "security_opt", "stop_grace_period"];

    [Fact]
    public void The_service_in_the_installation_guide_is_the_one_of_the_Compose_file()
    {
        YamlNode copied = Shipped.Yaml(Assert.Single(Guide.Split("```yaml\n").Skip(1)).Split("```")[0])["services"]["gateway"];
        YamlNode shipped = Shipped.Services["gateway"];
        foreach (string key in copied.Keys().Where(key => key != "env_file"))
        {
            Assert.Equal(shipped[key], copied[key]);
        }

        Assert.Empty(NotToBeLeftOut.Except(copied.Keys()));
    }

    [Fact]
    public void The_redirect_URIs_in_the_installation_guide_are_those_of_the_blueprint()
    {
        foreach (YamlNode uri in Shipped.Blueprint.AllNodes.Where(node => !node.Tag.IsEmpty && node.Tag.Value == "!Format").Distinct())
        {
            Assert.Contains($"`{Shipped.GatewayEnvironment["PAPERLESS_URL"]}{uri[0].Text()[2..]}`", Guide, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_settings_in_the_installation_guide_complete_those_of_Paperless()
    {
        Dictionary<string, string> added = Guide.Split("```sh\n").Skip(1)
            .SelectMany(block => block.Split("```")[0].Split('\n'))
            .Where(line => line.Length > 0 && char.IsAsciiLetterUpper(line[0]))
            .Select(line => line.Split('=', 2))
            .ToDictionary(parts => parts[0], parts => parts[1].Replace("…", "abc", StringComparison.Ordinal));
        added["PAPERLESS_URL"] = "https://docs.example.com";
        Assert.Empty(Shipped.Read(added).Warnings);
    }
}
