using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Gateway.StandIns.Provider;
using Gateway.Tests.Attacks;
using Gateway.Tests.Kit;
using Gateway.Tests.Recheck;
using Gateway.Tests.SignOut;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Gateway.Tests.Conformance;

/// <summary>
/// The conditions of the relying-party test modules of the OpenID Foundation's conformance suite, against the development provider.
/// docs/conformance.md lists the modules. It is our own run, and no certification.
/// </summary>
public sealed partial class ConformanceTests
{
    private const string Authorize = "/application/o/authorize/";
    private const string KeySet = "/application/o/paperless/jwks/";
    private const string SignedOut = "/accounts/login/?loggedout=1";
    private const string LogoutEvent = "http://schemas.openid.net/event/backchannel-logout";

    /// <summary>Each module, and how it makes the ID token invalid.</summary>
    public static TheoryData<string> InvalidIdTokens => [.. IdTokenChanges.Keys];

    /// <summary>Each module, and the status that it expects for its logout token.</summary>
    public static TheoryData<string, int> LogoutTokens => new()
    {
        { "oidcc-client-test-rp-backchannel-rpinitlogout", 200 },
        { "oidcc-client-test-rp-backchannel-rpinitlogout-alg-none", 400 },
        { "oidcc-client-test-rp-backchannel-rpinitlogout-no-event", 400 },
        { "oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce", 400 },
        { "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg", 400 },
        { "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud", 400 },
        { "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event", 400 },
        { "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss", 400 },
    };

    private static readonly Dictionary<string, Func<GoodToken, string>> IdTokenChanges = new()
    {
        ["oidcc-client-test-invalid-iss"] = good => good.With("iss", Longer(good, "iss")),
        ["oidcc-client-test-missing-sub"] = good => good.With("sub", null),
        ["oidcc-client-test-invalid-aud"] = good => good.With("aud", Longer(good, "aud")),
        ["oidcc-client-test-missing-aud"] = good => good.With("aud", null),
        ["oidcc-client-test-missing-iat"] = good => good.With("iat", null),
        ["oidcc-client-test-nonce-invalid"] = good => good.With("nonce", Longer(good, "nonce")),
        ["oidcc-client-test-invalid-sig-rs256"] = good => WithWrongSignature(good.Text),
        ["oidcc-client-test-idtoken-sig-none"] = good => Unsigned(good),
    };

    [Theory]
    [InlineData("oidcc-client-test", "client_secret_post")]
    [InlineData("oidcc-client-test-idtoken-sig-rs256", "client_secret_post")]
    [InlineData("oidcc-client-test-userinfo-bearer-header", "client_secret_post")]
    [InlineData("oidcc-client-test-scope-userinfo-claims", "client_secret_post")]
    [InlineData("oidcc-client-test-client-secret-basic", "client_secret_basic")]
    public async Task A_code_flow_sign_in_requests_the_code_then_the_tokens_then_userinfo_with_the_access_token_as_a_header(string module, string method)
    {
        await using World world = await ProvidersSetting.StartAsync(
            settings => settings["token_auth_method"] = method,
            options => options.Provider = provider => provider with { Signing = SigningMode.RS256, IncludeClaimsInIdToken = false });

        using Visitor alice = await world.SignedInAsync("alice");

        ProviderRequest authorize = Assert.Single(world.Provider.Received, request => request.Path == Authorize);
        Dictionary<string, StringValues> query = QueryHelpers.ParseQuery(authorize.Query);
        Assert.Equal("code", query["response_type"]);
        Assert.Equal(["openid", "profile", "email"], query["scope"].ToString().Split(' '));
        ProviderRequest token = Assert.Single(world.Provider.Received, request => request.Path == RecheckWorld.TokenPath);
        Assert.Equal("authorization_code", token.Form["grant_type"]);
        Assert.Equal(module.EndsWith("-basic", StringComparison.Ordinal), token.Authorization?.StartsWith("Basic ", StringComparison.Ordinal) == true);
        ProviderRequest userInfo = Assert.Single(UserInfoRequests(world));
        Assert.StartsWith("Bearer ", userInfo.Authorization, StringComparison.Ordinal);
        Assert.Equal(("", 0), (userInfo.Query, userInfo.Form.Count));

        // These claims come from userinfo alone.
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Equal(["paperless-users", "family"], await alice.GroupsAsync());
    }

