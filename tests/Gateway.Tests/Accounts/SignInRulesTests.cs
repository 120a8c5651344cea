using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;

namespace Gateway.Tests.Accounts;

/// <summary>Who may sign in by email domain or claim, under which name, and which account a verified email address finds.</summary>
public sealed class SignInRulesTests
{
    [Theory]
    [InlineData("example.com", "alice@example.com", true, true)]
    [InlineData("other.org,@EXAMPLE.com", "alice@Example.Com", true, true)]
    [InlineData("example.com", "alice@example.com", false, false)]
    [InlineData("example.com", "alice@sub.example.com", true, false)]
    [InlineData("example.com", "alice@evil-example.com", true, false)]
    [InlineData("example.com", "alice@example.com@evil.org", true, false)]
    [InlineData("example.com", "alice@evil.org@example.com", true, false)]
    [InlineData("bücher.example", "alice@xn--bcher-kva.example", true, true)]
    [InlineData("xn--bcher-kva.example", "alice@BÜCHER.example", true, true)]
    [InlineData("example.com", "example.com", true, false)]
    [InlineData("example.com", null, true, false)]
    public async Task Only_a_verified_email_address_in_an_allowed_domain_opens(string domains, string? email, bool verified, bool opens)
    {
        await using World world = await StartAsync(verified, ("GATEWAY_ALLOWED_EMAIL_DOMAINS", domains));
        world.Says("email", email);

        await OpensAsync(world, opens);
    }

    [Theory]
    [InlineData("""{"department": "office"}""", "\"office\"", true)]
    [InlineData("""{"department": ["tax", "office"]}""", "[\"office\"]", true)]
    [InlineData("""{"department": "/off.*/"}""", "\"office\"", true)]
    [InlineData("""{"department": true}""", "true", true)]
    [InlineData("""{"department": "office"}""", "\"Office\"", false)]
    [InlineData("""{"department": "/off/"}""", "\"office\"", false)]
    [InlineData("""{"department": "office"}""", "{\"office\": 1}", false)]
    [InlineData("""{"department": "office"}""", null, false)]
    [InlineData("""{"department": "office", "floor": 3}""", "\"office\"", false)]
    public async Task Only_a_person_with_all_required_claims_may_sign_in(string required, string? claim, bool opens)
    {
        await using World world = await StartAsync(false, ("GATEWAY_REQUIRED_CLAIMS", required));
        world.Says("department", claim is null ? null : JsonNode.Parse(claim));

        await OpensAsync(world, opens);
    }

