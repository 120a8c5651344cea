using System.Text.RegularExpressions;
using Gateway.Operations;
using Gateway.Settings;
using k8s;
using k8s.Models;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Shipping;

/// <summary>The files for Kustomize, read with the types of the Kubernetes API, and compared with the image and the code.</summary>
public sealed partial class KubernetesTests
{
    private const string One = "config/kubernetes/one-gateway/";
    private const string Several = "config/kubernetes/several-gateways/";

    private static readonly YamlMappingNode Kustomization = Shipped.Yaml(Shipped.Text(One + "kustomization.yaml"));

    private static readonly IReadOnlyList<object> Objects =
        [.. Kustomization.Texts("resources").SelectMany(file => KubernetesYaml.LoadAllFromString(Shipped.Text(One + file), strict: true))];

    private static readonly V1StatefulSet Set = Only<V1StatefulSet>();

    private static readonly V1PodSpec Pod = Set.Spec.Template.Spec;

    private static readonly V1Container Container = Assert.Single(Pod.Containers);

    [Fact]
    public void Every_object_is_one_of_the_Kubernetes_API_without_an_unknown_field()
    {
        Assert.Equal(
            [nameof(V1StatefulSet), nameof(V1Service), nameof(V1NetworkPolicy), nameof(V1NetworkPolicy), nameof(V1PodDisruptionBudget)],
            Objects.Select(one => one.GetType().Name));
        string misspelt = Shipped.Text(One + "statefulset.yaml").Replace("automountServiceAccountToken", "automountToken", StringComparison.Ordinal);
        Assert.ThrowsAny<Exception>(() => KubernetesYaml.LoadAllFromString(misspelt, strict: true));
    }

    [Fact]
    public void Every_file_of_the_folder_is_used()
    {
        string[] used = [.. Kustomization.Texts("resources"), "kustomization.yaml", "settings.env", "providers.json.example"];
        Assert.Equal(used.Order(), Directory.EnumerateFiles(Path.Combine(Repository.Root, One)).Select(file => Path.GetFileName(file)!).Order());
        Assert.Equal(["settings.env"], Generator(Kustomization, "configMapGenerator").Texts("envs"));
    }

    [Fact]
    public void The_pod_and_the_selectors_have_one_label()
    {
        KeyValuePair<string, string> label = Assert.Single(Set.Spec.Selector.MatchLabels);
        Assert.Equal(label.Value, Set.Spec.Template.Metadata.Labels[label.Key]);
        Assert.Equal(label, Assert.Single(Only<V1Service>().Spec.Selector));
        Assert.Equal(label, Assert.Single(Only<V1PodDisruptionBudget>().Spec.Selector.MatchLabels));
        Assert.Equal(Only<V1Service>().Metadata.Name, Set.Spec.ServiceName);
    }

    [Fact]
    public void The_ports_are_those_of_the_image_and_the_service_has_the_public_one_only()
    {
        Uri management = Shipped.Read(Environment()).Settings.ManagementUrl;
        Assert.Equal(
            [("http", Shipped.Dockerfile.Environment["ASPNETCORE_HTTP_PORTS"]), ("management", $"{management.Port}")],
            Container.Ports.Select(port => (port.Name, $"{port.ContainerPort}")));
        Assert.Equal("http", Assert.Single(Only<V1Service>().Spec.Ports).TargetPort.Value);
    }

    [Fact]
    public void The_probes_ask_the_health_checks_of_the_management_port()
    {
        (V1Probe Probe, string Path)[] probes =
        [
            (Container.StartupProbe, ManagementServer.LivePath), (Container.LivenessProbe, ManagementServer.LivePath),
            (Container.ReadinessProbe, ManagementServer.ServingPath),
        ];
        Assert.All(probes, one => Assert.Equal((one.Path, "management"), (one.Probe.HttpGet.Path, one.Probe.HttpGet.Port.Value)));
    }