    [Theory]
    [MemberData(nameof(InvalidIdTokens))]
    public async Task An_invalid_ID_token_signs_nobody_in_and_userinfo_is_not_requested(string module)
    {
        await using World world = await World.StartAsync();
        world.Provider.RewriteIdToken = token => IdTokenChanges[module](new GoodToken(world, token));

        await AssertRefusedAsync(world);

        Assert.Empty(UserInfoRequests(world));
    }

    [Theory]
    [InlineData("oidcc-client-test-invalid-sig-es256", nameof(SigningMode.ES256))]
    [InlineData("oidcc-client-test-invalid-sig-hs256", nameof(SigningMode.HS256))]
    public async Task An_ID_token_with_a_wrong_signature_of_another_algorithm_signs_nobody_in(string module, string signing)
    {
        await using World world = await World.StartAsync(options =>
            options.Provider = provider => provider with { Signing = Enum.Parse<SigningMode>(signing) });
        world.Provider.RewriteIdToken = WithWrongSignature;

        await AssertRefusedAsync(world);

        Assert.True(UserInfoRequests(world).Count == 0, module);
    }

    [Theory]
    [InlineData("oidcc-client-test-kid-absent-single-jwks", 1)]
    [InlineData("oidcc-client-test-kid-absent-multiple-jwks", 3)]
    public async Task An_ID_token_without_a_key_id_is_accepted_if_one_of_the_published_keys_signed_it(string module, int keys)
    {
        await using World world = await World.StartAsync();
        List<JsonNode> published = [];
        for (int made = 0; made < keys; made++)
        {
            world.Provider.RotateSigningKey();
            JsonNode key = (await KeysAsync(world))[0]!.DeepClone();
            key.AsObject().Remove("kid");
            published.Insert(0, key);
        }

        await using StubSite site = await PublishAsync(world, published);
        world.Provider.RewriteIdToken = token => new GoodToken(world, token).WithHeader(("kid", null));

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.True(await alice.WhoAsync() == "alice", module);
    }

    [Theory]
    [InlineData("oidcc-client-test-userinfo-invalid-sub")]
    public async Task Userinfo_of_another_subject_signs_nobody_in(string module)
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperUserInfo = claims =>
        {
            claims["sub"] = (string)claims["sub"]! + "1";
            return claims;
        };

        await AssertRefusedAsync(world);

