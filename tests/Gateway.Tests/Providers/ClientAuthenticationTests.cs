using System.Net;
using System.Text;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Providers;

/// <summary>How the gateway authenticates at the token endpoint.</summary>
public sealed class ClientAuthenticationTests
{
    private const string Awkward = "a+b/d:e%41&f=g~\"ü";

    [Fact]
    public async Task With_token_auth_method_basic_the_client_id_and_secret_are_sent_form_encoded_as_Basic_credentials()
    {
        await using World world = await StartAsync("client_secret_basic", ClientAuthentication.BasicOnly, "paperless:1", Awkward);
        using Visitor visitor = world.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();

        Assert.Equal(HttpStatusCode.OK, page.Status);
        ProviderRequest request = TokenRequest(world);
        Assert.DoesNotContain("client_secret", request.Form.Keys);
        Assert.Equal(
            "paperless%3A1:a%2Bb%2Fd%3Ae%2541%26f%3Dg~%22%C3%BC",
            Encoding.ASCII.GetString(Convert.FromBase64String(request.Authorization!["Basic ".Length..])));
    }

    [Theory]
    [InlineData("client_secret_post")]
    [InlineData(null)]
    public async Task With_token_auth_method_post_or_unset_the_client_secret_is_sent_in_the_form(string? method)
    {
        await using World world = await StartAsync(method, ClientAuthentication.PostOnly, "paperless:1", Awkward);
        using Visitor visitor = world.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(Awkward, TokenRequest(world).Form["client_secret"]);
        Assert.Null(TokenRequest(world).Authorization);
    }

    [Fact]
    public async Task Without_token_auth_method_a_provider_that_only_supports_Basic_gets_Basic()
    {
        await using World world = await StartAsync(null, ClientAuthentication.BasicOnly, "paperless", "plain-secret-of-thirty-two-letters");
        world.Provider.TamperDiscovery = document =>
        {
            document.Remove("token_endpoint_auth_methods_supported");
            return document;
        };
        using Visitor visitor = world.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.DoesNotContain("client_secret", TokenRequest(world).Form.Keys);
    }

    [Fact]
    public async Task A_public_client_sends_only_its_client_id_and_the_PKCE_verifier()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Provider = provider => provider with { PublicClient = true };
        });
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(
            ProvidersSetting.Of(world.Provider.DiscoveryUrl, "authentik", world.Provider.Options.ClientId, ""));
        world.StartGateway();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();

        Assert.Equal(HttpStatusCode.OK, page.Status);
        ProviderRequest request = TokenRequest(world);
        Assert.Equal(["client_id", "code", "code_verifier", "grant_type", "redirect_uri"], request.Form.Keys.Order(StringComparer.Ordinal));
        Assert.Null(request.Authorization);
    }

    private static async Task<World> StartAsync(string? method, ClientAuthentication taken, string clientId, string secret)
    {
        World world = await ProvidersSetting.StartAsync(
            settings => settings["token_auth_method"] = method,
            options => options.Provider = provider => provider with
            {
                ClientAuthentication = taken,
                ClientId = clientId,
                ClientSecret = secret,
                DecodesBasicCredentials = true,
            });
        world.Provider.SignsInAs = "alice";
        return world;
    }

    private static ProviderRequest TokenRequest(World world) =>
        world.Provider.Received.Single(request => request.Path == "/application/o/token/");
}
