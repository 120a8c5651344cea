using System.Globalization;
using Gateway.Settings;
using Gateway.SignIn;
using Gateway.SignOut;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Shipping;

/// <summary>The authentik blueprint agrees with what the gateway requests from the provider.</summary>
public sealed class BlueprintTests
{
    private static readonly YamlSequenceNode Entries = (YamlSequenceNode)Shipped.Blueprint["entries"];
    private static readonly IReadOnlyDictionary<string, string> Worker = Shipped.AuthentikEnvironment;
    private static readonly GatewaySettings Settings = Shipped.Read(Shipped.GatewayEnvironment).Settings;

    [Fact]
    public void Each_YAML_tag_of_the_blueprint_is_known_to_authentik_and_has_a_target()
    {
        string[] ids = [.. Entries.Where(entry => entry.TryGet("id", out _)).Select(entry => entry["id"].Text())];
        foreach (YamlNode node in Shipped.Blueprint.AllNodes.Where(node => !node.Tag.IsEmpty && node.Tag.IsLocal))
        {
            switch (node.Tag.Value)
            {
                case "!Env": Assert.Contains(node.Text(), Worker.Keys); break;
                case "!KeyOf": Assert.Contains(node.Text(), ids); break;
                case "!Find": Assert.Equal(2, ((YamlSequenceNode)node[1]).Children.Count); break;
                case "!Format": Assert.StartsWith(Settings.Public.Origin, Resolve(node), StringComparison.Ordinal); break;
                default: Assert.Fail($"{node.Tag} is not known."); break;
            }
        }
    }

    [Fact]
    public void Blueprint_entries_that_other_entries_look_up_are_applied_first_and_required()
    {
        string[] first = [.. Entries.TakeWhile(entry => entry["model"].Text() == "authentik_blueprints.metaapplyblueprint")
            .Select(entry => $"{entry["attrs"]["identifiers"]["name"].Text()}: {entry["attrs"]["required"].Text()}")];
        Assert.Equal(
            [
                "System - OAuth2 Provider - Scopes: true",
                "Default - Provider authorization flow (implicit consent): true",
                "Default - Invalidation flow: true",
            ],
            first);
    }

    [Fact]
    public void The_redirect_URIs_of_the_blueprint_are_the_gateways()
    {
        string[] addresses = [.. ((YamlSequenceNode)Provider()["redirect_uris"]).Select(uri =>
            $"{uri["redirect_uri_type"].Text()} {uri["matching_mode"].Text()} {Resolve(uri["url"])}")];
        Assert.Equal(
            [
                $"authorization strict {Settings.Public.Origin}{SignInFeature.CallbackPath(Settings.Providers[0].Id)}",
                $"logout strict {Settings.Public.Origin}{SignInFeature.PagePath}?loggedout=1",
            ],
            addresses);
    }

    [Fact]
    public void The_logout_URI_of_the_blueprint_is_the_gateways()
    {
        Assert.Equal("backchannel", Provider()["logout_method"].Text());
        Assert.Equal(Settings.Public.Origin + SignOutFeature.BackChannelPath(Settings.Providers[0].Id), Resolve(Provider()["logout_uri"]));
    }

    [Fact]
    public void The_client_of_the_blueprint_is_the_one_in_the_gateways_settings()
    {
        ProviderSettings expected = Settings.Providers[0];
        Assert.Equal("confidential", Provider()["client_type"].Text());
        Assert.Equal(expected.ClientId, Resolve(Provider()["client_id"]));
        Assert.Equal(expected.ClientSecret, Resolve(Provider()["client_secret"]));
        Assert.Equal(
            $"{Worker["AUTHENTIK_WEB__BASE_URL"]}/application/o/{Application()["identifiers"]["slug"].Text()}/.well-known/openid-configuration",
            expected.DiscoveryUrl.AbsoluteUri);
    }

    [Fact]
    public void The_blueprint_grants_the_code_flow_with_a_signing_key_and_a_logout()
    {
        Assert.Equal(["authorization_code", "refresh_token"], Provider().Texts("grant_types"));
        Assert.Equal("authentik_crypto.certificatekeypair", Provider()["signing_key"][0].Text());
        Assert.Equal("false", Provider()["include_claims_in_id_token"].Text());
        Assert.Equal("default-invalidation-flow", Provider()["invalidation_flow"][1][1].Text());
    }

    [Fact]
    public void The_blueprint_keeps_the_groups_out_of_the_tokens() => Assert.Equal("false", Provider()["include_claims_in_id_token"].Text());