    /// <summary>Without Redis or Paperless all gateways would leave the service at once, and the outage rules would have nobody to serve.</summary>
    [Fact]
    public void Proxies_ask_the_address_of_the_readiness_probe_and_pods_do_not_wait_for_each_other()
    {
        Assert.Equal(
            [ManagementServer.ServingPath],
            HealthPath().Matches(Shipped.Text("docs/reverse-proxies.md")).Select(match => match.Value).Distinct());
        Assert.Equal("Parallel", Set.Spec.PodManagementPolicy);
    }

    [Fact]
    public void The_gateway_accepts_its_settings_and_secrets()
    {
        (GatewaySettings settings, IReadOnlyList<string> warnings) = Shipped.Read(Environment());
        Assert.Empty(warnings);
        Assert.Equal("a-client-secret", Assert.Single(settings.Providers).ClientSecret);
        Assert.Equal("0123456789abcdef", settings.Accounts.Credential.Token);
        Assert.Empty(Environment().Keys.Except(GatewaySettingsReader.Names().SelectMany(name => new[] { name, name + "_FILE" })).Except(ImageOnly));
    }

    /// <summary>A secret in the environment would be in every listing of the pod.</summary>
    [Fact]
    public void Secrets_come_as_files_that_only_the_gateway_can_read()
    {
        V1Volume volume = Assert.Single(Pod.Volumes, volume => volume.Secret is not null);
        V1VolumeMount mount = Assert.Single(Container.VolumeMounts, mount => mount.Name == volume.Name);
        string[] files = [.. Generator(Kustomization, "secretGenerator").Texts("files").Select(file => Path.GetFileName(file)!)];

        Assert.Equal(files.Select(file => $"{mount.MountPath}/{file}"), Container.Env.Select(variable => variable.Value));
        Assert.Equal(Generator(Kustomization, "secretGenerator")["name"].Text(), volume.Secret.SecretName);
        Assert.Equal(Convert.ToInt32("440", 8), volume.Secret.DefaultMode);
        Assert.Contains("/config/kubernetes/*/secrets/\n", Shipped.Text(".gitignore"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_container_may_write_to_its_volumes_only_and_has_no_privilege()
    {
        Assert.True(Container.SecurityContext is { ReadOnlyRootFilesystem: true, AllowPrivilegeEscalation: false, Capabilities.Drop: ["ALL"] });
        Assert.True(Pod.SecurityContext is { RunAsNonRoot: true, SeccompProfile.Type: "RuntimeDefault" });
        Assert.False(Pod.AutomountServiceAccountToken);
        Assert.Equal(Pod.SecurityContext.RunAsUser, Pod.SecurityContext.FsGroup);
        Assert.Contains($"({Pod.SecurityContext.RunAsUser})", Shipped.Text("Dockerfile"), StringComparison.Ordinal);

        string claim = Assert.Single(Set.Spec.VolumeClaimTemplates).Metadata.Name;
        Assert.Equal(Shipped.Dockerfile.Environment["GATEWAY_DATA_DIR"], Assert.Single(Container.VolumeMounts, mount => mount.Name == claim).MountPath);
        Assert.True(Container.Resources.Limits.ContainsKey("memory") && Container.Resources.Requests.ContainsKey("memory"));
    }

    [Fact]
    public void The_gateway_has_time_to_finish_requests_after_it_left_the_service() => Assert.True(
        TimeSpan.FromSeconds(Pod.TerminationGracePeriodSeconds!.Value - Container.Lifecycle.PreStop.Sleep.Seconds) > OperationsFeature.GracePeriod);

    [Fact]
    public void Only_the_gateway_reaches_Paperless()
    {
        Uri upstream = Assert.Single(Shipped.Read(Environment()).Settings.Upstreams);
        V1NetworkPolicy paperless = Policy("paperless-from-gateway-only");
        V1NetworkPolicyIngressRule rule = Assert.Single(paperless.Spec.Ingress);
        V1NetworkPolicyPeer peer = Assert.Single(rule.FromProperty);

        Assert.Equal(["Ingress"], paperless.Spec.PolicyTypes);
        Assert.True(peer is { NamespaceSelector: null, IpBlock: null });
        Assert.Equal(Set.Spec.Selector.MatchLabels, peer.PodSelector.MatchLabels);
        Assert.Equal($"{upstream.Port}", Assert.Single(rule.Ports).Port.Value);

        V1NetworkPolicy gateway = Policy("paperless-gateway");
        Assert.Equal(["http", "management"], gateway.Spec.Ingress.Select(from => Assert.Single(from.Ports).Port.Value));
        Assert.Equal(paperless.Spec.PodSelector.MatchLabels, Assert.Single(gateway.Spec.Egress[0].To).PodSelector.MatchLabels);
        Assert.Equal([$"{upstream.Port}", "53", "53", "443", "6379"], gateway.Spec.Egress.SelectMany(to => to.Ports).Select(port => port.Port.Value));
    }

    [Fact]
    public void The_image_has_the_current_version()
    {
        YamlNode image = Assert.Single((YamlSequenceNode)Kustomization["images"]);
        Assert.Equal(Container.Image, image["name"].Text());
        Assert.Contains($"{image["name"].Text()}:{image["newTag"].Text()}\n", Shipped.Text("compose.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public void Several_gateways_are_the_same_gateway_more_than_once_on_one_Redis()
    {
        YamlMappingNode several = Shipped.Yaml(Shipped.Text(Several + "kustomization.yaml"));
        Assert.Equal(["../one-gateway"], several.Texts("resources"));
        Assert.Equal(Kustomization["namespace"], several["namespace"]);
        Assert.Equal((Set.Metadata.Name, "2"), (several["replicas"][0]["name"].Text(), several["replicas"][0]["count"].Text()));

        string[] generators = ["configMapGenerator", "secretGenerator"];
        Assert.All(generators, kind => Assert.Equal(
            (Generator(Kustomization, kind)["name"].Text(), "merge"),
            (Generator(several, kind)["name"].Text(), Generator(several, kind)["behavior"].Text())));
        string mount = Assert.Single(Container.VolumeMounts, mount => mount.ReadOnlyProperty == true).MountPath;
        string file = Assert.Single(Generator(several, "secretGenerator").Texts("files"));
        Assert.Equal([$"GATEWAY_REDIS_URL_FILE={mount}/{Path.GetFileName(file)}"], Generator(several, "configMapGenerator").Texts("literals"));
        Assert.Contains("GATEWAY_REDIS_URL", GatewaySettingsReader.Names());
    }

    private static readonly string[] ImageOnly = ["ASPNETCORE_HTTP_PORTS", "DOTNET_EnableDiagnostics"];

    [GeneratedRegex("/health/[a-z]+")]
    private static partial Regex HealthPath();

    private static T Only<T>() => Assert.Single(Objects.OfType<T>());

    private static V1NetworkPolicy Policy(string name) => Assert.Single(Objects.OfType<V1NetworkPolicy>(), policy => policy.Metadata.Name == name);

    private static YamlNode Generator(YamlMappingNode kustomization, string kind) => Assert.Single((YamlSequenceNode)kustomization[kind]);

    /// <summary>What the program gets: of the image, of the ConfigMap and of the pod, with the secrets in place of their files.</summary>
    private static Dictionary<string, string> Environment()
    {
        Dictionary<string, string> secrets = new()
        {
            ["providers.json"] = Shipped.Text(One + "providers.json.example").Replace("<client secret>", "a-client-secret", StringComparison.Ordinal),
            ["paperless-token"] = "0123456789abcdef",
        };
        return new Dictionary<string, string>(Shipped.Dockerfile.Environment)
            .With(Shipped.Filled(One + "settings.env", commented: false))
            .With(Container.Env.Select(variable => KeyValuePair.Create(variable.Name[..^"_FILE".Length], secrets[Path.GetFileName(variable.Value)])));
    }
}
