using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Apps;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Attacks;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Apps;

/// <summary>Which access tokens of the provider the gateway accepts, and what they open.</summary>
public sealed class BearerTokenTests
{
    [Fact]
    public async Task Without_the_setting_no_access_token_is_accepted_and_no_provider_is_asked()
    {
        await using World world = await BearerWorld.StartAsync(options => options.Settings["GATEWAY_BEARER_AUDIENCES"] = null);
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        world.Paperless.ForgetReceived();

        Page page = await app.GetAsync("/api/documents/", token.Text);

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        Assert.Contains("credential_refused", page.Text, StringComparison.Ordinal);
        Assert.Empty(world.Paperless.Received);
    }

    [Fact]
    public async Task The_switch_for_apps_closes_this_door_too()
    {
        await using World world = await BearerWorld.StartAsync(options => options.Settings["GATEWAY_APPS"] = "false");
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();

        Assert.Equal(HttpStatusCode.Unauthorized, (await app.GetAsync("/api/documents/", token.Text)).Status);
    }

    [Fact]
    public async Task Each_of_more_than_100_spoiled_access_tokens_is_refused_and_nothing_reaches_Paperless()
    {
        await using World world = await BearerWorld.StartAsync(options => options.Settings["GATEWAY_FAILED_LOGINS"] = "off");
        GoodToken good = await world.AccessTokenAsync("alice");
        int accounts = world.Paperless.Data.Users.Count;
        int fetched = 0;
        await using StubSite elsewhere = await StubSite.StartAsync(context =>
        {
            Interlocked.Increment(ref fetched);
            return context.Response.WriteAsync("{}");
        });
        using InvalidTokenHeaders headers = await InvalidTokenHeaders.OfAsync(world, elsewhere.Address);
        TokenChange[] changes =
        [
            .. InvalidTokenForms.Text, .. InvalidTokenForms.Json, .. InvalidClaims.All, .. InvalidClaims.Times,
            .. headers.All.Where(change => !change.Name.Contains("at+jwt", StringComparison.OrdinalIgnoreCase)),
            .. InvalidClaims.Each("aud", "\"paperless\"", "[\"paperless\"]"), .. InvalidClaims.Each("sub", null, "null", "\"\""),
            .. InvalidClaims.Each("nonce", "\"x\"", "null"), .. InvalidClaims.Each("at_hash", "\"x\""), .. InvalidClaims.Each("events", "{}"),
            .. InvalidClaims.Each("typ", "\"ID\"", "\"Refresh\"", "5"), .. InvalidClaims.Each("token_use", "\"id\""),
            new("no typ", good => good.WithHeader(("typ", null))),
        ];
        using Visitor app = world.NewVisitor();
        world.Paperless.ForgetReceived();
        List<string> taken = [];
        int sent = 0;
        foreach (TokenChange change in changes)
        {
            string spoiled = change.Make(good);
            if (spoiled.Trim(' ') == good.Text || spoiled.AsSpan().ContainsAnyExceptInRange(' ', '~') || spoiled.Length > 20_000)
            {
                // No header can carry it, or the header is the same without the spaces around it.
                continue;
            }

            sent++;
            Page page = await app.GetAsync("/api/documents/", spoiled);
            bool isChallenged = page.Text.Contains("credential_refused", StringComparison.Ordinal)
                || page.Header("WWW-Authenticate") == "Bearer error=\"invalid_token\"";
            if (page.Status != HttpStatusCode.Unauthorized || !isChallenged)
            {
                taken.Add($"{change.Name}: {(int)page.Status} {page.Text}");
            }
        }

        Assert.True(taken.Count == 0, string.Join('\n', taken));
        Assert.Empty(world.Forwarded);
        Assert.Equal((accounts, 0), (world.Paperless.Data.Users.Count, fetched));
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/documents/", good.Text)).Status);
        AttackReport.Write(sent, least: 100);
    }

    [Fact]
    public async Task An_ID_token_of_another_client_is_no_access_token_although_its_audience_is_listed()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken good = await world.AccessTokenAsync("alice");
        GoodToken untyped = new(world, good.WithHeader(("typ", "\"JWT\"")));
        string idToken = untyped.With(("scope", null), ("client_id", null), ("azp", $"\"{BearerWorld.Audience}\""));
        using Visitor app = world.NewVisitor();

        Page ofAnotherClient = await app.GetAsync("/api/documents/", idToken);
        Page withScope = await app.GetAsync("/api/documents/", untyped.Text);
        Page ofKeycloak = await app.GetAsync("/api/documents/", untyped.With(("scope", null), ("client_id", null), ("typ", "\"Bearer\"")));

