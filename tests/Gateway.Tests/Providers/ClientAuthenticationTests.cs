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

    /// <summary>Every printable character of ASCII and some others, in an order of its own for each seed.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    public async Task Basic_credentials_of_any_characters_are_understood_with_percent_and_with_form_decoding(int seed, bool form)
    {
        string secret = Shuffled(seed);
        string clientId = Shuffled(seed + 100);
        await using World world = await StartAsync("client_secret_basic", ClientAuthentication.BasicOnly, clientId, secret);
        world.Provider.Options = world.Provider.Options with { DecodesBasicPlusAsSpace = form };
        using Visitor visitor = world.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();

        Assert.True(page.Status == HttpStatusCode.OK, $"{clientId} and {secret}: {page.Text}");
        Assert.Equal("alice", await visitor.WhoAsync());
        Assert.DoesNotContain("client_secret", TokenRequest(world).Form.Keys);
    }

    [Fact]
    public async Task A_space_in_Basic_credentials_is_sent_as_percent_20_and_a_plus_as_percent_2B()
    {
        await using World world = await StartAsync("client_secret_basic", ClientAuthentication.BasicOnly, "a b", "c d+e");
        using Visitor visitor = world.NewVisitor();

        await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();

        Assert.Equal("a%20b:c%20d%2Be", Encoding.ASCII.GetString(Convert.FromBase64String(TokenRequest(world).Authorization!["Basic ".Length..])));
    }

    /// <summary>authentik before 2026.2.2 takes Basic credentials literally.</summary>
    [Fact]
    public async Task A_provider_that_refuses_Basic_gets_the_secret_in_the_form_at_once_and_from_then_on_if_it_offers_that()
    {
        await using World world = await StartAsync("client_secret_basic", ClientAuthentication.BasicOrPost, "paperless", Awkward);
        world.Provider.Options = world.Provider.Options with { DecodesBasicCredentials = false };
        using Visitor alice = world.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(alice)).CompleteAsync();

        Assert.Equal((HttpStatusCode.OK, "alice"), (page.Status, await alice.WhoAsync()));
        Assert.Equal([false, true], TokenRequests(world).Select(request => request.Form.ContainsKey("client_secret")));
        Assert.Equal("authentik", CapturedLog.Value(Assert.Single(world.Log.Of("BasicRefused")), "Provider"));
        Assert.DoesNotContain(Awkward, world.Log.Text, StringComparison.Ordinal);
        world.Provider.ClearReceived();
        using Visitor again = world.NewVisitor();
        await (await RoundTrip.BeginAsync(again)).CompleteAsync();
        Assert.Equal(Awkward, TokenRequest(world).Form["client_secret"]);
    }

    [Fact]
    public async Task A_provider_that_refuses_Basic_and_offers_no_form_gets_no_second_request()
    {
        await using World world = await StartAsync("client_secret_basic", ClientAuthentication.PostOnly, "paperless", Awkward);
        world.Provider.TamperDiscovery = document =>
        {
            document["token_endpoint_auth_methods_supported"] = new System.Text.Json.Nodes.JsonArray("client_secret_basic");
            return document;
        };
        using Visitor visitor = world.NewVisitor();

        Page page = await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("invalid_client", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("client_secret", TokenRequest(world).Form.Keys);
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

    /// <summary>Letters at both ends, because the settings are trimmed.</summary>
    private static string Shuffled(int seed)
    {
        char[] letters = [.. Enumerable.Range(' ', '~' - ' ' + 1).Select(code => (char)code), 'ü', 'ß', '€', '日', '\u00A0'];
        new Random(seed).Shuffle(letters);
        return $"a{new string(letters)}z";
    }

    private static ProviderRequest TokenRequest(World world) => TokenRequests(world).Single();

    private static IEnumerable<ProviderRequest> TokenRequests(World world) =>
        world.Provider.Received.Where(request => request.Path == "/application/o/token/");
}
