using System.Net;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;

namespace Gateway.Tests.Attacks;

/// <summary>Refreshed ID tokens (OpenID Connect Core 1.0, section 12.2) with one error each: the session stays as it was.</summary>
[Trait("Category", "Attacks")]
public sealed class InvalidRefreshedTokenTests
{
    [Fact]
    public async Task Each_invalid_refreshed_ID_token_leaves_the_session_unchanged()
    {
        await using World world = await RecheckWorld.StartAsync(refresh: true, provider: null, ("GATEWAY_SESSION_LIFETIME", "30d"));
        int fetched = 0;
        await using StubSite elsewhere = await StubSite.StartAsync(context =>
        {
            Interlocked.Increment(ref fetched);
            return context.Response.WriteAsync("{}");
        });
        using InvalidTokenHeaders headers = await InvalidTokenHeaders.OfAsync(world, elsewhere.Address);
        using Visitor alice = await world.SignedInAsync("alice");
        TokenChange[] changes =
        [
            .. InvalidTokenForms.Json, .. headers.All.Where(change => OfTheHeader(change.Name)), .. InvalidClaims.All, .. InvalidClaims.Times,
            .. InvalidClaims.Each("azp", "\"other\"", "5", "null"),
            .. InvalidClaims.Each("sub", null, "null", "\"\""),
            .. InvalidClaims.Each("sid", "1.5", "{}"),
            .. InvalidClaims.Each("nonce", "1.5", "[]"),
            .. InvalidClaims.Each("auth_time", "\"now\"", "1e400"),
        ];
        List<string> taken = [];
        foreach (TokenChange change in changes)
        {
            int postponed = world.Log.Of("RecheckPostponed").Count;
            world.Provider.RewriteIdToken = token => change.Make(new GoodToken(world, new GoodToken(world, token).With("groups", "[\"forged\"]")));
            world.Clock.Advance(TimeSpan.FromMinutes(11));
            Page page = await alice.FetchAsync("/api/documents/");
            if (page.Status != HttpStatusCode.OK || world.Log.Of("RecheckPostponed").Count != postponed + 1)
            {
                taken.Add($"{change.Name}: {(int)page.Status}");
            }
        }

        Assert.True(taken.Count == 0, string.Join('\n', taken));
        Assert.Equal(["paperless-users", "family"], await alice.GroupsAsync());
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
        Assert.Equal(0, fetched);

        // Each refresh token was used up all the same, and its successor kept.
        world.Provider.RewriteIdToken = null;
        world.Provider.Change(world.Provider.Find("alice")! with { Groups = ["new"] });
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Equal(["new"], await alice.GroupsAsync());
        AttackReport.Write(changes.Length, least: 100);
    }

    /// <summary>Other keys and other texts are the same to every token; here are those that say what kind of token it is.</summary>
    private static bool OfTheHeader(string name) => ((string[])["typ", "crit", "alg \"none"]).Any(start => name.StartsWith(start, StringComparison.Ordinal));
}
