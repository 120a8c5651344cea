using Gateway.Settings;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Shipping;

/// <summary>The Compose file for two Paperless instances on one host.</summary>
public sealed class TwoInstancesTests
{
    private static readonly string[] Instances = ["home", "office"];

    private static readonly YamlMappingNode Compose = Load();

    private static YamlMappingNode Services => (YamlMappingNode)Compose["services"];

    [Fact]
    public void Each_instance_is_a_gateway_a_Paperless_and_a_broker() => Assert.Equal(
        Instances.SelectMany(name => new[] { $"{name}-gateway", $"{name}-paperless", $"{name}-broker" }),
        Services.Keys());

    /// <summary>Hardening that is added to compose.yaml belongs here as well.</summary>
    [Theory]
    [InlineData("gateway", "image", "read_only", "tmpfs", "cap_drop", "security_opt", "stop_grace_period", "restart")]
    [InlineData("paperless", "image", "healthcheck", "restart")]
    [InlineData("broker", "image", "healthcheck", "restart")]
    public void Each_service_is_set_up_as_in_the_Compose_file_for_one_instance(string service, params string[] keys) => Assert.All(
        Instances.SelectMany(name => keys.Select(key => (Instance: name, Key: key))),
        place => Assert.Equal(Shipped.Services[service][place.Key], Services[$"{place.Instance}-{service}"][place.Key]));

    [Fact]
    public void A_Paperless_is_reachable_through_its_own_gateway_only()
    {
        foreach (string name in Instances)
        {
            YamlNode paperless = Services[$"{name}-paperless"];
            Assert.Empty(paperless.Texts("ports"));
            Assert.All(paperless.Texts("networks"), network => Assert.Equal("true", Compose["networks"][network]["internal"].Text()));
            Assert.Equal([$"{name}-gateway", $"{name}-paperless"], Members(name));
            Assert.Equal([$"{name}-paperless", $"{name}-broker"], Members($"{name}-broker"));
            Assert.Equal([name, $"{name}-broker"], paperless.Texts("networks"));
        }

        Assert.Equal(Instances.Select(name => $"{name}-gateway"), Members("front"));
    }

    [Fact]
    public void The_gateways_listen_on_different_ports_of_this_machine_only()
    {
        string[] ports = [.. Instances.SelectMany(name => Services[$"{name}-gateway"].Texts("ports"))];
        Assert.Equal(Instances.Length, ports.Distinct().Count());
        string inside = Shipped.Dockerfile.Environment["ASPNETCORE_HTTP_PORTS"];
        Assert.All(ports, port => Assert.Matches($@"\A127\.0\.0\.1:[0-9]+:{inside}\z", port));
    }

    [Fact]
    public void Each_gateway_accepts_its_settings_and_forwards_to_its_own_Paperless()
    {
        foreach (string name in Instances)
        {
            YamlNode gateway = Services[$"{name}-gateway"];
            Assert.Empty(gateway.Map("environment").Keys.Except(GatewaySettingsReader.Names()));
            (GatewaySettings settings, IReadOnlyList<string> warnings) = Shipped.Read(
                new Dictionary<string, string>(Shipped.Dockerfile.Environment).With(Shipped.GatewayEnvironment).With(gateway.Map("environment")));
            Assert.Empty(warnings);
            Assert.Equal($"http://{name}-paperless:8000/", Assert.Single(settings.Upstreams).AbsoluteUri);
            Assert.Equal($"{name}.env", gateway["env_file"].Text());
            Assert.Equal($"{name}.env", Services[$"{name}-paperless"]["env_file"].Text());
            Assert.Equal(
                $"redis://{name}-broker:6379",
                Assert.Single(Services[$"{name}-paperless"].Map("environment"), variable => variable.Key == "PAPERLESS_REDIS").Value);
        }
    }

    [Fact]
    public void The_instances_share_no_volume_and_no_folder()
    {
        string[] sources = [.. Services.Children.Values.SelectMany(service => service.Texts("volumes")).Select(volume => volume.Split(':')[0])];
        Assert.Equal(sources.Distinct(), sources);
        Assert.Equal(Compose["volumes"].Keys().Order(), sources.Where(source => source[0] != '.').Order());
        string[] needed = ["/data", "/usr/src/paperless/data", "/usr/src/paperless/media"];
        Assert.All(Instances, name => Assert.Empty(needed.Except(Services.Children
            .Where(service => service.Key.Text().StartsWith(name, StringComparison.Ordinal))
            .SelectMany(service => service.Value.Texts("volumes"))
            .Select(volume => volume.Split(':')[1]))));
    }

    private static string[] Members(string network) =>
        [.. Services.Children.Where(service => service.Value.Texts("networks").Contains(network)).Select(service => service.Key.Text())];

    /// <summary>With its anchors and merge keys resolved.</summary>
    private static YamlMappingNode Load()
    {
        YamlStream stream = [];
        stream.Load(new MergingParser(new Parser(new StringReader(Shipped.Text("config/compose.two-instances.yaml")))));
        return (YamlMappingNode)Assert.Single(stream.Documents).RootNode;
    }
}
