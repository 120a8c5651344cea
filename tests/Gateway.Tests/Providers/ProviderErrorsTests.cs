using System.Net;
using System.Text.RegularExpressions;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Serilog.Events;

namespace Gateway.Tests.Providers;

/// <summary>An error of the provider gives a page that names the error and a remedy, and a log line with the same trace id.</summary>
public sealed partial class ProviderErrorsTests : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync() => _world = await World.StartAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData("access_denied", 403, "access to this application")]
    [InlineData("invalid_scope", 502, "openid profile email")]
    [InlineData("unauthorized_client", 502, "client_id")]
    [InlineData("unsupported_response_type", 502, "authorization code flow")]
    [InlineData("server_error", 502, "Try again in a moment")]
    [InlineData("temporarily_unavailable", 503, "Try again in a moment")]
    [InlineData("consent_required", 403, "Sign in again")]
    [InlineData("something_new", 502, "Try again")]
    public async Task An_authorization_error_gives_an_error_page(string error, int status, string remedy)
    {
        _world.Provider.NextAuthorizeError = new ProviderError(error, "Words of <the> provider's");
        using Visitor visitor = _world.NewVisitor();

        Page page = await visitor.SignInAsync("alice", "/documents/2");

        Assert.Equal(status, (int)page.Status);
        Assert.Contains(error, page.Text, StringComparison.Ordinal);
        Assert.Contains("Words of &lt;the&gt; provider", page.Text, StringComparison.Ordinal);
        Assert.Contains(remedy, page.Text, StringComparison.Ordinal);
        Assert.Contains("login/?next=%2Fdocuments%2F2\"", page.Text, StringComparison.Ordinal);
        LogEvent line = Assert.Single(_world.Log.Of("Refused"));
        Assert.Equal(TraceId().Match(page.Text).Groups["id"].Value, CapturedLog.Value(line, "TraceId"));
        Assert.Contains(error, CapturedLog.Value(line, "Reason"), StringComparison.Ordinal);
        Assert.Null(await visitor.WhoAsync());

        // The way on from the page works.
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), await TryAgainAsync(visitor, page));
    }

    [Theory]
    [InlineData("invalid_client", "token_auth_method")]
    [InlineData("unsupported_grant_type", "authorization_code")]
    [InlineData("server_error", "Try again in a moment")]
    public async Task An_error_of_the_token_endpoint_gives_an_error_page(string error, string remedy)
    {
        _world.Provider.NextTokenError = new ProviderError(error, "why");
        using Visitor visitor = _world.NewVisitor();

        Page page = await visitor.SignInAsync("alice", "/documents/2");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains(error, page.Text, StringComparison.Ordinal);
        Assert.Contains(remedy, page.Text, StringComparison.Ordinal);
        Assert.Contains(TraceId().Match(page.Text).Groups["id"].Value, _world.Log.Text, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), await TryAgainAsync(visitor, page));
    }

    [Fact]
    public async Task After_a_rejected_code_the_sign_in_is_restarted_once_and_then_shows_an_error_page()
    {
        _world.Provider.NextTokenError = new ProviderError("invalid_grant");
        using Visitor lucky = await _world.SignedInAsync("alice", "/documents/2");
        Assert.Single(_world.Log.Of("SignInRestarted"));

        int asked = 0;
        _world.Provider.Hold = path =>
        {
            if (path == "/application/o/token/")
            {
                asked++;
                _world.Provider.NextTokenError = new ProviderError("invalid_grant", "never");
            }

            return Task.CompletedTask;
        };
        using Visitor unlucky = _world.NewVisitor();
        Page page = await unlucky.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("invalid_grant", page.Text, StringComparison.Ordinal);
        Assert.Contains("clocks", page.Text, StringComparison.Ordinal);
        Assert.Equal(2, asked);
    }

    [Theory]
    [InlineData(200, "{}", "ID token")]
    [InlineData(200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", "ID token")]
    [InlineData(200, "<html>", "gives no usable answer")]
    [InlineData(502, "<html>bad gateway</html>", "gives no usable answer")]
    [InlineData(302, "", "gives no usable answer")]
    [InlineData(200, "[]", "gives no usable answer")]
    [InlineData(200, "null", "gives no usable answer")]
    [InlineData(200, "{}", "gives no usable answer", "application/json; charset=nonsense")]
    [InlineData(400, "{\"error\":{\"a\":1},\"error_description\":[2]}", "The provider refused")]
    public async Task A_token_response_without_tokens_gives_an_error_page(int status, string body, string says, string type = "application/json")
    {
        await using StubSite tokens = await StubSite.StartAsync(async context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = status == 302 ? "https://evil.example/" : default;
            context.Response.ContentType = type;
            await context.Response.WriteAsync(body);
        });
        _world.Provider.TamperDiscovery = document =>
        {
            document["token_endpoint"] = tokens.Address.AbsoluteUri;
            return document;
        };
        using Visitor visitor = _world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.InRange((int)page.Status, 502, 503);
        Assert.Contains(says, page.Text, StringComparison.Ordinal);
        Assert.Null(await visitor.WhoAsync());
        Assert.Empty(_world.Log.Of("SignInFailed"));
    }

    [Fact]
    public async Task A_refusal_by_the_gateway_offers_to_sign_in_as_another_person()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family");
        using Visitor visitor = world.NewVisitor();

        Page refused = await visitor.SignInAsync("bob", "/documents/2");

        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Null(visitor.Cookie(SignedIn.CookieName));
        Assert.Contains("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2&amp;prompt=login", refused.Text, StringComparison.Ordinal);
        world.Provider.SignsInAs = "alice";
        Page page = await visitor.NavigateAsync("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2&prompt=login", "same-origin");
        Assert.Equal((HttpStatusCode.OK, "/documents/2", "alice"), (page.Status, page.Address.PathAndQuery, await visitor.WhoAsync()));
    }

    private static async Task<(HttpStatusCode, string)> TryAgainAsync(Visitor visitor, Page refused)
    {
        string link = WebUtility.HtmlDecode(TryAgain().Match(refused.Text).Groups["href"].Value);
        Page page = await visitor.NavigateAsync(link, "same-origin");
        return (page.Status, page.Address.PathAndQuery);
    }

    [GeneratedRegex("trace id <code>(?<id>[^<]+)</code>")]
    private static partial Regex TraceId();

    [GeneratedRegex("href=\"(?<href>[^\"]+)\">Try again<")]
    private static partial Regex TryAgain();
}