    [Fact]
    public async Task A_required_claim_that_is_taken_away_ends_the_session_at_the_next_recheck()
    {
        await using World world = await RecheckWorld.StartAsync(settings: [("GATEWAY_REQUIRED_CLAIMS", """{"department": "office"}""")]);
        world.Says("department", "office");
        using Visitor alice = await world.SignedInAsync("alice");
        world.Says("department", "none");
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal("RefusedByTheProvider", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
    }

    [Theory]
    [InlineData("""{"*@idm.example": "*"}""", "alice@idm.example", "alice")]
    [InlineData("""{"/([^@]+)@idm[.]example/": "$1"}""", "alice@idm.example", "alice")]
    [InlineData("""{"*@idm.example": "*"}""", "alice@other.example", "alice@other.example")]
    [InlineData("""{"al": "alice"}""", "al", "alice")]
    public async Task The_username_map_makes_the_name_in_Paperless_of_the_providers_name(string map, string name, string expected)
    {
        await using World world = await StartAsync(false, ("GATEWAY_USERNAME_MAP", map));
        world.Says("preferred_username", name);

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal(expected, await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_user_name_that_the_map_drops_counts_as_missing()
    {
        await using World world = await StartAsync(false, ("GATEWAY_USERNAME_MAP", """{"*@idm.example": null}"""));
        world.Provider.TamperIdToken = world.Provider.TamperUserInfo = claims =>
        {
            claims["preferred_username"] = "carol@idm.example";
            claims["email"] = "c.cook@example.com";
            return claims;
        };

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal("c.cook", await visitor.WhoAsync());
    }

    [Theory]
    [InlineData("zoe.z@example.com", "Zoë Zimmer", "zoe.z")]
    [InlineData("bob@example.com", "Zoë Zimmer", "bob2")]
    [InlineData(null, "Zoë Zimmer", "Zoë_Zimmer")]
    [InlineData("///@example.com", null, null)]
    public async Task Without_a_user_name_claim_a_new_account_gets_the_next_best_free_name(string? email, string? name, string? expected)
    {
        await using World world = await StartAsync(true);
        world.Paperless.Data.FindOrAddUser("bob");
        string subject = world.Provider.Find("alice")!.Subject;
        world.Provider.TamperIdToken = world.Provider.TamperUserInfo = claims =>
        {
            claims.Remove("preferred_username");
            claims["email"] = email;
            claims["name"] = name;
            return claims;
        };

        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Equal(expected ?? subject, await visitor.WhoAsync());
        Assert.Equal("preferred_username", CapturedLog.Value(Assert.Single(world.Log.Of("UsernameAbsent")), "Claim"));
        Assert.Contains(world.Links(), link => link.UserId == world.Paperless.Data.FindUser(expected ?? subject)!.Id);
    }

    [Theory]
    [InlineData("verified-email", true, true)]
    [InlineData("verified-email", false, false)]
    [InlineData("username", true, false)]
    [InlineData("never", true, false)]
    [InlineData(null, true, false)]
    public async Task Only_by_choice_a_verified_email_address_finds_the_account_of_a_first_sign_in(string? match, bool verified, bool finds)
    {
        await using World world = await StartAsync(verified, ("GATEWAY_MATCH_ACCOUNTS", match));
        AddUser(world, user => user with { Email = "Carol@Example.com" });
        world.NewPerson("carol", "Carol Cook");

        using Visitor visitor = await world.SignedInAsync("carol");

        Assert.Equal(finds ? "c.cook" : "carol", await visitor.WhoAsync());
    }

    [Fact]
    public async Task A_verified_email_address_never_finds_a_superuser_or_a_staff_account()
    {
        await using World world = await StartAsync(true, ("GATEWAY_MATCH_ACCOUNTS", "verified-email"));
        AddUser(world, user => user with { Email = "carol@example.com", IsSuperuser = true });
        AddUser(world, user => user with { Email = "dave@example.com", IsStaff = true }, "d.davis");
        world.NewPerson("carol", "Carol Cook");
        world.NewPerson("dave", "Dave Davis");

        using Visitor carol = await world.SignedInAsync("carol");
        using Visitor dave = await world.SignedInAsync("dave");

        Assert.Equal("carol", await carol.WhoAsync());
        Assert.Equal("dave", await dave.WhoAsync());
    }

    [Fact]
    public async Task An_email_address_of_two_accounts_finds_neither()
    {
        await using World world = await StartAsync(true, ("GATEWAY_MATCH_ACCOUNTS", "verified-email"));
        AddUser(world, user => user with { Email = "carol@example.com" });
        AddUser(world, user => user with { Email = "carol@example.com" }, "cook");
        world.NewPerson("carol", "Carol Cook");

        using Visitor visitor = await world.SignedInAsync("carol");

        Assert.Equal("carol", await visitor.WhoAsync());
    }

    [Fact]
    public async Task An_email_address_of_userinfo_is_not_verified_by_the_ID_token()
    {
        await using World world = await StartAsync(true, ("GATEWAY_MATCH_ACCOUNTS", "verified-email"));
        AddUser(world, user => user with { Email = "victim@example.com" });
        world.NewPerson("carol", "Carol Cook");
        world.Provider.TamperUserInfo = claims =>
        {
            claims.Remove("email_verified");
            claims["email"] = "victim@example.com";
            return claims;
        };

        using Visitor visitor = await world.SignedInAsync("carol");

        Assert.Equal("carol", await visitor.WhoAsync());
    }

    /// <summary>An account from before the gateway.</summary>
    private static void AddUser(World world, Func<StandInUser, StandInUser> with, string name = "c.cook") =>
        world.Paperless.Data.AddUser(name, user => with(user with { Joined = user.Joined - TimeSpan.FromDays(100) }));

    private static async Task OpensAsync(World world, bool opens)
    {
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(opens ? HttpStatusCode.OK : HttpStatusCode.Forbidden, page.Status);
        Assert.Equal(opens ? 0 : 1, world.Log.Of("Refused").Count);
        Assert.Equal(opens, alice.Cookie(SignedIn.CookieName) is not null);
    }

    private static Task<World> StartAsync(bool emailVerified, params (string Name, string? Value)[] settings) => World.StartAsync(options =>
    {
        options.Provider = given => given with { EmailVerified = emailVerified };
        foreach ((string name, string? value) in settings.Where(setting => setting.Value is not null))
        {
            options.Settings[name] = value!;
        }
    });
}
