using System.Net;
using System.Text.Json.Nodes;
using CsCheck;
using Gateway.Sandbox.Provider;
using Gateway.SignIn;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

/// <summary>Which names of the provider's may become a Paperless user, and how they get there.</summary>
public sealed class UsernameAtSignInTests : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData("alice")]
    [InlineData("Alice.B+c-d_e@example.com")]
    [InlineData("müller")]
    [InlineData("ÿÀßº²")]
    [InlineData("007")]
    public async Task A_name_that_Paperless_takes_arrives_there_byte_for_byte_as_Latin_1(string name)
    {
        _world.Provider.Change(_world.Provider.Find("alice")! with { Username = name });

        _world.Provider.SignsInAs = name;
        using Visitor visitor = _world.NewVisitor();

        await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();

        Assert.Equal(name, await visitor.WhoAsync());
        Assert.Equal([name], _world.Paperless.Received[^1].Lines("Remote-User"));
        Assert.Equal(name, _world.Paperless.Received[^1].SignedInAs);
    }

    [Theory]
    [InlineData("consumer", "keeps for itself")]
    [InlineData("Consumer", "keeps for itself")]
    [InlineData("AnonymousUser", "keeps for itself")]
    [InlineData("anonymoususer", "keeps for itself")]
    [InlineData("al ice", "characters other than")]
    [InlineData(" alice", "characters other than")]
    [InlineData("alice\n", "characters other than")]
    [InlineData("alice\r\nRemote-User: admin", "characters other than")]
    [InlineData("alice,admin", "characters other than")]
    [InlineData("a/b", "characters other than")]
    [InlineData("<b>alice</b>", "characters other than")]
    [InlineData("mu\u0308ller", "characters other than")]
    [InlineData("alice\u0000", "characters other than")]
    [InlineData("Łukasz", "Latin-1")]
    [InlineData("山田", "Latin-1")]
    [InlineData("𝐚𝐥𝐢𝐜𝐞", "Latin-1")]
    public async Task A_name_that_Paperless_does_not_take_is_a_page_and_nothing_reaches_Paperless(string name, string says)
    {
        _world.Provider.TamperIdToken = claims => Named(claims, name);
        _world.Provider.TamperUserInfo = claims => Named(claims, name);
        using Visitor visitor = _world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains(says, page.Text, StringComparison.Ordinal);
        Assert.Contains("GATEWAY_USERNAME_CLAIM", page.Text, StringComparison.Ordinal);
        Assert.Null(visitor.Cookie(SignedIn.CookieName));
        Assert.Empty(_world.Paperless.Received);
    }

    [Fact]
    public async Task The_claim_of_the_name_can_be_chosen_nested_too()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_USERNAME_CLAIM"] = "paperless.login");
        Person alice = world.Provider.Find("alice")!;
        alice.ExtraClaims["paperless"] = new JsonObject { ["login"] = "a.archer" };

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("a.archer", await visitor.WhoAsync());
        alice.ExtraClaims.Clear();
    }

    [Theory]
    [InlineData(150, true)]
    [InlineData(151, false)]
    public void A_name_has_150_characters_at_the_most(int length, bool fits) =>
        Assert.Equal(fits, Username.Fault(new string('a', length)) is null);

    /// <summary>Whatever is let through is one line of Latin-1 that no header parser splits.</summary>
    [Fact]
    public void No_name_that_is_taken_can_break_the_header() => Check.Sample(
        Gen.String,
        name => Assert.True(Username.Fault(name) is not null || (name.Length > 0 && name.All(letter => letter <= 0xFF && (char.IsLetterOrDigit(letter) || char.IsNumber(letter) || "@.+-_".Contains(letter))))),
        iter: 20_000);

    private static JsonObject Named(JsonObject claims, string name)
    {
        claims["preferred_username"] = name;
        return claims;
    }
}