    [Fact]
    public void Each_scope_that_the_gateway_requests_is_mapped_in_the_blueprint()
    {
        string[] mapped = [.. ((YamlSequenceNode)Provider()["property_mappings"]).Select(mapping => mapping[1][1].Text())];
        Assert.Equal(
            Settings.Providers[0].Scopes.Append("offline_access").Select(scope => $"goauthentik.io/providers/oauth2/scope-{scope}").Order(),
            mapped.Order());
    }

    [Fact]
    public void The_apps_have_a_public_client_that_signs_with_the_same_key_and_brings_the_claims_in_the_ID_token()
    {
        YamlNode app = Provider("app-provider");
        YamlNode redirect = Assert.Single((YamlSequenceNode)app["redirect_uris"]);

        Assert.Equal(("public", "true"), (app["client_type"].Text(), app["include_claims_in_id_token"].Text()));
        Assert.False(app.TryGet("client_secret", out _));
        Assert.Equal(["authorization_code"], app.Texts("grant_types"));
        Assert.Equal(Provider()["signing_key"][1][1].Text(), app["signing_key"][1][1].Text());
        Assert.Equal(("strict", "x-paperless://oidc-callback"), (redirect["matching_mode"].Text(), redirect["url"].Text()));
        Assert.Equal(
            Settings.Providers[0].Scopes.Select(scope => $"goauthentik.io/providers/oauth2/scope-{scope}").Order(),
            ((YamlSequenceNode)app["property_mappings"]).Select(mapping => mapping[1][1].Text()).Order());
    }

    [Fact]
    public void The_client_of_the_apps_and_its_issuer_are_those_in_the_gateways_settings()
    {
        Assert.Equal([Provider("app-provider")["client_id"].Text()], Settings.Providers[0].AppClientIds);
        Assert.Equal(
            [$"{Worker["AUTHENTIK_WEB__BASE_URL"]}/application/o/{Application("app-application")["identifiers"]["slug"].Text()}/"],
            Settings.Providers[0].AppIssuers);
        Assert.Equal("app-provider", Application("app-application")["attrs"]["provider"].Text());
    }

    [Fact]
    public void In_the_blueprint_only_members_of_the_group_may_use_the_application()
    {
        YamlNode[] bindings = [.. Entries.Where(entry => entry["model"].Text() == "authentik_policies.policybinding")];
        Assert.Equal(["application", "app-application"], bindings.Select(binding => binding["identifiers"]["target"].Text()));
        Assert.All(bindings, binding => Assert.Equal("users", binding["attrs"]["group"].Text()));

        string group = Assert.Single(Entries, entry => entry["model"].Text() == "authentik_core.group")["identifiers"]["name"].Text();
        Assert.Equal([group], Settings.Identity.AllowedGroups);
    }

    [Fact]
    public void The_database_settings_of_authentik_and_of_its_database_agree()
    {
        Assert.Equal(Worker["POSTGRES_DB"], Worker["AUTHENTIK_POSTGRESQL__NAME"]);
        Assert.Equal(Worker["POSTGRES_USER"], Worker["AUTHENTIK_POSTGRESQL__USER"]);
        Assert.Equal(Worker["POSTGRES_PASSWORD"], Worker["AUTHENTIK_POSTGRESQL__PASSWORD"]);
        Assert.True(Shipped.Services.TryGet(Worker["AUTHENTIK_POSTGRESQL__HOST"], out _));
    }

    [Fact]
    public void The_authentik_worker_mounts_the_blueprint() =>
        Assert.Contains("./config/authentik:/blueprints/custom:ro", Shipped.Services["authentik-worker"].Texts("volumes"));

    private static YamlNode Provider(string id = "provider") => Entry("authentik_providers_oauth2.oauth2provider", id)["attrs"];

    private static YamlNode Application(string id = "application") => Entry("authentik_core.application", id);

    private static YamlNode Entry(string model, string id) =>
        Assert.Single(Entries, entry => entry["model"].Text() == model && entry["id"].Text() == id);

    private static string Resolve(YamlNode node) => node.Tag.IsEmpty ? node.Text() : node.Tag.Value switch
    {
        "!Env" => Worker[node.Text()],
        "!Format" => string.Format(CultureInfo.InvariantCulture, node[0].Text().Replace("%s", "{0}", StringComparison.Ordinal), Resolve(node[1])),
        _ => throw new InvalidOperationException($"{node.Tag} has no text."),
    };
}
