using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;

namespace Gateway.Tests.Attacks;

/// <summary>Signed userinfo (OpenID Connect Core 1.0, section 5.3.2) with one error each, at the sign-in and at the recheck.</summary>
[Trait("Category", "Attacks")]
public sealed class InvalidUserInfoTests
{
    /// <summary>What userinfo alone must get right.</summary>
    private static readonly IReadOnlyList<TokenChange> Claims =
    [
        .. InvalidClaims.Each("sub", null, "null", "\"\"", "5", "\"mallory\""),
        .. InvalidClaims.Each("events", """{"http://schemas.openid.net/event/backchannel-logout":{}}"""),
        new("typ of a logout token", good => good.WithHeader(("typ", "\"logout+jwt\""))),
        new("JSON in its place", good => good.ClaimsText),
        new("nothing", _ => ""),
    ];

    [Fact]
    public async Task Each_invalid_userinfo_answer_ends_on_an_error_page_without_a_session()
    {
        await using World world = await StartAsync();
        world.NewPerson("carol", "Carol Cook", "paperless-users");
        int accounts = world.Paperless.Data.Users.Count;
        int fetched = 0;
        await using StubSite elsewhere = await StubSite.StartAsync(context =>
        {
            Interlocked.Increment(ref fetched);
            return context.Response.WriteAsync("{}");
        });
        using InvalidTokenHeaders headers = await InvalidTokenHeaders.OfAsync(world, elsewhere.Address);
        world.Provider.SignsInAs = "carol";
        TokenChange[] changes = [.. InvalidTokenForms.Text, .. InvalidTokenForms.Json, .. headers.All, .. InvalidClaims.All, .. Claims];
        List<string> taken = [];
        foreach (TokenChange change in changes)
        {
            int refused = world.Log.Of("Refused").Count;
            world.Provider.RewriteUserInfo = token => change.Make(new GoodToken(world, token));
            using Visitor visitor = world.NewVisitor();
            Page page = await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();
            bool isLoggedOnce = world.Log.Of("Refused").Count == refused + 1;
            if (page.Status != HttpStatusCode.BadGateway || !isLoggedOnce || await visitor.WhoAsync() is not null)
            {
                taken.Add($"{change.Name}: {(int)page.Status}");
            }
        }

        Assert.True(taken.Count == 0, string.Join('\n', taken));
        Assert.Equal((accounts, 0), (world.Paperless.Data.Users.Count, world.Links().Count));
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
        Assert.Equal(0, fetched);

        world.Provider.RewriteUserInfo = null;
        using Visitor carol = await world.SignedInAsync("carol");
        Assert.Equal("carol", await carol.WhoAsync());
        AttackReport.Write(changes.Length, least: 100);
    }

    /// <summary>A userinfo that somebody made between the provider and the gateway gives no groups, and a mistake ends no session.</summary>
    [Theory]
    [InlineData("none")]
    [InlineData("no signature")]
    [InlineData("client secret")]
    [InlineData("other issuer")]
    [InlineData("other client")]
    [InlineData("expired")]
    [InlineData("no issuer")]
    [InlineData("no audience")]
    [InlineData("critical")]
    [InlineData("twice")]
    [InlineData("encrypted")]
    public async Task An_invalid_userinfo_answer_at_the_recheck_leaves_the_session_unchanged(string how)
    {
        await using World world = await StartAsync(("GATEWAY_SUPERUSER_GROUPS", "root"));
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.TamperUserInfo = claims => With(claims, how, world);
        world.Provider.RewriteUserInfo = token => Rewrite(new GoodToken(world, token), how);
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(["paperless-users", "family"], await alice.GroupsAsync());
        Assert.False(world.Paperless.Data.FindUser("alice")!.IsSuperuser);
        Assert.Single(world.Log.Of("RecheckPostponed"));
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);

        // The same userinfo as it should be does all of it.
        world.Provider.RewriteUserInfo = null;
        world.Provider.TamperUserInfo = claims => With(claims, "", world);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(["root"], await alice.GroupsAsync());
        Assert.True(world.Paperless.Data.FindUser("alice")!.IsSuperuser);
    }

    [Fact]
    public async Task Signed_userinfo_of_another_subject_ends_the_session_at_the_recheck()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.RewriteUserInfo = token => new GoodToken(world, token).With("sub", $"\"{world.Provider.Find("bob")!.Subject}\"");
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    private static Task<World> StartAsync(params (string Name, string Value)[] settings) => RecheckWorld.StartAsync(
        refresh: false,
        provider: options => options with { SignedUserInfo = true, AccessTokenLifetime = TimeSpan.FromHours(1) },
        settings: settings);

    private static JsonObject With(JsonObject claims, string how, World world)
    {
        claims["groups"] = new JsonArray("root");
        switch (how)
        {
            case "other issuer":
                claims["iss"] = "https://evil.example/";
                break;
            case "other client":
                claims["aud"] = "other";
                break;
            case "expired":
                claims["exp"] = world.Clock.GetUtcNow().ToUnixTimeSeconds() - 121;
                break;
            case "no issuer":
                claims.Remove("iss");
                break;
            case "no audience":
                claims.Remove("aud");
                break;
        }

        return claims;
    }

    private static string Rewrite(GoodToken good, string how) => how switch
    {
        "none" => good.Forge(good.HeaderWith(("alg", "\"none\"")), _ => []),
        "no signature" => $"{good.Parts[0]}.{good.Parts[1]}.",
        "client secret" => good.Forge(
            good.HeaderWith(("alg", "\"HS256\"")),
            bytes => System.Security.Cryptography.HMACSHA256.HashData(Encoding.UTF8.GetBytes(good.World.Provider.Options.ClientSecret), bytes)),
        "critical" => good.WithHeader(("crit", "[\"x\"]"), ("x", "1")),
        "twice" => good.Sign(good.HeaderText, "{\"groups\":[]," + good.ClaimsText[1..]),
        "encrypted" => good.Text + ".AAAA.AAAA",
        _ => good.Text,
    };
}
