using System.Net;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Microsoft.AspNetCore.WebUtilities;
using static Gateway.Tests.StandIns.DevelopmentProviderChecks;
using static Gateway.Tests.StandIns.DevelopmentProviderClient;

namespace Gateway.Tests.StandIns;

public sealed class DevelopmentProviderAuthorizationTests
{
    [Fact]
    public async Task A_person_without_a_session_signs_in_and_returns_with_a_code_and_the_state()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        using HttpResponseMessage toSignIn = await client.AuthorizeAsync();
        using HttpResponseMessage page = await client.GetAsync(toSignIn.Headers.Location!.OriginalString);
        string html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        using HttpResponseMessage signedIn = await client.PostAsync(SignInPath, ("person", "bob"), ("next", Next(toSignIn)));
        using HttpResponseMessage back = await client.GetAsync(signedIn.Headers.Location!.OriginalString);

        Assert.StartsWith(SignInPath, toSignIn.Headers.Location.OriginalString, StringComparison.Ordinal);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.All(["alice", "bob", "admin"], name => Assert.Contains($"id=\"sign-in-{name}\"", html, StringComparison.Ordinal));
        Assert.Contains("evelopment provider", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(signedIn.Headers.GetValues("Set-Cookie"), cookie => cookie.StartsWith("authentik_session=", StringComparison.Ordinal));
        Assert.NotNull(CallbackParameter(back, "code"));
        Assert.Equal("a state", CallbackParameter(back, "state"));
        Assert.Equal("bob", Assert.Single(provider.Sessions).Username);
    }

    [Fact]
    public async Task The_authorization_response_of_authentik_has_no_iss_parameter()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();

        using HttpResponseMessage back = await client.AuthorizeAsync();

