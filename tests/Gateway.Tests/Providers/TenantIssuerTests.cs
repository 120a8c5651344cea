using System.Net;
using System.Text.Json.Nodes;
using Gateway.Settings;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.Settings;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Tests.Providers;

/// <summary>Microsoft Entra for several tenants (`common`, `organizations`): the issuer of the discovery document is a template.</summary>
public sealed class TenantIssuerTests
{
    private const string Here = "6babcaad-604b-40ac-a9d7-9fd97c0b779f";

    private const string There = "0f1e2d3c-604b-40ac-a9d7-9fd97c0b779f";

    private const string Elsewhere = "11111111-604b-40ac-a9d7-9fd97c0b779f";

    [Theory]
    [InlineData("common")]
    [InlineData("organizations")]
    public async Task People_of_the_allowed_tenants_sign_in_and_each_has_the_issuer_of_the_own_tenant(string slug)
    {
        await using World world = await StartAsync(slug: slug, issuerInAnswers: IssuerInAnswers.All);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.Options = world.Provider.Options with { Tenant = There };
        using Visitor bob = await world.SignedInAsync("bob");

        Assert.Equal($"{world.Provider.Address}application/o/{Here}/", await IssuerOfAsync(alice));
        Assert.Equal($"{world.Provider.Address}application/o/{There}/", await IssuerOfAsync(bob));
        Assert.Equal([There, Here], world.Links().Select(link => new Uri(link.Issuer).Segments[^1].TrimEnd('/')).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(Elsewhere, Elsewhere, "which GATEWAY_ALLOWED_TENANTS does not list")]
    [InlineData(Elsewhere, Here, "which GATEWAY_ALLOWED_TENANTS does not list")]
    [InlineData(null, Here, "which GATEWAY_ALLOWED_TENANTS does not list")]
    [InlineData("{tenantid}", "{tenantid}", "which GATEWAY_ALLOWED_TENANTS does not list")]
    [InlineData(Here, There, "issuer is")]
    [InlineData(Here, "{tenantid}", "issuer is")]
    [InlineData(Here, "common", "issuer is")]
    public async Task An_ID_token_of_another_tenant_or_with_the_issuer_of_another_one_signs_nobody_in(string? tenant, string issuer, string says)
    {
        await using World world = await StartAsync();
        world.Provider.TamperIdToken = claims => With(world, claims, tenant, issuer);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains(says, page.Text, StringComparison.Ordinal);
        Assert.Null(await visitor.WhoAsync());
        Assert.Empty(world.Links());
    }

    [Theory]
    [InlineData("{tenantid}", true)]
    [InlineData(Here, true)]
    [InlineData(There, false)]
    public async Task A_key_that_names_an_issuer_signs_for_that_issuer_alone(string tenant, bool isAccepted)
    {
        await using World world = await StartAsync();
        world.Provider.Options = world.Provider.Options with { SigningKeyIssuer = $"{world.Provider.Address}application/o/{tenant}/" };
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(isAccepted ? HttpStatusCode.OK : HttpStatusCode.BadGateway, page.Status);
        Assert.Equal(isAccepted ? "alice" : null, await visitor.WhoAsync());
    }

    [Theory]
    [InlineData(Here, Here, true)]
    [InlineData(There, There, false)]
    [InlineData(Elsewhere, Elsewhere, false)]
    [InlineData(null, Here, false)]
    [InlineData(Here, There, false)]
    public async Task A_logout_token_ends_sessions_of_its_own_tenant_alone(string? tenant, string issuer, bool ends)
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        using HttpResponseMessage answer = await world.Provider.SendBackchannelLogoutAsync(
            new Uri($"{world.Origin}/accounts/oidc/authentik/logout/backchannel/"),
            Assert.Single(world.Provider.Sessions),
            claims => With(world, claims, tenant, issuer),
            "logout+jwt",
            World.Ct);

        bool isValid = tenant == issuer && tenant != Elsewhere;
        Assert.Equal(isValid ? HttpStatusCode.OK : HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(ends ? null : "alice", await alice.WhoAsync());
    }

    [Theory]
    [InlineData(Here, true)]
    [InlineData(Elsewhere, false)]
    [InlineData("{tenantid}", false)]
    public async Task A_front_channel_logout_a_sign_in_from_the_provider_and_an_answer_name_an_allowed_tenant(string tenant, bool isAllowed)
    {
        await using World world = await StartAsync(issuerInAnswers: IssuerInAnswers.All);
        using Visitor visitor = world.NewVisitor();
        string issuer = $"{world.Provider.Address}application/o/{tenant}/";
        world.Provider.SignsInAs = "alice";

        Page begun = await visitor.OpenAsync("/accounts/oidc/authentik/login/?iss=" + Uri.EscapeDataString(issuer), "cross-site");
        RoundTrip tab = await RoundTrip.BeginAsync(visitor);
        Page answered = await tab.FinishAsync(RoundTrip.With(await tab.AnswerAsync(), "iss", issuer));
        string sid = Assert.Single(world.Provider.Sessions).Sid;
        string frame = QueryHelpers.AddQueryString(
            "/accounts/oidc/authentik/logout/frontchannel/", new Dictionary<string, string?> { ["iss"] = issuer, ["sid"] = sid });
        Page ended = await visitor.OpenAsync(frame, "cross-site");

        Assert.Equal(isAllowed ? HttpStatusCode.Redirect : HttpStatusCode.BadRequest, begun.Status);
        Assert.Equal(isAllowed ? HttpStatusCode.OK : HttpStatusCode.BadGateway, answered.Status);
        Assert.Equal(isAllowed ? HttpStatusCode.OK : HttpStatusCode.BadRequest, ended.Status);
        Assert.Null(await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_template_without_GATEWAY_ALLOWED_TENANTS_signs_nobody_in_and_the_page_names_the_remedy()
    {
        await using World world = await StartAsync(tenants: null);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync("/accounts/oidc/authentik/login/", "same-origin");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Contains("is for the people of every tenant", page.Text, StringComparison.Ordinal);
        Assert.Contains("List the ids of the tenants in GATEWAY_ALLOWED_TENANTS", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_template_that_does_not_belong_to_the_address_signs_nobody_in()
    {
        await using World world = await StartAsync(slug: "paperless");
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync("/accounts/oidc/authentik/login/", "same-origin");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Contains("was expected", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://login.microsoftonline.com/common/v2.0", true)]
    [InlineData("https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration?appid=1", true)]
    [InlineData("https://login.microsoftonline.us/Common/v2.0/", true)]
    [InlineData("https://login.microsoftonline.com/" + Here + "/v2.0", false)]
    [InlineData("https://id.example.com/common/v2.0", false)]
    public void Microsofts_addresses_for_every_tenant_need_GATEWAY_ALLOWED_TENANTS_at_the_start(string server, bool isProblem)
    {
        string providers = GivenEnvironment.Providers.Replace("https://auth.example.com/application/o/paperless/", server, StringComparison.Ordinal);

        Reading without = GivenEnvironment.Read((ProvidersSetting.Variable, providers));
        Reading with = GivenEnvironment.Read((ProvidersSetting.Variable, providers), ("GATEWAY_ALLOWED_TENANTS", $"{Here.ToUpperInvariant()}, {There}"));

        Assert.Equal(isProblem ? ["GATEWAY_ALLOWED_TENANTS"] : [], without.Problems.Select(problem => problem.Variable));
        Assert.Equal([There, Here], with.Good.Providers[0].AllowedTenants.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("contoso.onmicrosoft.com")]
    [InlineData("*")]
    [InlineData("common")]
    [InlineData(Here + "," + "x")]
    public void Anything_but_ids_in_GATEWAY_ALLOWED_TENANTS_is_a_problem(string tenants) =>
        Assert.Equal("GATEWAY_ALLOWED_TENANTS", GivenEnvironment.Read(("GATEWAY_ALLOWED_TENANTS", tenants)).Problem.Variable);

    [Fact]
    public void A_provider_for_several_tenants_overlaps_with_one_for_a_tenant_that_it_allows()
    {
        const string template = "https://login.microsoftonline.com/{tenantid}/v2.0";
        const string tenant = $"https://login.microsoftonline.com/{Here}/v2.0";
        ProviderSettings provider = GivenEnvironment.Read(
            (ProvidersSetting.Variable, GivenEnvironment.Providers.Replace(
                "https://auth.example.com/application/o/paperless/", "https://login.microsoftonline.com/common/v2.0", StringComparison.Ordinal)),
            ("GATEWAY_ALLOWED_TENANTS", Here)).Good.Providers[0];

        Assert.True(TenantIssuer.Overlaps(template, tenant, provider));
        Assert.True(TenantIssuer.Overlaps(tenant, template, provider));
        Assert.False(TenantIssuer.Overlaps(template, tenant.Replace(Here, There, StringComparison.Ordinal), provider));
        Assert.True(TenantIssuer.IsPossible(provider, tenant));
        Assert.False(TenantIssuer.IsPossible(provider, tenant.Replace(Here, There, StringComparison.Ordinal)));
    }

    private static Task<World> StartAsync(
        string slug = "common", string? tenants = $"{Here},{There}", IssuerInAnswers issuerInAnswers = IssuerInAnswers.None) => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_ALLOWED_TENANTS"] = tenants;
        options.Provider = provider => provider with { Slug = slug, Tenant = Here, IssuerInAnswers = issuerInAnswers };
    });

    private static JsonObject With(World world, JsonObject claims, string? tenant, string issuer)
    {
        claims["iss"] = $"{world.Provider.Address}application/o/{issuer}/";
        claims["tid"] = tenant;
        return claims;
    }

    private static async Task<string?> IssuerOfAsync(Visitor visitor) =>
        (string?)JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["issuer"];
}
