using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Attacks;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignOut;

/// <summary>Invalid logout tokens: every check of OpenID Connect Back-Channel Logout 1.0, section 2.6.</summary>
public sealed class LogoutTokenTests : IAsyncLifetime
{
    private World _world = null!;
    private Visitor _alice = null!;

    private ProviderSession Session => _world.Provider.Sessions.Last(session => session.Username == "alice");

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync();
        _alice = await _world.SignedInAsync("alice");
    }

    public async ValueTask DisposeAsync()
    {
        _alice.Dispose();
        await _world.DisposeAsync();
    }

    [Theory]
    [InlineData("iss", "https://evil.example/", "issuer")]
    [InlineData("iss", null, "issuer")]
    [InlineData("aud", "another-client", "another client")]
    [InlineData("aud", null, "another client")]
    [InlineData("exp", 1_000_000_000, "not valid at this time")]
    [InlineData("iat", 4_000_000_000, "time of issue")]
    [InlineData("iat", null, "time of issue")]
    [InlineData("jti", null, "no jti")]
    [InlineData("jti", "", "no jti")]
    [InlineData("nonce", "n", "nonce")]
    [InlineData("nonce", "", "nonce")]
    [InlineData("events", null, "events")]
    [InlineData("events", "http://schemas.openid.net/event/backchannel-logout", "events")]
    public async Task An_invalid_logout_token_is_refused_and_ends_no_session(string claim, object? value, string says)
    {
        using HttpResponseMessage answer = await _world.SendLogoutAsync(Session, claims =>
        {
            claims.Remove(claim);
            if (value is not null)
            {
                claims[claim] = JsonSerializer.SerializeToNode(value);
            }

            return claims;
        });

        await _world.IsRefusedAsync(answer, says);
        Assert.Equal("alice", await _alice.WhoAsync());
    }

    [Theory]
    [InlineData("""{"http://schemas.openid.net/event/other": {}}""")]
    [InlineData("""{"http://schemas.openid.net/event/backchannel-logout": "yes"}""")]
    [InlineData("[]")]
    public async Task A_logout_token_with_another_event_is_refused(string events)
    {
        using HttpResponseMessage answer = await _world.SendLogoutAsync(Session, claims =>
        {
            claims["events"] = JsonNode.Parse(events);
            return claims;
        });

        await _world.IsRefusedAsync(answer, "events");
    }

    [Fact]
    public async Task A_logout_token_with_neither_sid_nor_sub_is_refused()
    {
        using HttpResponseMessage answer = await _world.SendLogoutAsync(Session, BackChannel.Without("sid", "sub"));

        await _world.IsRefusedAsync(answer, "neither sid nor sub");
    }

    [Theory]
    [InlineData("at+jwt")]
    [InlineData("id_token")]
    [InlineData("")]
    public async Task A_logout_token_with_another_typ_header_is_refused(string type)
    {
        using HttpResponseMessage answer = await _world.SendLogoutAsync(Session, type: type);

        await _world.IsRefusedAsync(answer, "type");
    }

    [Fact]
    public async Task An_unsigned_logout_token_is_refused()
    {
        string[] parts = _world.Provider.CreateLogoutToken(Session).Split('.');
        string none = Microsoft.IdentityModel.Tokens.Base64UrlEncoder.Encode("""{"alg":"none","typ":"logout+jwt"}""");
        foreach ((string token, string says) in new[]
        {
            ($"{none}.{parts[1]}.", "not signed"),
            ($"{parts[0]}.{parts[1]}.", "not signed"),
            ($"{parts[0]}.{parts[1]}.{new string('A', parts[2].Length)}", "signature"),
            ("nothing", "no JWT"),
            ("a.b.c", "no JWT"),
        })
        {
            using HttpResponseMessage answer = await _world.SendLogoutTokenAsync(token);
            await _world.IsRefusedAsync(answer, says);
        }

        Assert.Equal("alice", await _alice.WhoAsync());
    }

    [Fact]
    public async Task An_ID_token_is_not_accepted_as_a_logout_token()
    {
        Page logout = await _alice.OpenAsync("/accounts/logout/", "same-origin");
        string idToken = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(logout.Location!.Query)["id_token_hint"]!;
        using Visitor again = await _world.SignedInAsync("alice");

        using HttpResponseMessage answer = await _world.SendLogoutTokenAsync(idToken);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("alice", await again.WhoAsync());
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded", "")]
    [InlineData("application/x-www-form-urlencoded", "logout_token=a&logout_token=b")]
    [InlineData("application/x-www-form-urlencoded", "other=a")]
    [InlineData("application/json", "{}")]
    [InlineData("text/plain", "x")]
    public async Task A_back_channel_request_without_a_form_with_exactly_one_token_is_refused(string type, string body)
    {
        using HttpClient provider = new();
        using StringContent content = new(body, System.Text.Encoding.ASCII, type);
        using HttpResponseMessage answer = await provider.PostAsync(_world.BackChannelUri(), content, World.Ct);

        await _world.IsRefusedAsync(answer, "");
    }

    [Fact]
    public async Task A_logout_token_at_an_unknown_provider_ends_no_session()
    {
        using HttpClient provider = new();
        using FormUrlEncodedContent form = new([new("logout_token", _world.Provider.CreateLogoutToken(Session))]);
        using HttpResponseMessage answer = await provider.PostAsync(new Uri(_world.Origin + "/accounts/oidc/other/logout/backchannel/"), form, World.Ct);

        await _world.IsRefusedAsync(answer, "names no provider");
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(-119, true)]
    [InlineData(60, true)]
    [InlineData(-121, false)]
    [InlineData(125, false)]
    public async Task A_logout_token_without_exp_is_accepted_while_its_iat_is_within_two_minutes(int seconds, bool isAccepted)
    {
        string token = _world.Provider.CreateLogoutToken(Session, claims =>
        {
            claims.Remove("exp");
            claims["iat"] = _world.Clock.GetUtcNow().ToUnixTimeSeconds() + seconds;
            return claims;
        });
        using HttpResponseMessage answer = await _world.SendLogoutTokenAsync(token);

        Assert.Equal(isAccepted ? HttpStatusCode.OK : HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(isAccepted ? null : "alice", await _alice.WhoAsync());
        if (isAccepted)
        {
            using HttpResponseMessage again = await _world.SendLogoutTokenAsync(token);
            await _world.IsRefusedAsync(again, "sent before");
        }
    }

    [Fact]
    public async Task A_logout_token_without_exp_is_not_accepted_twice_as_long_as_its_iat_would_allow()
    {
        string token = _world.Provider.CreateLogoutToken(Session, claims =>
        {
            claims.Remove("exp");
            claims["iat"] = _world.Clock.GetUtcNow().ToUnixTimeSeconds() + 115;
            return claims;
        });
        using HttpResponseMessage answer = await _world.SendLogoutTokenAsync(token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        _world.Clock.Advance(TimeSpan.FromSeconds(230));
        using HttpResponseMessage again = await _world.SendLogoutTokenAsync(token);
        await _world.IsRefusedAsync(again, "sent before");
    }

    [Fact]
    public async Task A_logout_token_without_a_typ_header_is_accepted()
    {
        GoodToken good = new(_world, _world.Provider.CreateLogoutToken(Session));
        using HttpResponseMessage answer = await _world.SendLogoutTokenAsync(good.WithHeader(("typ", null)));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await _alice.WhoAsync());
    }

    [Theory]
    [InlineData(nameof(SigningMode.RS256), nameof(SigningMode.ES256))]
    [InlineData(nameof(SigningMode.ES256), nameof(SigningMode.HS256))]
    [InlineData(nameof(SigningMode.RS256), nameof(SigningMode.EdDSA))]
    [InlineData(nameof(SigningMode.EdDSA), nameof(SigningMode.RS256))]
    public async Task A_logout_token_signed_with_another_algorithm_than_the_ID_tokens_is_refused(string ofIdTokens, string ofLogoutTokens)
    {
        SigningMode other = Enum.Parse<SigningMode>(ofLogoutTokens);
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with
        {
            Signing = Enum.Parse<SigningMode>(ofIdTokens),
            FurtherSigning = [other],
            LogoutTokenSigning = other,
        });
        using Visitor alice = await world.SignedInAsync("alice");
        using HttpResponseMessage answer = await world.SendLogoutAsync(world.Provider.Sessions[^1]);
        await world.IsRefusedAsync(answer, $"signed with {ofLogoutTokens}, but the ID tokens of this provider are signed with {ofIdTokens}");
        Assert.Equal("alice", await alice.WhoAsync());

        // A provider that changes its algorithm signs both with the new one.
        world.Provider.Options = world.Provider.Options with { Signing = other, FurtherSigning = [] };
        using HttpResponseMessage later = await world.SendLogoutAsync(world.Provider.Sessions[^1]);
        Assert.Equal(HttpStatusCode.OK, later.StatusCode);
        Assert.Null(await alice.WhoAsync());
    }

    [Fact]
    public async Task A_logout_token_signed_with_a_new_key_of_the_same_id_is_accepted()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with { SigningKeyId = "the-key" });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.RotateSigningKey();

        using HttpResponseMessage answer = await world.SendLogoutAsync(world.Provider.Sessions[^1]);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await alice.WhoAsync());
    }

    [Fact]
    public async Task A_logout_token_signed_with_a_rotated_key_is_accepted()
    {
        _world.Provider.RotateSigningKey();

        using HttpResponseMessage answer = await _world.SendLogoutAsync(Session);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(await _alice.WhoAsync());
    }
}