        Assert.Equal(["code", "state"], QueryHelpers.ParseQuery(back.Headers.Location!.Query).Keys.Order());
    }

    [Fact]
    public async Task With_a_live_session_the_authorization_endpoint_redirects_immediately()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();

        using HttpResponseMessage first = await client.AuthorizeAsync();
        using HttpResponseMessage second = await client.AuthorizeAsync(("prompt", "none"));

        Assert.NotNull(CallbackParameter(first, "code"));
        Assert.NotNull(CallbackParameter(second, "code"));
    }

    [Fact]
    public async Task A_test_can_sign_everybody_in_without_a_page()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        provider.SignsInAs = "bob";

        using HttpResponseMessage toSignIn = await client.AuthorizeAsync();
        using HttpResponseMessage signedIn = await client.GetAsync(toSignIn.Headers.Location!.OriginalString);
        using HttpResponseMessage back = await client.GetAsync(signedIn.Headers.Location!.OriginalString);

        Assert.NotNull(CallbackParameter(back, "code"));
        Assert.Equal("bob", Assert.Single(provider.Sessions).Username);
    }

    [Fact]
    public async Task Response_mode_form_post_returns_a_form()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();

        using HttpResponseMessage page = await client.AuthorizeAsync(("response_mode", "form_post"));

        string html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains($"action=\"{Callback}\"", html, StringComparison.Ordinal);
        Assert.Contains("name=\"code\"", html, StringComparison.Ordinal);
        Assert.Contains("name=\"state\" value=\"a state\"", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prompt_none_without_a_session_returns_login_required()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        using HttpResponseMessage back = await client.AuthorizeAsync(("prompt", "none"));

        Assert.Equal("login_required", CallbackParameter(back, "error"));
        Assert.Equal("a state", CallbackParameter(back, "state"));
    }

    [Fact]
    public async Task Prompt_login_asks_for_the_sign_in_again_once()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();
        ProviderSession before = Assert.Single(provider.Sessions);

        using HttpResponseMessage toSignIn = await client.AuthorizeAsync(("prompt", "login"));
        using HttpResponseMessage signedIn = await client.PostAsync(toSignIn.Headers.Location!.OriginalString, ("person", "alice"));
        using HttpResponseMessage back = await client.GetAsync(signedIn.Headers.Location!.OriginalString);

        Assert.NotNull(CallbackParameter(back, "code"));
        Assert.NotEqual(before.Sid, Assert.Single(provider.Sessions).Sid);
    }

    [Fact]
    public async Task A_session_older_than_max_age_must_sign_in_again()
    {
        Clock clock = new Clock();
        await using DevelopmentProvider provider = await StartAsync(options => options with { TimeProvider = clock });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();

        using HttpResponseMessage young = await client.AuthorizeAsync(("max_age", "60"));
        clock.Advance(TimeSpan.FromSeconds(61));
        using HttpResponseMessage old = await client.AuthorizeAsync(("max_age", "60"));

        Assert.NotNull(CallbackParameter(young, "code"));
        Assert.StartsWith(SignInPath, old.Headers.Location!.OriginalString, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_scopes_are_silently_dropped()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject tokens = await client.SignInForTokensAsync("alice", ("scope", "openid profile groups offline_access"));

        Assert.Equal("openid profile", Text(tokens, "scope"));
        Assert.Null(tokens["refresh_token"]);
    }

    [Fact]
    public async Task A_request_without_scopes_gets_every_scope()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        JsonObject tokens = await client.SignInForTokensAsync("alice", ("scope", ""));

        Assert.Equal("openid email profile", Text(tokens, "scope"));
    }

    [Theory]
    [InlineData("client_id", "somebody-else")]
    [InlineData("client_id", "")]
    [InlineData("redirect_uri", "http://127.0.0.1:9/callback/")]
    [InlineData("redirect_uri", "http://127.0.0.1:9/Callback")]
    [InlineData("redirect_uri", "http://127.0.0.1:9/callback?a=b")]
    [InlineData("redirect_uri", "not a uri")]
    [InlineData("redirect_uri", "")]
    public async Task A_wrong_client_id_or_redirect_URI_gives_a_page_and_never_a_redirect(string parameter, string value)
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();

        using HttpResponseMessage page = await client.AuthorizeAsync((parameter, value));

        Assert.Equal(HttpStatusCode.BadRequest, page.StatusCode);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Null(page.Headers.Location);
    }

    [Theory]
    [InlineData("response_type", "", "invalid_request")]
    [InlineData("response_type", "nonsense", "unsupported_response_type")]
    [InlineData("request", "a.b.c", "request_not_supported")]
    [InlineData("code_challenge_method", "S512", "invalid_request")]
    public async Task Every_other_authorization_error_is_redirected_with_the_state(string parameter, string value, string error)
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();

        using HttpResponseMessage back = await client.AuthorizeAsync((parameter, value));

        Assert.Equal(error, CallbackParameter(back, "error"));
        Assert.Equal("a state", CallbackParameter(back, "state"));
    }

    [Fact]
    public async Task A_test_can_set_the_next_authorization_error()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);
        await client.SignInAsync();
        provider.NextAuthorizeError = new ProviderError("server_error", "The flow is broken.");

        using HttpResponseMessage refused = await client.AuthorizeAsync();
        using HttpResponseMessage next = await client.AuthorizeAsync();

        Assert.Equal("server_error", CallbackParameter(refused, "error"));
        Assert.Equal("The flow is broken.", CallbackParameter(refused, "error_description"));
        Assert.NotNull(CallbackParameter(next, "code"));
    }

    [Fact]
    public async Task A_person_whom_a_policy_denies_gets_a_page_of_the_provider()
    {
        await using DevelopmentProvider provider = await StartAsync(options => options with { RequiredGroup = "paperless-admins" });
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        await client.SignInAsync("alice");
        using HttpResponseMessage denied = await client.AuthorizeAsync();
        await client.SignInAsync("admin");
        using HttpResponseMessage allowed = await client.AuthorizeAsync();

        Assert.Equal(HttpStatusCode.Forbidden, denied.StatusCode);
        Assert.Equal("text/html", denied.Content.Headers.ContentType?.MediaType);
        Assert.NotNull(CallbackParameter(allowed, "code"));
    }

    [Theory]
    [InlineData("https://elsewhere/")]
    [InlineData("//elsewhere/")]
    [InlineData("/\\elsewhere/")]
    public async Task A_sign_in_at_the_development_provider_never_redirects_to_another_site(string next)
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        using HttpResponseMessage response = await client.PostAsync(SignInPath, ("person", "alice"), ("next", next));

        Assert.Equal("/", response.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task An_unknown_name_cannot_sign_in_at_the_development_provider()
    {
        await using DevelopmentProvider provider = await StartAsync();
        using DevelopmentProviderClient client = new DevelopmentProviderClient(provider);

        using HttpResponseMessage response = await client.PostAsync(SignInPath, ("person", "mallory"), ("next", "/"));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Empty(provider.Sessions);
    }
}
