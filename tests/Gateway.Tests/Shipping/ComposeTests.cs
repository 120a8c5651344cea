using System.Globalization;
using System.Text.RegularExpressions;
using Gateway.Operations;
using Gateway.Settings;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Shipping;

public sealed partial class ComposeTests
{
    private static readonly YamlNode Gateway = Shipped.Services["gateway"];
    private static readonly YamlNode Paperless = Shipped.Services["paperless"];

    private static IEnumerable<KeyValuePair<YamlNode, YamlNode>> Services => Shipped.Services.Children;

    [Fact]
    public void Images_in_the_Compose_file_are_pinned() =>
        Assert.All(Services, service => Assert.Matches(@"\A[a-z0-9./-]+:[0-9][0-9A-Za-z.-]*\z", service.Value["image"].Text()));

    [Fact]
    public void Without_a_Compose_profile_the_gateway_Paperless_and_its_broker_start()
    {
        string[] always = [.. Services.Where(service => service.Value.Texts("profiles").Count == 0).Select(service => service.Key.Text())];
        Assert.Equal(["gateway", "paperless", "broker"], always);
    }

    [Theory]
    [InlineData("redis", "redis")]
    [InlineData("authentik", "authentik-server", "authentik-worker", "authentik-postgresql")]
    public void Each_Compose_profile_adds_its_own_services(string profile, params string[] services) =>
        Assert.Equal(services, Services.Where(service => service.Value.Texts("profiles").Contains(profile)).Select(service => service.Key.Text()));

    [Fact]
    public void In_the_Compose_file_Paperless_is_reachable_through_the_gateway_only()
    {
        Assert.Empty(Paperless.Texts("ports"));
        Assert.All(Paperless.Texts("networks"), network => Assert.Equal("true", Shipped.Compose["networks"][network]["internal"].Text()));

        string[] shared = [.. Gateway.Texts("networks").Intersect(Paperless.Texts("networks"))];
        string network = Assert.Single(shared);
        Assert.Equal(["gateway", "paperless"], Members(network));
    }

    [Fact]
    public void No_service_is_in_the_egress_network_unless_its_line_is_uncommented()
    {
        Assert.Contains("      # - egress\n", Shipped.Text("compose.yaml"), StringComparison.Ordinal);
        Assert.True(Shipped.Compose["networks"].TryGet("egress", out _));
        Assert.Empty(Members("egress"));
    }

