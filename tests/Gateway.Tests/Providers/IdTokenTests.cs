using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Providers;

/// <summary>Validation of the ID token (OpenID Connect Core 1.0, section 3.1.3.7).</summary>
public sealed class IdTokenTests : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData("iss", "\"https://evil.example/\"", "issuer")]
    [InlineData("iss", null, "issuer")]
    [InlineData("iss", "\"http://127.0.0.1/application/o/paperless\"", "issuer")]
    [InlineData("aud", "\"somebody-else\"", "another client")]
    [InlineData("aud", "[]", "another client")]
    [InlineData("aud", null, "another client")]
    [InlineData("azp", "\"somebody-else\"", "another client")]
    [InlineData("nonce", "\"another\"", "does not belong to this sign-in")]
    [InlineData("nonce", null, "does not belong to this sign-in")]
    [InlineData("sub", null, "&quot;sub&quot; is missing")]
    [InlineData("iat", null, "time of issue")]
    [InlineData("iat", "125", "time of issue")]
    [InlineData("exp", null, "clocks")]
    [InlineData("exp", "-121", "clocks")]
    [InlineData("nbf", "125", "clocks")]
    public async Task An_ID_token_with_a_wrong_claim_is_refused_and_the_page_names_the_claim(string claim, string? value, string says)
    {
        _world.Provider.TamperIdToken = claims => With(claims, claim, value);
        using Visitor visitor = _world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains(says, page.Text, StringComparison.Ordinal);
        Assert.Null(visitor.Cookie(SignedIn.CookieName));
        Assert.Empty(_world.Log.Of("SignInFailed"));
    }

    [Theory]
    [InlineData("aud", "[\"paperless\"]")]
    [InlineData("azp", "\"paperless\"")]
    [InlineData("exp", "-60")]
    [InlineData("nbf", "60")]
    [InlineData("nbf", "-60")]
    [InlineData("iat", "115")]
    [InlineData("iat", "-86400")]
    public async Task An_ID_token_with_unusual_valid_claims_or_a_small_clock_skew_is_accepted(string claim, string value)
    {
        _world.Provider.TamperIdToken = claims => With(claims, claim, value);

        using Visitor visitor = await _world.SignedInAsync("alice");

        Assert.Equal("alice", await visitor.WhoAsync());
    }

    [Fact]
    public async Task An_ID_token_for_several_clients_is_accepted_only_if_issued_to_this_client()
    {
        _world.Provider.TamperIdToken = claims => With(claims, "aud", "[\"paperless\", \"other\"]");
        using Visitor visitor = _world.NewVisitor();
        Assert.Equal(HttpStatusCode.BadGateway, (await visitor.SignInAsync("alice")).Status);

        _world.Provider.TamperIdToken = claims => With(With(claims, "aud", "[\"paperless\", \"other\"]"), "azp", "\"paperless\"");
        Assert.Equal(HttpStatusCode.OK, (await visitor.SignInAsync("alice")).Status);
    }

    [Fact]
    public async Task An_ID_token_with_the_nonce_of_another_browser_is_refused()
    {
        using Visitor other = _world.NewVisitor();
        string nonce = (await RoundTrip.BeginAsync(other)).Query["nonce"]!;
        _world.Provider.TamperIdToken = claims => With(claims, "nonce", $"\"{nonce}\"");
        using Visitor visitor = _world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Null(visitor.Cookie(SignedIn.CookieName));
    }

    /// <summary>A number stands for seconds from now.</summary>
    private JsonObject With(JsonObject claims, string claim, string? value)
    {
        claims.Remove(claim);
        if (value is not null)
        {
            claims[claim] = int.TryParse(value, out int seconds) ? _world.Clock.GetUtcNow().ToUnixTimeSeconds() + seconds : JsonNode.Parse(value);
        }

        return claims;
    }
}
