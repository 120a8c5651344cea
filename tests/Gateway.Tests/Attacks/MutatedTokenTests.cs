using System.Net;
using CsCheck;
using Gateway.Providers;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Gateway.Tests.SignOut;

namespace Gateway.Tests.Attacks;

/// <summary>Any change to any byte of a token that a provider signed is refused. CsCheck names the seed of a failure.</summary>
[Trait("Category", "Attacks")]
public sealed class MutatedTokenTests
{
    private const int Tries = 1500;
    private const int TriesOverHttp = 60;

    /// <summary>The first seed, so that two runs try the same changes.</summary>
    private const string Seed = "0N0XIzNsQ0O2";

    [Theory]
    [InlineData(nameof(SigningMode.RS256))]
    [InlineData(nameof(SigningMode.ES256))]
    [InlineData(nameof(SigningMode.HS256))]
    public async Task Every_token_with_one_changed_character_is_refused(string signing)
    {
        await using Tokens tokens = await Tokens.OfAsync(signing);
        int judged = 0;
        foreach ((string kind, string good, Func<string, Task> check) in tokens.All)
        {
            await check(good);
            for (int at = 0; at < good.Length; at++)
            {
                // The letter that differs in the lowest bit meets the bits that decode to nothing, where there are any.
                foreach (char letter in (char[])[Other(good[at], 1), Other(good[at], 32), '.', '='])
                {
                    string mutated = string.Concat(good.AsSpan(0, at), [letter], good.AsSpan(at + 1));
                    if (mutated != good)
                    {
                        await IsRefusedAsync(check, mutated, $"{kind}: {letter} at {at}");
                        judged++;
                    }
                }
            }
        }

        AttackReport.Write(judged, least: 3000);
    }

    [Theory]
    [InlineData(nameof(SigningMode.RS256))]
    [InlineData(nameof(SigningMode.ES256))]
    [InlineData(nameof(SigningMode.HS256))]
    public async Task Every_token_with_up_to_three_changes_is_refused(string signing)
    {
        await using Tokens tokens = await Tokens.OfAsync(signing);
        int judged = 0;
        foreach ((string kind, string good, Func<string, Task> check) in tokens.All)
        {
            await TokenMutation.Several.SampleAsync(
                async mutations =>
                {
                    string mutated = mutations.Aggregate(good, (text, mutation) => mutation.Apply(text));
                    if (mutated != good)
                    {
                        await IsRefusedAsync(check, mutated, kind);
                        Interlocked.Increment(ref judged);
                    }
                },
                seed: Seed,
                iter: Tries,
                threads: 1);
        }

        AttackReport.Write(judged, least: 4 * Tries * 9 / 10);
    }

    [Fact]
    public async Task Every_changed_ID_token_ends_on_an_error_page_of_the_sign_in()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        int judged = 0;
        await TokenMutation.Several.SampleAsync(
            async mutations =>
            {
                bool changed = false;
                world.Provider.RewriteIdToken = token =>
                {
                    string mutated = mutations.Aggregate(token, (text, mutation) => mutation.Apply(text));
                    changed = mutated != token;
                    return mutated;
                };
                using Visitor visitor = world.NewVisitor();
                Page page = await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();
                Assert.Equal(changed ? HttpStatusCode.BadGateway : HttpStatusCode.OK, page.Status);
                judged++;
            },
            seed: Seed,
            iter: TriesOverHttp,
            threads: 1);

        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
        AttackReport.Write(judged, least: TriesOverHttp);
    }

    [Fact]
    public async Task Every_changed_logout_token_is_refused_over_HTTP_and_ends_no_session()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        int judged = 0;
        await TokenMutation.Several.SampleAsync(
            async mutations =>
            {
                string good = world.Provider.CreateLogoutToken(world.Provider.Sessions[^1]);
                string mutated = mutations.Aggregate(good, (text, mutation) => mutation.Apply(text));
                if (mutated != good)
                {
                    using HttpResponseMessage answer = await world.SendLogoutTokenAsync(mutated);
                    Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
                    judged++;
                }
            },
            seed: Seed,
            iter: TriesOverHttp * 4,
            threads: 1);

        Assert.Equal("alice", await alice.WhoAsync());
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
        AttackReport.Write(judged, least: TriesOverHttp * 3);
    }

    private static async Task IsRefusedAsync(Func<string, Task> check, string mutated, string what)
    {
        Exception? thrown = await Record.ExceptionAsync(() => check(mutated));
        Assert.True(thrown is ProviderMistakeException, $"{what}: {thrown?.ToString() ?? "taken"}\n{mutated}");
    }

    /// <summary>The letter of the base64url alphabet whose value differs in one bit.</summary>
    private static char Other(char letter, int bit)
    {
        const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        int value = Letters.IndexOf(letter, StringComparison.Ordinal);
        return value < 0 ? 'A' : Letters[value ^ bit];
    }
}
