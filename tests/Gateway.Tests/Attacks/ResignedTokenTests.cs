using System.Net;
using CsCheck;
using Gateway.Providers;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Attacks;

/// <summary>Wrong tokens with a valid signature of the provider, and tokens combined from parts of valid ones. CsCheck names the seed of a failure.</summary>
[Trait("Category", "Attacks")]
public sealed class ResignedTokenTests
{
    private const int Tries = 800;
    private const int TriesOverHttp = 120;
    private const string Seed = "0N0XIzNsQ0O2";

    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "5", "1e400", "-1e400", "1.5", "99999999999999999999999999", "\"\"", "\" \"", "\"text\"",
        "\"\\u0000\"", "\"\\ud800\"", "[]", "[[]]", "[null]", "[5]", "[\"text\"]", "[{}]", "{}", "{\"a\":1,\"a\":2}", "{\"\":{}}",
        "{\"$type\":\"System.Object\"}", $"\"{new string('x', 5000)}\"", new string('[', 40) + new string(']', 40),
    ];

    /// <summary>None of them can be a text, a time, or a list of texts.</summary>
    private static readonly string[] WrongValues = ["true", "{}", "[5]", "[[]]", "1e400", "{\"a\":1}", "\"\\ud800\"", "[null]"];

    [Theory]
    [InlineData(nameof(SigningMode.RS256))]
    [InlineData(nameof(SigningMode.ES256))]
    [InlineData(nameof(SigningMode.HS256))]
    [InlineData(nameof(SigningMode.EdDSA))]
    public async Task A_token_combined_from_parts_of_several_valid_tokens_is_refused(string signing)
    {
        await using Tokens tokens = await Tokens.OfAsync(signing);
        string[] good = [.. tokens.All.Select(one => one.Good)];
        string[] mixed =
        [
            .. from header in good from claims in good from signature in good
               let text = $"{header.Split('.')[0]}.{claims.Split('.')[1]}.{signature.Split('.')[2]}"
               where !good.Contains(text)
               select text,
            .. good.SelectMany(one => good.Select(other => one + other)),
            .. good.SelectMany(one => good.Select(other => $"{one}.{other}")),
        ];
        int judged = 0;
        foreach ((string kind, string own, Func<string, Task> check) in tokens.All)
        {
            await check(own);
            foreach (string text in mixed)
            {
                Exception? thrown = await Record.ExceptionAsync(() => check(text));
                Assert.True(thrown is ProviderMistakeException, $"{kind}: {thrown?.ToString() ?? "taken"}\n{text}");
                judged++;
            }
        }

        AttackReport.Write(judged, least: 300);
    }

    [Fact]
    public async Task A_claim_of_the_wrong_type_is_refused_and_an_unknown_claim_is_ignored()
    {
        await using Tokens tokens = await Tokens.OfAsync(nameof(SigningMode.ES256));
        int judged = 0;
        foreach ((string kind, GoodToken good, Func<string, Task> check) in tokens.Good)
        {
            string[] typed = kind.EndsWith("ID token", StringComparison.Ordinal)
                ? ["iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "sid", "azp", "at_hash", "auth_time", "jti", "acr"]
                : ["iss", "aud", "exp", "iat", "nbf"];
            foreach (string claim in typed)
            {
                foreach (string value in WrongValues)
                {
                    Exception? thrown = await Record.ExceptionAsync(() => check(good.With(claim, value)));
                    Assert.True(thrown is ProviderMistakeException, $"{kind}, {claim} {value}: {thrown?.ToString() ?? "taken"}");
                    judged++;
                }
            }

            // Whatever else the provider says is its own business.
            foreach (string value in (string[])["null", "true", "5", "1e400", "[]", "{\"a\":[{}]}", "\"\\u0000\"", "99999999999999999999999999"])
            {
                await check(good.With("urn:example:claim", value));
                await check(good.WithHeader(("urn:example:header", value)));
                judged += 2;
            }
        }

        AttackReport.Write(judged, least: 300);
    }

    [Fact]
    public async Task Any_value_of_a_header_parameter_is_accepted_or_refused_by_the_token_check_itself()
    {
        await using Tokens tokens = await Tokens.OfAsync(nameof(SigningMode.RS256));
        Gen<(string Name, string Value)> changes = Gen.Select(
            OneOf(
                "alg", "kid", "typ", "cty", "crit", "b64", "zip", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "enc", "epk", "iv", "tag", "url",
                "nonce", "iss"),
            OneOf(Values));
        int judged = 0;
        foreach ((string kind, GoodToken good, Func<string, Task> check) in tokens.Good)
        {
            await changes.SampleAsync(
                async change =>
                {
                    Exception? thrown = await Record.ExceptionAsync(() => check(good.WithHeader((change.Name, change.Value))));
                    Assert.True(thrown is null or ProviderMistakeException, $"{kind}, {change}: {thrown}");

                    // A null key id is none.
                    bool mustBeRefused = change.Name is "alg" or "crit" or "b64" or "zip" or "typ"
                        || (change.Name == "kid" && change.Value is not ("null" or "\"\""));
                    Assert.True(thrown is not null || !mustBeRefused, $"{kind}, {change}: taken");
                    Interlocked.Increment(ref judged);
                },
                seed: Seed,
                iter: Tries,
                threads: 1);
        }

        AttackReport.Write(judged, least: 4 * Tries);
    }

    [Fact]
    public async Task No_claim_value_causes_an_internal_error()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { SignedUserInfo = true });
        world.Provider.SignsInAs = "alice";
        Gen<(string Name, string? Value, bool InUserInfo)> changes = Gen.Select(
            OneOf(
                "iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "sid", "azp", "at_hash", "c_hash", "auth_time", "acr", "amr", "jti", "events",
                "actort", "unique_name", "name", "given_name", "family_name", "email", "email_verified", "preferred_username", "groups",
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"),
            OneOf<string?>([.. Values, null]),
            Gen.Bool);
        int judged = 0;
        Dictionary<HttpStatusCode, int> answers = [];
        await changes.SampleAsync(
            async change =>
            {
                string Changed(string token) => new GoodToken(world, token).With(change.Name, change.Value);
                world.Provider.RewriteIdToken = change.InUserInfo ? null : Changed;
                world.Provider.RewriteUserInfo = change.InUserInfo ? Changed : null;
                using Visitor visitor = world.NewVisitor();
                Page page = await (await RoundTrip.BeginAsync(visitor)).CompleteAsync();
                Assert.True(page.Status is HttpStatusCode.OK or HttpStatusCode.Forbidden or HttpStatusCode.BadGateway, $"{change}: {(int)page.Status}");
                answers[page.Status] = answers.GetValueOrDefault(page.Status) + 1;
                judged++;
            },
            seed: Seed,
            iter: TriesOverHttp,
            threads: 1);

        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
        Assert.True(answers[HttpStatusCode.OK] > 10 && answers[HttpStatusCode.BadGateway] > 10, string.Join(", ", answers));
        AttackReport.Write(judged, least: TriesOverHttp);
    }

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);
}
