using System.Net;
using Gateway.Tests.Kit;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.Attacks;

/// <summary>Logout tokens with one error each: every one is answered with 400, ends no session, and logs one line without a stack trace.</summary>
[Trait("Category", "Attacks")]
public sealed class InvalidLogoutTokenTests
{
    private const string Event = "http://schemas.openid.net/event/backchannel-logout";

    /// <summary>Claims that a logout token alone must get right (OpenID Connect Back-Channel Logout 1.0, section 2.6).</summary>
    private static readonly IReadOnlyList<TokenChange> Claims =
    [
        .. InvalidClaims.Each("events", null, "null", "5", "[]", "{}", "true", $"\"{Event}\"", $"[\"{Event}\"]"),
        .. InvalidClaims.Each("events", $"{{\"{Event}\":null}}", $"{{\"{Event}\":\"yes\"}}", $"{{\"{Event}\":[]}}", $"{{\"{Event}\":true}}"),
        .. InvalidClaims.Each("events", $"{{\"{Event}/\":{{}}}}", "{\"http://schemas.openid.net/event/other\":{}}"),
        .. InvalidClaims.Each("jti", null, "null", "\"\"", "1.5", "{}", "[]"),
        .. InvalidClaims.Each("nonce", "null", "\"\"", "\"n\"", "5", "{}"),
        .. InvalidClaims.Each("sid", "1.5", "{}", "[]", "true"),
        .. InvalidClaims.Each("iat", null, "null"),
        new("neither exp nor iat", good => good.With(("exp", null), ("iat", null))),
        new("no exp and an old iat", good => good.With(("exp", null), ("iat", $"{good.Now - 121}"))),
        new("no exp and an iat to come", good => good.With(("exp", null), ("iat", $"{good.Now + 125}"))),
        new("neither sid nor sub", good => good.With(("sid", null), ("sub", null))),
        new("sid and sub null", good => good.With(("sid", "null"), ("sub", "null"))),
        new("sid and sub empty", good => good.With(("sid", "\"\""), ("sub", "\"\""))),
        new("sid empty without sub", good => good.With(("sid", "\"\""), ("sub", null))),
        new("typ of an ID token's own", good => good.WithHeader(("typ", "\"id_token\""))),
        new("typ of userinfo", good => good.WithHeader(("typ", "\"userinfo+jwt\""))),
    ];

    [Fact]
    public async Task Each_of_more_than_60_invalid_logout_tokens_is_refused_and_ends_no_session()
    {
        await using World world = await World.StartAsync();
        int fetched = 0;
        await using StubSite elsewhere = await StubSite.StartAsync(context =>
        {
            Interlocked.Increment(ref fetched);
            return context.Response.WriteAsync("{}");
        });
        using InvalidTokenHeaders headers = await InvalidTokenHeaders.OfAsync(world, elsewhere.Address);
        string idToken = "";
        world.Provider.RewriteIdToken = token => idToken = token;
        using Visitor alice = await world.SignedInAsync("alice");
        TokenChange[] changes =
        [
            .. InvalidTokenForms.Text, .. InvalidTokenForms.Json, .. headers.All, .. InvalidClaims.All, .. Claims,
            new("an ID token in its place", _ => idToken),
            new("an ID token in its place, with its typ", _ => new GoodToken(world, idToken).WithHeader(("typ", "\"logout+jwt\""))),
            new("an ID token in its place, without its nonce", _ => new GoodToken(world, idToken).With("nonce", null)),
        ];
        List<string> taken = [];
        foreach (TokenChange change in changes)
        {
            string good = world.Provider.CreateLogoutToken(world.Provider.Sessions[^1]);
            string changed = change.Make(new GoodToken(world, good));
            int refused = world.Log.Of("LogoutTokenRefused").Count;
            using HttpResponseMessage answer = await world.SendLogoutTokenAsync(changed);
            string body = await answer.Content.ReadAsStringAsync(World.Ct);
            bool isOneLine = world.Log.Of("LogoutTokenRefused").Count == refused + 1;
            bool isRefused = answer.StatusCode == HttpStatusCode.BadRequest && body.Contains("\"error\":\"invalid_request\"", StringComparison.Ordinal);
            if (changed == good || !isRefused || !isOneLine)
            {
                taken.Add($"{change.Name}: {(int)answer.StatusCode} {body}");
            }
        }

        Assert.True(taken.Count == 0, string.Join('\n', taken));
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
        Assert.Equal(0, fetched);

        string once = world.Provider.CreateLogoutToken(world.Provider.Sessions[^1]);
        using HttpResponseMessage first = await world.SendLogoutTokenAsync(once);
        using HttpResponseMessage again = await world.SendLogoutTokenAsync(once);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.BadRequest), (first.StatusCode, again.StatusCode));
        Assert.Null(await alice.WhoAsync());
        AttackReport.Write(changes.Length + 1, least: 61);
    }

    [Theory]
    [InlineData("exp", "253370764800")]
    [InlineData("exp", "1.8e11")]
    [InlineData("nbf", "-1")]
    [InlineData("iat", "0")]
    [InlineData("sid", "null")]
    [InlineData("sub", "null")]
    public async Task A_valid_logout_token_with_unusual_values_ends_the_session(string claim, string json)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        GoodToken good = new(world, world.Provider.CreateLogoutToken(world.Provider.Sessions[^1]));

        using HttpResponseMessage answer = await world.SendLogoutTokenAsync(good.With(claim, json));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await alice.WhoAsync());
    }
}
