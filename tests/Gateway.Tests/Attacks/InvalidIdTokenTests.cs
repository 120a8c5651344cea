using System.Net;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;

namespace Gateway.Tests.Attacks;

/// <summary>ID tokens with one error each: every one ends on an error page, without a session, an account or a stack trace.</summary>
[Trait("Category", "Attacks")]
public sealed class InvalidIdTokenTests
{
    /// <summary>Claims that an ID token alone must get right (OpenID Connect Core 1.0, sections 3.1.3.7 and 3.1.3.8).</summary>
    private static readonly IReadOnlyList<TokenChange> Claims =
    [
        .. InvalidClaims.Each("azp", "\"other\"", "\"\"", "\"Paperless\"", "5", "null", "{}", "[\"paperless\"]"),
        new("several aud without azp", good => good.With("aud", "[\"paperless\",\"other\"]")),
        new("several aud with azp of the other", good => good.With(("aud", "[\"paperless\",\"other\"]"), ("azp", "\"other\""))),
        new("several aud with azp of both", good => good.With(("aud", "[\"paperless\",\"other\"]"), ("azp", "[\"paperless\",\"other\"]"))),
        .. InvalidClaims.Each("nonce", null, "null", "\"\"", "\"other\"", "5", "{}", "[]"),
        new("nonce in capitals", good => good.With("nonce", $"\"{((string)good.Claims["nonce"]!).ToUpperInvariant()}\"")),
        new("nonce in a list", good => good.With("nonce", $"[{good.Claims["nonce"]!.ToJsonString()}]")),
        .. InvalidClaims.Each("sub", null, "null", "\"\""),
        .. InvalidClaims.Each("sid", "1.5", "{}", "[]", "true"),
        .. InvalidClaims.Each("at_hash", "\"AAAAAAAAAAAAAAAAAAAAAA\"", "5", "{}", "[]"),
        .. InvalidClaims.Each("auth_time", "\"now\"", "{}", "[]", "1e400", "true"),
        .. InvalidClaims.Each("acr", "1.5", "[]", "{}"),
        .. InvalidClaims.Each("jti", "1.5", "[]"),
        .. InvalidClaims.Each(
            "events", """{"http://schemas.openid.net/event/backchannel-logout":{}}""", """{"http://schemas.openid.net/event/backchannel-logout":null}"""),
        new("typ of a logout token", good => good.WithHeader(("typ", "\"logout+jwt\""))),
        new("typ of userinfo", good => good.WithHeader(("typ", "\"userinfo+jwt\""))),
        new("a logout token in its place", good => good.World.Provider.CreateLogoutToken(good.World.Provider.Sessions[^1], type: "JWT")),
        new("a logout token in its place, as it should be", good => good.World.Provider.CreateLogoutToken(good.World.Provider.Sessions[^1])),
        new("nothing", _ => ""),
    ];

    [Fact]
    public async Task Each_of_more_than_100_invalid_ID_tokens_ends_on_an_error_page_without_a_session()
    {
        await using World world = await World.StartAsync();
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
        TokenChange[] changes = [.. InvalidTokenForms.Text, .. InvalidTokenForms.Json, .. headers.All, .. InvalidClaims.All, .. InvalidClaims.Times, .. Claims];
        List<string> taken = [];
        foreach (TokenChange change in changes)
        {
            int refused = world.Log.Of("Refused").Count;
            bool changed = false;
            world.Provider.RewriteIdToken = token =>
            {
                string other = change.Make(new GoodToken(world, token));
                changed = other != token;
                return other;
            };
            using Visitor visitor = world.NewVisitor();
            Page page = await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();
            bool isLoggedOnce = world.Log.Of("Refused").Count == refused + 1;
            if (!changed || page.Status != HttpStatusCode.BadGateway || !isLoggedOnce || await visitor.WhoAsync() is not null)
            {
                taken.Add($"{change.Name}: {(int)page.Status}");
            }
        }

        Assert.True(taken.Count == 0, string.Join('\n', taken));
        Assert.Equal((accounts, 0), (world.Paperless.Data.Users.Count, world.Links().Count));
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
        Assert.Empty(await world.ListedSessionsAsync());
        Assert.Equal(0, fetched);

        world.Provider.RewriteIdToken = null;
        using Visitor carol = world.NewVisitor();
        Assert.Equal(HttpStatusCode.OK, (await (await RoundTrip.BeginAsync(carol)).CompleteAsync()).Status);
        Assert.Equal("carol", await carol.WhoAsync());
        AttackReport.Write(changes.Length, least: 115);
    }
}