    [Fact]
    public void Published_ports_are_bound_to_this_machine_only() =>
        Assert.All(Services.SelectMany(service => service.Value.Texts("ports")), port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));

    [Fact]
    public void Memory_processes_and_log_of_the_gateway_are_limited()
    {
        int megabytes = int.Parse(Gateway["mem_limit"].Text().TrimEnd('m'), CultureInfo.InvariantCulture);
        int highest = Document.Of("docs/performance.md").Rows("Memory")
            .Where(row => row[0].StartsWith("gateway", StringComparison.Ordinal))
            .Max(row => int.Parse(row[^1], CultureInfo.InvariantCulture));

        Assert.InRange(megabytes, 3 * highest, 1024);
        Assert.InRange(int.Parse(Gateway["pids_limit"].Text(), CultureInfo.InvariantCulture), 100, 1000);
        Assert.Equal(["max-size", "max-file"], Gateway["logging"].Map("options").Keys);
    }

    [Fact]
    public void The_published_port_of_the_gateway_is_the_port_it_listens_on()
    {
        string port = Assert.Single(Gateway.Texts("ports"));
        Assert.EndsWith(":" + Shipped.Dockerfile.Environment["ASPNETCORE_HTTP_PORTS"], port, StringComparison.Ordinal);
    }

    [Fact]
    public void The_gateways_upstream_in_the_Compose_file_is_Paperless()
    {
        GatewaySettings settings = Shipped.Read(GatewayGets()).Settings;
        Uri upstream = Assert.Single(settings.Upstreams);
        Assert.Equal("paperless", upstream.Host);
        Assert.Contains($":{upstream.Port}", Paperless["healthcheck"].Texts("test")[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void The_broker_of_Paperless_in_the_Compose_file_exists()
    {
        Uri broker = new(Paperless.Map("environment")["PAPERLESS_REDIS"]);
        Assert.Equal("broker", broker.Host);
        Assert.Equal(["paperless", "broker"], Members("broker"));
    }

    [Fact]
    public void The_Compose_settings_of_the_gateway_are_accepted_without_a_warning()
    {
        (GatewaySettings settings, IReadOnlyList<string> warnings) = Shipped.Read(GatewayGets());
        Assert.Empty(warnings);
        Assert.Equal("/data", settings.DataDirectory);
    }

    [Fact]
    public void Every_variable_set_in_the_Compose_file_is_read_by_its_service()
    {
        Assert.Empty(Gateway.Map("environment").Keys.Except(GatewaySettingsReader.Names()));
        Assert.Equal(["PAPERLESS_REDIS"], Paperless.Map("environment").Keys);
    }

    [Fact]
    public void The_gateways_container_can_write_to_its_volume_only()
    {
        Assert.Equal("true", Gateway["read_only"].Text());
        Assert.Equal(["/tmp"], Gateway.Texts("tmpfs"));
        Assert.Equal(["ALL"], Gateway.Texts("cap_drop"));
        Assert.Equal(["no-new-privileges:true"], Gateway.Texts("security_opt"));
        Assert.Equal([$"gateway-data:{Shipped.Dockerfile.Environment["GATEWAY_DATA_DIR"]}"], Gateway.Texts("volumes"));
    }

    [Fact]
    public void The_gateway_has_time_to_finish_requests_before_the_container_is_killed() =>
        Assert.True(
            TimeSpan.FromSeconds(int.Parse(Gateway["stop_grace_period"].Text().TrimEnd('s'), CultureInfo.InvariantCulture)) > OperationsFeature.GracePeriod);

    [Fact]
    public void The_gateway_and_Paperless_read_the_same_environment_file()
    {
        Assert.Equal("config/gateway.env", Gateway["env_file"].Text());
        Assert.Equal("config/gateway.env", Paperless["env_file"].Text());
        Assert.True(File.Exists(Path.Combine(Repository.Root, "config/gateway.env.example")));
        Assert.True(File.Exists(Path.Combine(Repository.Root, "config/authentik.env.example")));
    }

    [Fact]
    public void Every_Compose_service_restarts_and_waits_until_its_dependencies_are_healthy()
    {
        foreach ((YamlNode name, YamlNode service) in Services)
        {
            Assert.Equal("unless-stopped", service["restart"].Text());
            foreach (string needed in service.TryGet("depends_on", out YamlNode? needs) ? needs.Keys() : [])
            {
                Assert.Equal("service_healthy", needs![needed]["condition"].Text());
                Assert.True(Shipped.Services[needed].TryGet("healthcheck", out _), $"{name.Text()} waits for {needed}, which has no health check.");
            }
        }
    }

    [Fact]
    public void Every_network_and_volume_used_in_the_Compose_file_is_defined()
    {
        Assert.Empty(Services.SelectMany(service => service.Value.Texts("networks")).Except(Shipped.Compose["networks"].Keys()));

        string[] sources = [.. Services.SelectMany(service => service.Value.Texts("volumes")).Select(volume => volume.Split(':')[0])];
        Assert.Equal(Shipped.Compose["volumes"].Keys().Order(), sources.Where(source => !source.StartsWith('.')).Distinct().Order());
        Assert.All(
            sources.Where(source => source.StartsWith("./config", StringComparison.Ordinal)),
            source => Assert.True(Path.Exists(Path.Combine(Repository.Root, source))));
    }

    /// <summary>A `${VAR}` would come from a shell or an `.env` that nobody was told to write.</summary>
    [Fact]
    public void The_Compose_file_needs_no_variables_from_outside() =>
        Assert.DoesNotMatch(Interpolation(), Shipped.Text("compose.yaml"));

    /// <summary>Account links live there: what is lost or evicted would be somebody's way in.</summary>
    [Fact]
    public void The_Redis_of_the_Compose_file_persists_its_data_and_evicts_nothing() =>
        Assert.Equal(["redis-server", "--appendonly", "yes", "--maxmemory-policy", "noeviction"], Shipped.Services["redis"].Texts("command"));

    private static Dictionary<string, string> GatewayGets() =>
        new Dictionary<string, string>(Shipped.Dockerfile.Environment).With(Shipped.GatewayEnvironment).With(Gateway.Map("environment"));

    private static string[] Members(string network) =>
        [.. Services.Where(service => service.Value.Texts("networks").Contains(network)).Select(service => service.Key.Text())];

    [GeneratedRegex(@"(?<!\$)\$(\{|[A-Za-z_])")]
    private static partial Regex Interpolation();
}
