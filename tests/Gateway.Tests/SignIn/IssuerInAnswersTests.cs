using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

/// <summary>The `iss` of authorization responses (RFC 9207), at a provider that announces it and leaves it out of its error answers.</summary>
public sealed class IssuerInAnswersTests
{
    [Theory]
    [InlineData("access_denied", 403, "Ask the operator of the provider for access")]
    [InlineData("temporarily_unavailable", 503, "Try again in a moment")]
    public async Task An_error_answer_without_the_announced_iss_is_heard(string error, int status, string remedy)
    {
        await using World world = await StartAsync(IssuerInAnswers.CodesOnly);
        world.Provider.NextAuthorizeError = new ProviderError(error, "why");
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.DoesNotContain("iss=", page.Trail[^1].Query, StringComparison.Ordinal);
        Assert.Equal(status, (int)page.Status);
        Assert.Contains(error, page.Text, StringComparison.Ordinal);
        Assert.Contains(remedy, page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(IssuerInAnswers.All))]
    [InlineData(nameof(IssuerInAnswers.CodesOnly))]
    public async Task A_code_without_the_announced_iss_signs_nobody_in_and_one_with_it_does(string answers)
    {
        await using World world = await StartAsync(Enum.Parse<IssuerInAnswers>(answers));
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor);
        string callback = await tab.AnswerAsync();
        Assert.Contains("iss=", callback, StringComparison.Ordinal);

        Page refused = await tab.FinishAsync(RoundTrip.With(callback, "iss", null));

        Assert.Equal(HttpStatusCode.BadGateway, refused.Status);
        Assert.Contains("does not name its issuer", refused.Text, StringComparison.Ordinal);
        Assert.Null(await visitor.WhoAsync());

        // An error beside the code does not make up for it.
        Page both = await tab.FinishAsync(RoundTrip.With(RoundTrip.With(callback, "iss", null), "error", "access_denied"));
        Assert.Equal(HttpStatusCode.BadGateway, both.Status);
        Assert.Null(await visitor.WhoAsync());

        using Visitor other = await world.SignedInAsync("alice");
        Assert.Equal("alice", await other.WhoAsync());
    }

    [Fact]
    public async Task An_error_answer_of_another_issuer_is_not_heard()
    {
        await using World world = await StartAsync(IssuerInAnswers.CodesOnly);
        world.Provider.NextAuthorizeError = new ProviderError("access_denied");
        using Visitor visitor = world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor);

        Page page = await tab.FinishAsync(RoundTrip.With(await tab.AnswerAsync(), "iss", "https://elsewhere.example/"));

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("another issuer", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("access_denied", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("&state=made-up")]
    public async Task An_error_answer_without_the_right_state_ends_no_session(string state)
    {
        await using World world = await StartAsync(IssuerInAnswers.CodesOnly);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        // A silent authentication is under way.
        Assert.Equal(HttpStatusCode.Redirect, (await alice.OpenAsync("/documents/2")).Status);
        await alice.OpenAsync("/accounts/oidc/authentik/login/callback/?error=login_required" + state, "cross-site");

        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Empty(world.Log.Of("SessionEnded"));
    }

    private static Task<World> StartAsync(IssuerInAnswers answers) =>
        World.StartAsync(options => options.Provider = provider => provider with { IssuerInAnswers = answers });
}