        Assert.Equal(
            (HttpStatusCode.Unauthorized, HttpStatusCode.OK, HttpStatusCode.OK),
            (ofAnotherClient.Status, withScope.Status, ofKeycloak.Status));
    }

    [Fact]
    public async Task An_access_token_counts_until_it_expires_although_the_answer_is_kept()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        Page before = await app.GetAsync("/api/documents/", token.Text);

        world.Clock.Advance(TimeSpan.FromSeconds(301));
        Page after = await app.GetAsync("/api/documents/", token.Text);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before.Status, after.Status));
    }

    [Fact]
    public async Task An_access_token_cannot_be_changed_into_something_that_outlives_it()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();

        Page profile = await app.GetAsync("/api/profile/", token.Text);
        using StringContent nothing = new("{}");
        Page made = await app.CallAsync(HttpMethod.Post, "/api/profile/generate_auth_token/", nothing, token.Text);
        Page page = await app.GetAsync("/dashboard", token.Text);
        Page session = await app.GetAsync("/gateway/session", token.Text);

        Assert.Equal(HttpStatusCode.OK, profile.Status);
        Assert.Contains("\"auth_token\":null", profile.Text, StringComparison.Ordinal);
        Assert.Equal(
            (HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (made.Status, page.Status, session.Status));
    }

    [Fact]
    public async Task An_access_token_opens_the_API_at_the_other_hosts_too()
    {
        await using World world = await BearerWorld.StartAsync(options => options.Settings["PAPERLESS_ALLOWED_HOSTS"] = "inside.example");
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();

        Page inside = await app.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", "Bearer " + token.Text), ("Host", "inside.example"));
        Page unknown = await app.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", "Bearer " + token.Text), ("Host", "other.example"));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.MisdirectedRequest), (inside.Status, unknown.Status));
    }

    [Fact]
    public async Task A_token_of_a_new_key_is_accepted_and_one_of_the_old_key_is_not()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        Page before = await app.GetAsync("/api/documents/", token.Text);
        string neverSeen = token.With("jti", "\"never seen\"");

        world.Provider.RotateSigningKey();
        GoodToken renewed = await world.AccessTokenAsync("alice");
        Page after = await app.GetAsync("/api/documents/", renewed.Text);
        Page old = await app.GetAsync("/api/documents/", neverSeen);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before.Status, after.Status, old.Status));
    }

    [Fact]
    public async Task While_the_provider_is_away_a_known_token_counts_and_without_the_providers_keys_none_does()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/documents/", token.Text);

        world.Provider.Outage = Outage.ServiceUnavailable;
        Page known = await app.GetAsync("/api/documents/", token.Text);
        await world.RestartGatewayAsync();
        Page unknown = await app.GetAsync("/api/documents/", token.Text);
        world.Provider.Outage = Outage.None;
        world.Clock.Advance(BearerTokens.RefusedTtl);
        Page again = await app.GetAsync("/api/documents/", token.Text);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK), (known.Status, unknown.Status, again.Status));
        Assert.NotNull(unknown.Header("Retry-After"));
    }

    [Fact]
    public async Task Requests_with_one_token_at_the_same_time_share_one_check()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();

        Page[] pages = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => app.GetAsync("/api/documents/", token.Text)));

        Assert.All(pages, page => Assert.Equal(HttpStatusCode.OK, page.Status));
        Assert.Single(world.Log.Of("BearerTokenAccepted"));
    }

    [Fact]
    public async Task Wrong_access_tokens_are_limited_and_a_right_one_from_the_same_address_is_not_locked_out()
    {
        await using World world = await BearerWorld.StartAsync(options => options.Settings["GATEWAY_FAILED_LOGINS"] = "3/5m");
        GoodToken good = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        List<HttpStatusCode> wrong = [];
        for (int guess = 0; guess < 4; guess++)
        {
            wrong.Add((await app.GetAsync("/api/documents/", good.With(("aud", $"\"guess-{guess}\"")))).Status);
        }

        Page right = await app.GetAsync("/api/documents/", good.Text);

        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests], wrong);
        Assert.Equal(HttpStatusCode.OK, right.Status);
    }

    [Fact]
    public async Task With_several_providers_the_issuer_says_whose_keys_count()
    {
        await using TwoProviders world = await TwoProviders.StartAsync(options => options.Settings["GATEWAY_BEARER_AUDIENCES"] = BearerWorld.Audience);
        string? idToken = null;
        world.Other.RewriteIdToken = token => idToken = token;
        (await world.SignedInWithOtherAsync()).Dispose();
        GoodToken received = new(world.World, idToken!);
        string header = received.HeaderWith(("typ", "\"at+jwt\""));
        JsonObject claims = received.Claims;
        claims.Remove("nonce");
        claims["aud"] = BearerWorld.Audience;
        string text = claims.ToJsonString();
        claims["iss"] = "https://elsewhere.example/";
        string unknown = claims.ToJsonString();
        using Visitor app = world.World.NewVisitor();

        Page ofOther = await app.GetAsync("/api/documents/", Sign(world.Other, text));
        Page byTheFirst = await app.GetAsync("/api/documents/", Sign(world.World.Provider, text));
        Page elsewhere = await app.GetAsync("/api/documents/", Sign(world.Other, unknown));

        Assert.True(ofOther.Status == HttpStatusCode.OK, ofOther.Text + world.World.Log.Text);
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (byTheFirst.Status, elsewhere.Status));
        Assert.Equal("bob", world.World.Forwarded.Last(request => request.Path == "/api/documents/").SignedInAs);

        string Sign(DevelopmentProvider provider, string payload) =>
            provider.Sign(Encoding.UTF8.GetBytes(header), Encoding.UTF8.GetBytes(payload));
    }

    [Fact]
    public async Task An_upload_with_an_access_token_arrives_whole()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        using MultipartFormDataContent file = new() { { new ByteArrayContent("%PDF-1.4"u8.ToArray()), "document", "letter.pdf" } };

        Page upload = await app.CallAsync(HttpMethod.Post, "/api/documents/post_document/", file, token.Text);

        Assert.Equal(HttpStatusCode.OK, upload.Status);
    }
}
