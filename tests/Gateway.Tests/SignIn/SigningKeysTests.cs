using System.Net;
using System.Text.Json.Nodes;
using Gateway.Sandbox.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

/// <summary>Which signatures are taken, and how the gateway learns of new keys.</summary>
public sealed class SigningKeysTests
{
    private const string KeySet = "/application/o/paperless/jwks/";

    [Fact]
    public async Task A_provider_that_signs_with_ES256_is_understood()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = SigningMode.ES256 });
        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_issuer_ends_in_a_slash_or_is_the_host_alone(bool global)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { GlobalIssuer = global });
        using Visitor visitor = await world.SignedInAsync("alice");

        string issuer = (string)JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["issuer"]!;
        Assert.Equal(world.Provider.Address.AbsoluteUri + (global ? "" : "application/o/paperless/"), issuer);
    }

    [Fact]
    public async Task Without_a_signing_key_the_client_secret_signs()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = SigningMode.HS256 });
        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Theory]
    [InlineData(nameof(SigningMode.None), "not signed")]
    [InlineData(nameof(SigningMode.WrongKey), "signature is wrong")]
    public async Task A_token_that_the_published_key_did_not_sign_is_refused(string attack, string says)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = Enum.Parse<SigningMode>(attack) });
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains(says, page.Text, StringComparison.Ordinal);
        Assert.Null(visitor.Cookie(SignedIn.CookieName));
    }

    [Fact]
    public async Task A_key_that_is_new_is_fetched_so_that_this_very_sign_in_succeeds()
    {
        await using World world = await World.StartAsync();
        using Visitor first = await world.SignedInAsync("alice");
        world.Provider.RotateSigningKey();

        using Visitor second = await world.SignedInAsync("alice");

        Assert.Equal(2, KeySetRequests(world));
    }

    [Fact]
    public async Task Sign_ins_that_meet_a_new_key_in_the_same_moment_all_succeed_with_one_fetch()
    {
        await using World world = await World.StartAsync();
        using Visitor before = await world.SignedInAsync("alice");
        world.Provider.RotateSigningKey();
        TaskCompletionSource everybodyWaits = new();
        int buying = 0;
        world.Provider.Hold = async path =>
        {
            if (path == "/application/o/token/" && Interlocked.Increment(ref buying) == 5)
            {
                everybodyWaits.SetResult();
            }

            await (path == "/application/o/token/" ? everybodyWaits.Task : Task.CompletedTask);
        };

        Visitor[] visitors = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => world.SignedInAsync("alice")));

        Assert.Equal(2, KeySetRequests(world));
        Assert.All(visitors, visitor => visitor.Dispose());
    }

    [Fact]
    public async Task Unknown_keys_make_the_gateway_ask_once_a_minute_at_the_most()
    {
        await using World world = await World.StartAsync();
        int asked = 0;
        await using StubSite keys = await StubSite.StartAsync(context =>
        {
            Interlocked.Increment(ref asked);
            return context.Response.WriteAsync("{\"keys\":[]}");
        });
        world.Provider.TamperDiscovery = document =>
        {
            document["jwks_uri"] = keys.Address.AbsoluteUri;
            return document;
        };
        using Visitor visitor = world.NewVisitor();
        for (int round = 1; round <= 3; round++)
        {
            for (int attempt = 0; attempt < 3; attempt++)
            {
                Page page = await visitor.SignInAsync("alice");
                Assert.Equal(HttpStatusCode.BadGateway, page.Status);
                Assert.Contains("a key that the provider does not publish", page.Text, StringComparison.Ordinal);
            }

            Assert.Equal(1 + round, asked);
            world.Clock.Advance(TimeSpan.FromSeconds(61));
        }
    }

    [Fact]
    public async Task A_provider_that_changes_its_kind_of_key_is_understood_at_once()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = SigningMode.HS256 });
        foreach (SigningMode mode in (SigningMode[])[SigningMode.HS256, SigningMode.RS256, SigningMode.ES256, SigningMode.HS256])
        {
            world.Provider.Options = world.Provider.Options with { Signing = mode };
            using Visitor visitor = await world.SignedInAsync("alice");
            Assert.Equal("alice", await visitor.WhoAsync());
            world.Clock.Advance(TimeSpan.FromSeconds(61));
        }
    }

    [Fact]
    public async Task The_keys_are_kept_half_a_day()
    {
        await using World world = await World.StartAsync();
        using Visitor first = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromHours(11));
        using Visitor second = await world.SignedInAsync("alice");
        Assert.Equal(1, KeySetRequests(world));

        world.Clock.Advance(TimeSpan.FromHours(2));
        using Visitor third = await world.SignedInAsync("alice");
        Assert.Equal(2, KeySetRequests(world));
    }

    private static int KeySetRequests(World world) => world.Provider.Received.Count(request => request.Path == KeySet);
}
