using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

/// <summary>Two providers side by side: "authentik", where everybody is alice, and "other", where everybody is bob.</summary>
public sealed class SeveralProvidersTests : IAsyncLifetime
{
    private World _world = null!;
    private DevelopmentProvider _other = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync(options => options.StartGateway = false);
        _other = await DevelopmentProvider.StartAsync(
            new DevelopmentProviderOptions
            {
                TimeProvider = _world.Clock,
                SessionCookie = "other_session",
                ClientId = "other-client",
                ClientSecret = "another-secret-that-protects-nothing",
                RedirectUris = [$"{_world.Origin}/accounts/oidc/other/login/callback/"],
            },
            World.Ct);
        _world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(ProvidersSetting.Of(_world.Provider), ProvidersSetting.Of(_other, "other"));
        _world.Options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "username";
        _world.StartGateway();
        _world.Provider.SignsInAs = "alice";
        _other.SignsInAs = "bob";
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        await _other.DisposeAsync();
    }

    [Fact]
    public async Task Each_of_two_providers_has_its_own_button_callback_and_people()
    {
        using Visitor visitor = _world.NewVisitor();
        Page door = await visitor.OpenAsync("/accounts/login/?next=%2Fdocuments%2F2");
        Assert.Contains("href=\"/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2\"", door.Text, StringComparison.Ordinal);
        Assert.Contains("href=\"/accounts/oidc/other/login/?next=%2Fdocuments%2F2\"", door.Text, StringComparison.Ordinal);
        RoundTrip ofAlice = await RoundTrip.BeginAsync(visitor, "/documents/1");
        RoundTrip ofBob = await RoundTrip.BeginAsync(visitor, "/documents/2", "other");
        Assert.Equal($"{_world.Origin}/accounts/oidc/other/login/callback/", ofBob.Query["redirect_uri"]);

        Page first = await ofAlice.CompleteAsync();
        Assert.Equal(("/documents/1", "alice"), (first.Address.PathAndQuery, await visitor.WhoAsync()));
        Page second = await ofBob.CompleteAsync();
        Assert.Equal(("/documents/2", "bob"), (second.Address.PathAndQuery, await visitor.WhoAsync()));

        JsonNode session = await SessionAsync(visitor);
        Assert.Equal("other", (string?)session["provider"]);
        Assert.Equal(_other.Issuer.AbsoluteUri, (string?)session["issuer"]);
    }

    [Fact]
    public async Task An_authorization_response_of_one_provider_is_refused_at_the_callback_of_another()
    {
        using Visitor visitor = _world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor);
        await RoundTrip.BeginAsync(visitor, "/", "other");
        string mixed = (await tab.AnswerAsync()).Replace("/authentik/", "/other/", StringComparison.Ordinal);

        Page page = await tab.FinishAsync(mixed);

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Null(await visitor.WhoAsync());
        Assert.DoesNotContain(_other.Received.Concat(_world.Provider.Received), request => request.Path == "/application/o/token/");
    }

    [Fact]
    public async Task An_authorization_code_of_one_provider_is_refused_in_a_sign_in_at_another()
    {
        using Visitor visitor = _world.NewVisitor();
        RoundTrip ofAlice = await RoundTrip.BeginAsync(visitor);
        RoundTrip ofBob = await RoundTrip.BeginAsync(visitor, "/", "other");
        string code = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery((await ofBob.AnswerAsync()).Split('?')[1])["code"]!;

        await ofAlice.FinishAsync(RoundTrip.With(await ofAlice.AnswerAsync(), "code", code));

        Assert.Equal("alice", await visitor.WhoAsync());
        Assert.DoesNotContain(_world.Forwarded, request => request.Lines("Remote-User").Contains("bob"));
    }

    [Fact]
    public async Task An_authorization_response_that_names_another_issuer_is_refused()
    {
        using Visitor visitor = _world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor);
        string callback = await tab.AnswerAsync();

        Page wrong = await tab.FinishAsync(RoundTrip.With(callback, "iss", _other.Issuer.AbsoluteUri));

        Assert.Equal(HttpStatusCode.BadGateway, wrong.Status);
        Assert.Contains("another issuer", wrong.Text, StringComparison.Ordinal);
        Assert.Null(await visitor.WhoAsync());
        Assert.DoesNotContain(_world.Provider.Received, request => request.Path == "/application/o/token/");
        Page right = await tab.FinishAsync(RoundTrip.With(callback, "iss", _world.Provider.Issuer.AbsoluteUri));
        Assert.Equal((HttpStatusCode.OK, "alice"), (right.Status, await visitor.WhoAsync()));
    }

    [Fact]
    public async Task A_provider_that_announces_the_iss_parameter_must_send_it_in_the_response()
    {
        _world.Provider.TamperDiscovery = document =>
        {
            document["authorization_response_iss_parameter_supported"] = true;
            return document;
        };
        using Visitor visitor = _world.NewVisitor();
        RoundTrip tab = await RoundTrip.BeginAsync(visitor);
        string callback = await tab.AnswerAsync();

        Page without = await tab.FinishAsync(callback);

        Assert.Equal(HttpStatusCode.BadGateway, without.Status);
        Assert.Null(await visitor.WhoAsync());
        await tab.FinishAsync(RoundTrip.With(callback, "iss", _world.Provider.Issuer.AbsoluteUri));
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task An_unavailable_provider_does_not_affect_sign_ins_at_another()
    {
        _world.Provider.Outage = Outage.DropsConnections;
        using Visitor visitor = _world.NewVisitor();

        Page away = await visitor.OpenAsync("/accounts/oidc/authentik/login/", "same-origin");
        Page page = await (await RoundTrip.BeginAsync(visitor, "/", "other")).CompleteAsync();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, away.Status);
        Assert.Equal((HttpStatusCode.OK, "bob"), (page.Status, await visitor.WhoAsync()));
    }

    /// <summary>The same subject at two issuers is two people.</summary>
    [Fact]
    public async Task The_same_subject_at_two_issuers_is_two_people()
    {
        _other.SignsInAs = "alice";
        using Visitor visitor = _world.NewVisitor();
        RoundTrip second = await RoundTrip.BeginAsync(visitor, "/", "other");
        await visitor.DeclineAsync(await (await RoundTrip.BeginAsync(visitor)).CompleteAsync());
        string? before = visitor.Cookie(SignedIn.CookieName);
        _world.Clock.Advance(TimeSpan.FromSeconds(1));

        await visitor.DeclineAsync(await second.CompleteAsync());

        Assert.NotEqual(before, visitor.Cookie(SignedIn.CookieName));
        Assert.Equal("other", (string?)(await SessionAsync(visitor))["provider"]);
    }

    private static async Task<JsonNode> SessionAsync(Visitor visitor) => JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!;
}
