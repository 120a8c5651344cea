using System.Net;
using System.Numerics;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.Tests.Attacks;

/// <summary>ID tokens that an app brings, with one error each, and those that come twice.</summary>
[Trait("Category", "Attacks")]
public sealed class InvalidAppTokenTests
{
    /// <summary>Claims that the ID token of an app must get right.</summary>
    private static readonly IReadOnlyList<TokenChange> Claims =
    [
        .. InvalidClaims.Each("azp", "\"paperless\"", "\"\"", "\"Paperless-app\"", "5", "null", "{}", "[\"paperless-app\"]"),
        .. InvalidClaims.Each("aud", "\"paperless\"", "[\"paperless-app\",\"other\"]", "[\"paperless\",\"other\"]"),
        new("several aud with azp of the other", good => good.With(("aud", "[\"paperless-app\",\"other\"]"), ("azp", "\"other\""))),
        new("iat more than five minutes ago", good => good.With("iat", $"{good.Now - 301}")),
        new("iat of yesterday and exp of tomorrow", good => good.With(("iat", $"{good.Now - 86_400}"), ("exp", $"{good.Now + 86_400}"))),
        new("the issuer of another application", good => good.With("iss", $"\"{new Uri(good.World.Provider.Address, "/application/o/other/")}\"")),
        .. InvalidClaims.Each("sub", null, "null", "\"\""),
        .. InvalidClaims.Each("auth_time", "\"now\"", "{}"),
        .. InvalidClaims.Each("events", """{"http://schemas.openid.net/event/backchannel-logout":{}}"""),
        new("typ of an access token", good => good.WithHeader(("typ", "\"at+jwt\""))),
        new("typ of a logout token", good => good.WithHeader(("typ", "\"logout+jwt\""))),
        new("the gateway's secret as the key", good => Hs256(good)),
        new("nothing", _ => ""),
    ];

    [Fact]
    public async Task Each_of_more_than_100_invalid_ID_tokens_of_an_app_is_refused_without_a_token_or_an_account()
    {
        await using World world = await HeadlessWorld.StartAsync();
        world.NewPerson("carol", "Carol Cook", "paperless-users");
        int accounts = world.Paperless.Data.Users.Count;
        await using StubSite elsewhere = await StubSite.StartAsync(context => context.Response.WriteAsync("{}"));
        using InvalidTokenHeaders headers = await InvalidTokenHeaders.OfAsync(world, elsewhere.Address);
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        GoodToken good = new(world, await app.GetIdTokenAsync(provider, world.BrowserOf("carol")));
        TokenChange[] changes = [.. InvalidTokenForms.Text, .. InvalidTokenForms.Json, .. headers.All, .. InvalidClaims.All, .. InvalidClaims.Times, .. Claims];
        List<string> taken = [];
        foreach (TokenChange change in changes)
        {
            string other = change.Make(good);
            int refused = world.Log.Of("Refused").Count;
            Page page = await app.BringAsync(provider, other);
            bool isRefused = page.Status is HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge
                && !page.Text.Contains("access_token\":", StringComparison.Ordinal);
            if (other == good.Text || !isRefused || world.Log.Of("Refused").Count != refused + 1)
            {
                taken.Add($"{change.Name}: {(int)page.Status}");
            }
        }

        Assert.True(taken.Count == 0, string.Join('\n', taken));
        Assert.Equal((accounts, 0), (world.Paperless.Data.Users.Count, world.Links().Count));
        Assert.DoesNotContain(world.Log.Events, entry => entry.Exception is not null);
        Assert.Empty(await world.ListedSessionsAsync());

        Page whole = await app.BringAsync(provider, good.Text);
        Assert.True(whole.Status == HttpStatusCode.OK, whole.Text);
        Assert.DoesNotContain(good.Text, world.Log.Text, StringComparison.Ordinal);
        AttackReport.Write(changes.Length, least: 115);
    }

    [Fact]
    public async Task An_ID_token_counts_once()
    {
        await using World world = await HeadlessWorld.StartAsync();
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        string token = await app.GetIdTokenAsync(provider, world.BrowserOf("alice"));

        Page first = await app.BringAsync(provider, token);
        Page second = await app.BringAsync(provider, token);
        world.Clock.Advance(TimeSpan.FromMinutes(5));
        Page last = await app.BringAsync(provider, token);

        Assert.Equal(HttpStatusCode.OK, first.Status);
        Assert.All([second, last], page => Assert.Equal((HttpStatusCode.BadRequest, "invalid_token"), (page.Status, HeadlessWorld.ErrorOf(page).Code)));
        Assert.Single(await world.ListedSessionsAsync());
        Assert.Contains("used before", world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_the_same_ID_token_sent_many_times_at_once_one_counts()
    {
        await using World world = await HeadlessWorld.StartAsync();
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        string token = await app.GetIdTokenAsync(provider, world.BrowserOf("alice"));

        Page[] pages = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => app.BringAsync(provider, token)));

        Assert.Single(pages, page => page.Status == HttpStatusCode.OK);
        Assert.Single(await world.ListedSessionsAsync());
    }

