using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Providers;

/// <summary>When the gateway fetches the keys of a provider, and how often at most.</summary>
public sealed class SigningKeyFetchTests
{
    private const string KeySet = "/application/o/paperless/jwks/";

    [Fact]
    public async Task A_new_signing_key_is_fetched_during_the_sign_in_that_needs_the_key()
    {
        await using World world = await World.StartAsync();
        using Visitor first = await world.SignedInAsync("alice");
        world.Provider.RotateSigningKey();

        using Visitor second = await world.SignedInAsync("alice");

        Assert.Equal(2, KeySetRequests(world));
    }

    [Theory]
    [InlineData(nameof(SigningMode.RS256))]
    [InlineData(nameof(SigningMode.ES256))]
    public async Task A_new_signing_key_under_the_same_key_id_is_fetched_once_during_the_sign_in_that_needs_the_key(string signing)
    {
        await using World world = await World.StartAsync(options => options.Provider = provider =>
            provider with { Signing = Enum.Parse<SigningMode>(signing), SigningKeyId = "the-key" });
        using Visitor first = await world.SignedInAsync("alice");
        world.Provider.RotateSigningKey();

        using Visitor second = await world.SignedInAsync("alice");

        Assert.Equal("alice", await second.WhoAsync());
        Assert.Equal(2, KeySetRequests(world));
    }

    [Fact]
    public async Task Wrong_signatures_under_a_published_key_id_cause_five_fetches_of_the_keys_and_then_one_a_minute_at_most()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { Signing = SigningMode.WrongKey });
        using Visitor visitor = world.NewVisitor();
        foreach (int expected in (int[])[1 + 5, 1 + 6, 1 + 7])
        {
            for (int attempt = 0; attempt < 7; attempt++)
            {
                Page page = await visitor.SignInAsync("alice");
                Assert.Equal(HttpStatusCode.BadGateway, page.Status);
                Assert.Contains("signature is wrong", page.Text, StringComparison.Ordinal);
            }

            Assert.Equal(expected, KeySetRequests(world));
            world.Clock.Advance(TimeSpan.FromSeconds(61));
        }
    }

    [Fact]
    public async Task Concurrent_sign_ins_with_a_new_signing_key_all_succeed_with_one_fetch()
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
    public async Task Signing_keys_that_rotate_five_times_in_a_minute_are_fetched_each_time()
    {
        await using World world = await World.StartAsync();
        using Visitor before = await world.SignedInAsync("alice");
        for (int rotation = 1; rotation <= 5; rotation++)
        {
            world.Provider.RotateSigningKey();
            using Visitor after = await world.SignedInAsync("alice");
            Assert.Equal(1 + rotation, KeySetRequests(world));
            world.Clock.Advance(TimeSpan.FromSeconds(5));
        }

        world.Provider.RotateSigningKey();
        using Visitor waits = world.NewVisitor();
        Assert.Equal(HttpStatusCode.BadGateway, (await waits.SignInAsync("alice")).Status);
        world.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(HttpStatusCode.OK, (await waits.SignInAsync("alice")).Status);
    }

    [Fact]
    public async Task Unknown_key_ids_cause_five_fetches_of_the_keys_and_then_one_a_minute_at_most()
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
        foreach (int expected in (int[])[1 + 5, 1 + 6, 1 + 7])
        {
            for (int attempt = 0; attempt < 7; attempt++)
            {
                Page page = await visitor.SignInAsync("alice");
                Assert.Equal(HttpStatusCode.BadGateway, page.Status);
                Assert.Contains("a key that the provider does not publish", page.Text, StringComparison.Ordinal);
            }

            Assert.Equal(expected, asked);
            world.Clock.Advance(TimeSpan.FromSeconds(61));
        }

        // A quiet night saves up no more than it began with.
        world.Clock.Advance(TimeSpan.FromHours(8));
        for (int attempt = 0; attempt < 8; attempt++)
        {
            Assert.Equal(HttpStatusCode.BadGateway, (await visitor.SignInAsync("alice")).Status);
        }

        Assert.Equal(1 + 7 + 5, asked);
    }

    [Theory]
    [InlineData("""{"keys":[{"kty":"RSA","kid":"a","n":"!!","e":"AQAB"}]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","kid":"a"}]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}""")]
    [InlineData("""{"keys":[{"kty":5,"kid":{},"n":[]}]}""")]
    [InlineData("""{"keys":[{"kty":"RSA","x5c":["!!"]}]}""")]
    [InlineData("""{"keys":[5,null,"x",[]]}""")]
    [InlineData("""{"keys":null}""")]
    [InlineData("""{"keys":{}}""")]
    [InlineData("""{"keys":[{"kid":"\ud800"}]}""")]
    [InlineData("[]")]
    public async Task A_key_set_with_malformed_keys_gives_an_error_page_and_no_internal_error(string keySet)
    {
        await using World world = await World.StartAsync();
        await using StubSite keys = await StubSite.StartAsync(context => context.Response.WriteAsync(keySet));
        world.Provider.TamperDiscovery = document =>
        {
            document["jwks_uri"] = keys.Address.AbsoluteUri;
            return document;
        };
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.True(page.Status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable, $"{(int)page.Status}");
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
    }

    [Fact]
    public async Task Signing_keys_are_cached_for_twelve_hours()
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