        Assert.True(UserInfoRequests(world).Count == 1, module);
    }

    [Theory]
    [InlineData("oidcc-client-test-userinfo-signed")]
    public async Task Signed_userinfo_is_accepted(string module)
    {
        await using World world = await World.StartAsync(options =>
            options.Provider = provider => provider with { SignedUserInfo = true, IncludeClaimsInIdToken = false });

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.True(await alice.WhoAsync() == "alice", module);
    }

    [Theory]
    [InlineData("oidcc-client-test-discovery-openid-config")]
    public async Task The_endpoints_are_those_of_the_discovery_document(string module)
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperDiscovery = document =>
        {
            document["authorization_endpoint"] = "https://op.example/another/place?tenant=1";
            return document;
        };
        using Visitor visitor = world.NewVisitor();

        RoundTrip round = await RoundTrip.BeginAsync(visitor);

        Assert.StartsWith("https://op.example/another/place?tenant=1&", round.Authorize.AbsoluteUri, StringComparison.Ordinal);
        Assert.True(world.Provider.Received.Any(request => request.Path == world.Provider.DiscoveryUrl.AbsolutePath), module);
    }

    [Theory]
    [InlineData("oidcc-client-test-discovery-jwks-uri-keys")]
    public async Task The_signing_keys_are_fetched_from_the_address_in_the_discovery_document(string module)
    {
        await using World world = await World.StartAsync();
        await using StubSite site = await PublishAsync(world, (await KeysAsync(world)).Select(key => key!.DeepClone()));

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.True(await alice.WhoAsync() == "alice", module);
        Assert.Single(world.Provider.Received, request => request.Path == KeySet);
    }

    [Theory]
    [InlineData("oidcc-client-test-discovery-issuer-mismatch")]
    public async Task With_an_unexpected_issuer_in_the_discovery_document_no_sign_in_begins(string module)
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperDiscovery = document =>
        {
            document["issuer"] = (string)document["issuer"]! + "INVALID";
            return document;
        };
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync("/accounts/oidc/authentik/login/", "same-origin");

        Assert.True(page.Status == HttpStatusCode.ServiceUnavailable, module);
        Assert.DoesNotContain(world.Provider.Received, request => request.Path == Authorize);
    }

    [Theory]
    [InlineData("oidcc-client-test-signing-key-rotation", false)]
    [InlineData("oidcc-client-test-signing-key-rotation-just-before-signing", true)]
    public async Task After_a_rotation_of_the_signing_key_the_keys_are_fetched_again_and_the_sign_in_succeeds(string module, bool beforeSigning)
    {
        await using World world = await World.StartAsync();
        using Visitor first = await world.SignedInAsync("alice");
        int before = world.Provider.Received.Count(request => request.Path == KeySet);
        if (beforeSigning)
        {
            world.Provider.TamperIdToken = claims =>
            {
                world.Provider.RotateSigningKey();
                return claims;
            };
        }
        else
        {
            world.Provider.RotateSigningKey();
        }

        using Visitor second = await world.SignedInAsync("alice");

        Assert.True(await second.WhoAsync() == "alice", module);
        Assert.Equal(before + 1, world.Provider.Received.Count(request => request.Path == KeySet));
    }

    [Theory]
    [InlineData("oidcc-client-test-refresh-token", null, 1)]
    [InlineData("oidcc-client-test-refresh-token-invalid-issuer", "iss", 0)]
    [InlineData("oidcc-client-test-refresh-token-invalid-sub", "sub", 0)]
    public async Task After_a_refresh_userinfo_is_requested_only_if_the_new_ID_token_is_of_the_same_issuer_and_subject(
        string module,
        string? invalid,
        int requests)
    {
        await using World world = await RecheckWorld.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.RewriteIdToken = token =>
        {
            GoodToken good = new(world, token);
            return invalid is null ? token : good.With(invalid, Longer(good, invalid));
        };
        world.Provider.ClearReceived();
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        await alice.FetchAsync("/api/documents/");

        Assert.Single(world.Refreshes());
        Assert.True(UserInfoRequests(world).Count == requests, module);
    }

    [Theory]
    [InlineData("oidcc-client-test-3rd-party-init-login")]
    public async Task A_sign_in_that_another_site_begins_goes_to_the_provider_and_completes(string module)
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.NavigateAsync(
            $"/accounts/oidc/authentik/login/?iss={Uri.EscapeDataString(world.Provider.Issuer.AbsoluteUri)}",
            "cross-site");

        Assert.True(page.Status == HttpStatusCode.OK, module);
        Assert.Equal("alice", await visitor.WhoAsync());
    }

    /// <summary>The gateway asks for the answer in the query, and reads no other.</summary>
    [Fact]
    public async Task An_answer_as_a_form_is_neither_requested_nor_read()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        RoundTrip round = await RoundTrip.BeginAsync(visitor);
        string[] answer = (await round.AnswerAsync()).Split('?', 2);
        using FormUrlEncodedContent form = new(QueryHelpers.ParseQuery(answer[1]).Select(one => KeyValuePair.Create(one.Key, one.Value.ToString())));

        Page page = await visitor.SendAsync(HttpMethod.Post, answer[0], form, ("Accept", "text/html"), ("Sec-Fetch-Site", "cross-site"));

        Assert.DoesNotContain("response_mode", round.Query.Keys);
        Assert.NotEqual(HttpStatusCode.InternalServerError, page.Status);
        Assert.DoesNotContain(world.Provider.Received, request => request.Path == RecheckWorld.TokenPath);
        Assert.Null(await visitor.WhoAsync());
    }

    [Theory]
    [InlineData("oidcc-client-test-rp-init-logout", "the same")]
    [InlineData("oidcc-client-test-rp-init-logout-other-state", "another")]
    [InlineData("oidcc-client-test-rp-init-logout-no-state", "none")]
    public async Task After_a_logout_the_return_from_the_provider_is_accepted_whatever_its_state(string module, string state)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        (ProviderSession session, Dictionary<string, StringValues> query) = await BeginLogoutAsync(world, alice);
        using HttpResponseMessage told = await world.SendLogoutAsync(session);
        string? returned = state switch
        {
            "the same" => query["state"],
            "another" => "somethingelse",
            _ => null,
        };
        string address = query["post_logout_redirect_uri"]!;
        Page page = await alice.NavigateAsync(returned is null ? address : QueryHelpers.AddQueryString(address, "state", returned), "cross-site");

        Assert.Equal(HttpStatusCode.OK, told.StatusCode);
        Assert.True(page.Status == HttpStatusCode.OK, module);
        Assert.Null(await alice.WhoAsync());
    }

    [Theory]
    [MemberData(nameof(LogoutTokens))]
    public async Task A_logout_token_during_a_logout_is_accepted_only_if_it_is_valid_and_the_return_works(string module, int status)
    {
        bool wrongAlgorithm = module.EndsWith("-wrong-alg", StringComparison.Ordinal);
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with
        {
            FurtherSigning = [SigningMode.ES256],
            LogoutTokenSigning = wrongAlgorithm ? SigningMode.ES256 : null,
        });
        using Visitor alice = await world.SignedInAsync("alice");

        (ProviderSession session, Dictionary<string, StringValues> query) = await BeginLogoutAsync(world, alice);
        string token = world.Provider.CreateLogoutToken(session, claims => ChangeLogoutToken(module, claims));
        GoodToken good = new(world, token);

        // The suite sends no `typ`. A token of another algorithm stays as the provider signed it.
        string sent = wrongAlgorithm ? token : good.WithHeader(("typ", null));
        using HttpResponseMessage answer = await world.SendLogoutTokenAsync(module.EndsWith("-alg-none", StringComparison.Ordinal) ? Unsigned(good) : sent);
        Page page = await alice.NavigateAsync(QueryHelpers.AddQueryString(query["post_logout_redirect_uri"]!, "state", query["state"]!), "cross-site");

        Assert.Equal((status, "no-store"), ((int)answer.StatusCode, answer.Headers.CacheControl?.ToString()));
        Assert.Equal(HttpStatusCode.OK, page.Status);
    }

    [Theory]
    [InlineData("oidcc-client-test-rp-frontchannel-rpinitlogout", true)]
    [InlineData("oidcc-client-test-rp-frontchannel-opinitlogout", false)]
    public async Task The_frame_of_a_front_channel_logout_loads_ends_the_session_and_the_return_works(string module, bool byGateway)
    {
        await using World world = await World.StartAsync();
        world.Provider.Options = world.Provider.Options with
        {
            FrontchannelLogoutUri = new Uri(world.Origin + "/accounts/oidc/authentik/logout/frontchannel/"),
        };
        using Visitor alice = await world.SignedInAsync("alice");
        string address = new Uri(world.Provider.Address, "/application/o/paperless/end-session/").AbsoluteUri;
        if (byGateway)
        {
            address = (await alice.OpenAsync("/accounts/logout/", "same-origin")).Location!.AbsoluteUri;
        }

        Page page = await alice.OpenAsync(address, "cross-site");
        string frame = WebUtility.HtmlDecode(Frame().Match(page.Text).Groups["address"].Value);
        Page framed = await alice.SendAsync(
            HttpMethod.Get,
            frame,
            null,
            ("Accept", "text/html"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "iframe"),
            ("Sec-Fetch-Site", "cross-site"));
        Page returned = await alice.NavigateAsync(world.Origin + SignedOut, "cross-site");

        Assert.Equal(["iss", "sid"], QueryHelpers.ParseQuery(new Uri(frame).Query).Keys.Order());
        Assert.True(framed.Status == HttpStatusCode.OK, module);
        Assert.Null(framed.Header("X-Frame-Options"));
        Assert.Contains("no-store", framed.Header("Cache-Control"), StringComparison.Ordinal);
        Assert.Null(await alice.WhoAsync());
        Assert.Equal(HttpStatusCode.OK, returned.Status);
    }

    private static JsonObject ChangeLogoutToken(string module, JsonObject claims)
    {
        claims["ignored_claim"] = "Claims that are not understood are ignored.";
        switch (module.Split("rpinitlogout")[1])
        {
            case "-no-event":
                claims.Remove("events");
                break;
            case "-with-nonce":
                claims["nonce"] = "a nonce";
                break;
            case "-wrong-aud":
                claims["aud"] = (string)claims["aud"]! + "1";
                break;
            case "-wrong-event":
                claims["events"] = new JsonObject { [LogoutEvent.Replace("backchannel-logout", "foobar", StringComparison.Ordinal)] = new JsonObject() };
                break;
            case "-wrong-iss":
                claims["iss"] = (string)claims["iss"]! + "1";
                break;
        }

        return claims;
    }

    /// <summary>The gateway's logout up to its request to the provider, which knows the session until then.</summary>
    private static async Task<(ProviderSession Session, Dictionary<string, StringValues> Query)> BeginLogoutAsync(World world, Visitor visitor)
    {
        ProviderSession session = Assert.Single(world.Provider.Sessions);
        Uri address = (await visitor.OpenAsync("/accounts/logout/", "same-origin")).Location!;
        Assert.Equal("/application/o/paperless/end-session/", address.AbsolutePath);
        Dictionary<string, StringValues> query = QueryHelpers.ParseQuery(address.Query);
        Assert.Equal(["id_token_hint", "post_logout_redirect_uri", "state"], query.Keys.Order());
        return (session, query);
    }

    private static async Task AssertRefusedAsync(World world)
    {
        using Visitor visitor = world.NewVisitor();
        Page page = await visitor.SignInAsync("alice");
        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Single(world.Provider.Received, request => request.Path == RecheckWorld.TokenPath);
        Assert.Null(await visitor.WhoAsync());
    }

    private static IReadOnlyList<ProviderRequest> UserInfoRequests(World world) =>
        [.. world.Provider.Received.Where(request => request.Path == RecheckWorld.UserInfoPath)];

    /// <summary>The suite appends a 1 to a value to make it wrong.</summary>
    private static string Longer(GoodToken good, string claim) => $"\"{(string)good.Claims[claim]!}1\"";

    private static string Unsigned(GoodToken good) =>
        $"{Microsoft.IdentityModel.Tokens.Base64UrlEncoder.Encode(good.HeaderWith(("alg", "\"none\"")))}.{good.Parts[1]}.";

    private static string WithWrongSignature(string token)
    {
        string[] parts = token.Split('.');
        char[] signature = parts[2].ToCharArray();
        signature[0] = signature[0] == 'A' ? 'B' : 'A';
        return $"{parts[0]}.{parts[1]}.{new string(signature)}";
    }

    private static async Task<JsonArray> KeysAsync(World world)
    {
        using HttpClient http = new();
        return JsonNode.Parse(await http.GetStringAsync(new Uri(world.Provider.Address, KeySet), World.Ct))!["keys"]!.AsArray();
    }

    /// <summary>Publishes the keys at another address, which the discovery document names.</summary>
    private static async Task<StubSite> PublishAsync(World world, IEnumerable<JsonNode> keys)
    {
        string text = new JsonObject { ["keys"] = new JsonArray([.. keys]) }.ToJsonString();
        StubSite site = await StubSite.StartAsync(context => context.Response.WriteAsync(text));
        world.Provider.TamperDiscovery = document =>
        {
            document["jwks_uri"] = site.Address.AbsoluteUri;
            return document;
        };
        return site;
    }

    [GeneratedRegex("<iframe src=\"(?<address>[^\"]+)\"")]
    private static partial Regex Frame();
}