    [Fact]
    public async Task The_issuer_of_the_apps_client_is_accepted_only_where_the_settings_name_it()
    {
        await using World world = await HeadlessWorld.StartAsync(options => options.Settings["GATEWAY_APP_ISSUERS"] = null);

        Page page = await world.BringTokenOfAsync("alice");

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Contains("issuer is", world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_ID_token_of_the_gateways_own_client_is_none_of_the_apps_client_and_the_other_way_round()
    {
        await using World world = await HeadlessWorld.StartAsync();
        string ofBrowser = "";
        using Visitor alice = world.NewVisitor();
        world.Provider.RewriteIdToken = given => ofBrowser = given;
        await alice.SignInAsync("alice");
        world.Provider.RewriteIdToken = null;
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        string ofApp = await app.GetIdTokenAsync(provider, world.BrowserOf("alice"));
        world.Provider.RewriteIdToken = _ => ofApp;
        using Visitor thief = world.NewVisitor();

        Page asApp = await app.BringAsync(provider, ofBrowser);
        Page asBrowser = await thief.SignInAsync("alice");

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadGateway), (asApp.Status, asBrowser.Status));
        Assert.Null(await thief.WhoAsync());
    }

    [Theory]
    [InlineData("goauthentik.io/providers/oauth2/default", HttpStatusCode.OK)]
    [InlineData("phishing-resistant", HttpStatusCode.BadRequest)]
    public async Task An_authentication_context_that_the_settings_require_is_required_of_apps(string context, HttpStatusCode status)
    {
        await using World world = await ProvidersSetting.StartAsync(
            settings => settings["auth_params"] = new JsonObject { ["acr_values"] = context },
            options =>
            {
                options.Provider = given => given with { AppClientId = SwiftPaperless.ClientId };
                options.Settings["GATEWAY_APP_CLIENT_IDS"] = SwiftPaperless.ClientId;
            });

        Assert.Equal(status, (await world.BringTokenOfAsync("alice")).Status);
    }

    [Fact]
    public async Task An_ID_token_counts_once_even_with_the_other_form_of_its_signature()
    {
        await using World world = await HeadlessWorld.StartAsync(options =>
        {
            Func<DevelopmentProviderOptions, DevelopmentProviderOptions> given = options.Provider;
            options.Provider = provider => given(provider) with { Signing = SigningMode.ES256 };
        });
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        string token = await app.GetIdTokenAsync(provider, world.BrowserOf("alice"));

        Page first = await app.BringAsync(provider, token);
        Page second = await app.BringAsync(provider, OtherForm(token));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.BadRequest), (first.Status, second.Status));
        Assert.Contains("used before", world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    [Needs(RealPart.Redis)]
    public async Task An_ID_token_counts_once_over_all_gateways()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await HeadlessWorld.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redis.Url);
        await using Replica replica = await world.StartReplicaAsync();
        using SwiftPaperless app = world.NewPhone();
        using SwiftPaperless there = new(replica.NewVisitor(), world.Origin);
        JsonNode provider = (await app.ProvidersAsync())[0];
        string token = await app.GetIdTokenAsync(provider, world.BrowserOf("alice"));

        Page first = await app.BringAsync(provider, token);
        Page second = await there.BringAsync(provider, token);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.BadRequest), (first.Status, second.Status));
        Assert.Contains("used before", replica.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_ID_token_of_the_gateways_own_sign_in_is_no_apps()
    {
        await using World world = await ProvidersSetting.StartAsync(
            settings => settings["fetch_userinfo"] = false,
            options => options.Settings["GATEWAY_APP_CLIENT_IDS"] = "paperless");
        string token = "";
        world.Provider.RewriteIdToken = given => token = given;
        using Visitor alice = await world.SignedInAsync("alice");
        using SwiftPaperless app = world.NewPhone();

        Page page = await app.BringAsync((await app.ProvidersAsync())[0], token);

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Contains("has a nonce", world.Log.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bob", null, "another person")]
    [InlineData(null, "\"AAAAAAAAAAAAAAAAAAAAAA\"", "at_hash")]
    public async Task An_access_token_of_somebody_else_or_of_another_ID_token_is_refused(string? other, string? hash, string reason)
    {
        await using World world = await HeadlessWorld.StartAsync();
        using SwiftPaperless app = world.NewPhone();
        JsonNode provider = (await app.ProvidersAsync())[0];
        JsonNode tokens = await app.GetTokensAsync(provider, world.BrowserOf("alice"));
        string idToken = (string)tokens["id_token"]!;
        JsonNode second = other is null ? tokens : await app.GetTokensAsync(provider, world.BrowserOf(other));

        Page page = await app.BringAsync(
            provider, hash is null ? idToken : new GoodToken(world, idToken).With("at_hash", hash), (string)second["access_token"]!);

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Contains(reason, world.Log.Text, StringComparison.Ordinal);
        Assert.Empty(await world.ListedSessionsAsync());
    }

    /// <summary>Both (r, s) and (r, n - s) are signatures of the same bytes.</summary>
    private static string OtherForm(string token)
    {
        BigInteger order = BigInteger.Parse("0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", System.Globalization.NumberStyles.HexNumber);
        string[] parts = token.Split('.');
        byte[] signature = Base64UrlEncoder.DecodeBytes(parts[2]);
        BigInteger s = new(signature.AsSpan(32), isUnsigned: true, isBigEndian: true);
        byte[] other = (order - s).ToByteArray(isUnsigned: true, isBigEndian: true);
        signature.AsSpan(32).Clear();
        other.CopyTo(signature, 64 - other.Length);
        return $"{parts[0]}.{parts[1]}.{Base64UrlEncoder.Encode(signature)}";
    }

    private static string Hs256(GoodToken good)
    {
        byte[] secret = System.Text.Encoding.UTF8.GetBytes(good.World.Provider.Options.ClientSecret);
        return good.Forge("""{"alg":"HS256","typ":"JWT"}""", bytes => System.Security.Cryptography.HMACSHA256.HashData(secret, bytes));
    }
}
