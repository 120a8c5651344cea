using System.Net;
using System.Text.Json.Nodes;
using CsCheck;
using Gateway.Accounts;
using Gateway.Tests.Kit;
using Person = Gateway.StandIns.Provider.Person;

namespace Gateway.Tests.SignIn;

/// <summary>Which usernames from the provider are accepted, and how they reach Paperless.</summary>
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
    public async Task A_username_that_Paperless_accepts_arrives_byte_for_byte_as_Latin_1(string name)
    {
        _world.Provider.Change(_world.Provider.Find("alice")! with { Username = name });

        _world.Provider.SignsInAs = name;
        using Visitor visitor = _world.NewVisitor();

        await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();

        Assert.Equal(name, await visitor.WhoAsync());
        Assert.Equal([name], _world.Forwarded[^1].Lines("Remote-User"));
        Assert.Equal(name, _world.Forwarded[^1].SignedInAs);
    }

    [Theory]
    [InlineData("consumer", "consumer2")]
    [InlineData("Consumer", "Consumer2")]
    [InlineData("AnonymousUser", "AnonymousUser2")]
    [InlineData("al ice", "al_ice")]
    [InlineData(" alice", "alice2")]
    [InlineData("alice\n", "alice2")]
    [InlineData("alice\r\nRemote-User: admin", "alice__Remote-User_admin")]
    [InlineData("alice,admin", "aliceadmin")]
    [InlineData("a/b", "ab")]
    [InlineData("<b>alice</b>", "baliceb")]
    [InlineData("mu\u0308ller", "muller")]
    [InlineData("alice\u0000", "alice2")]
    [InlineData("ALICE", "ALICE2")]
    [InlineData("Łukasz", "Lukasz")]
    [InlineData("Şahin Œ", "Sahin_O")]
    [InlineData("Dvořák-Țurcan", "Dvorák-urcan")]
    public async Task A_username_that_Paperless_does_not_accept_is_cleaned_and_never_matches_another_account(string name, string expected)
    {
        Named(name);
        using Visitor visitor = _world.NewVisitor();

        await visitor.DeclineAsync(await visitor.SignInAsync("alice"));

        Assert.Equal(expected, await visitor.WhoAsync());
        Assert.NotNull(_world.Paperless.Data.FindUser(expected));
        Assert.Equal([expected], _world.Forwarded[^1].Lines("Remote-User"));
    }

    [Theory]
    [InlineData("山田")]
    [InlineData("𝐚𝐥𝐢𝐜𝐞")]
    [InlineData("///")]
    [InlineData("\u0000")]
    public async Task A_person_without_a_usable_username_is_asked_for_one_and_nothing_is_forwarded(string name)
    {
        Named(name);
        using Visitor visitor = _world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("Choose a user name", page.Text, StringComparison.Ordinal);
        Assert.Null(visitor.Cookie(SignedIn.CookieName));
        Assert.Empty(_world.Forwarded);
    }

    [Fact]
    public async Task The_claim_of_the_username_is_configurable_and_may_be_nested()
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
    public void A_username_from_the_provider_has_at_most_150_characters(int length, bool fits) =>
        Assert.Equal(fits, Username.FindError(new string('a', length)) is null);

    /// <summary>Whatever is let through is one line of Latin-1 that no header parser splits.</summary>
    [Fact]
    public void No_accepted_username_can_break_the_user_header() => Check.Sample(
        Gen.String,
        name => Assert.True(Username.FindError(name) is not null
            || (name.Length > 0 && name.All(letter => letter <= 0xFF && (char.IsLetterOrDigit(letter) || char.IsNumber(letter) || "@.+-_".Contains(letter))))),
        iter: 20_000);

    private void Named(string name)
    {
        _world.Provider.TamperIdToken = Tamper;
        _world.Provider.TamperUserInfo = Tamper;

        JsonObject Tamper(JsonObject claims)
        {
            claims["preferred_username"] = name;
            return claims;
        }
    }
}
