using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Providers;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Tests.SignIn;

/// <summary>Authorization requests that the gateway sends to the provider directly (RFC 9126).</summary>
public sealed class PushedAuthorizationTests
{
    private const string PushPath = "/application/o/par/";

    [Theory]
    [InlineData(nameof(PushedRequests.Offered))]
    [InlineData(nameof(PushedRequests.Required))]
    [InlineData(nameof(PushedRequests.RequiredOfClient))]
    public async Task A_sign_in_pushes_its_request_and_the_browser_carries_the_reference_alone(string pushed)
    {
        await using World world = await StartAsync(Enum.Parse<PushedRequests>(pushed));
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");
        Page page = await tab.CompleteAsync();

        Assert.Equal(["client_id", "request_uri"], tab.Query.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("alice", await visitor.WhoAsync());
        ProviderRequest request = Assert.Single(Pushes(world));
        Assert.Equal(("code", "S256"), (request.Form["response_type"], request.Form["code_challenge_method"]));
        Assert.Superset(new HashSet<string> { "state", "nonce", "code_challenge", "redirect_uri", "scope" }, request.Form.Keys.ToHashSet());
    }

    [Fact]
    public async Task A_provider_without_the_endpoint_gets_the_request_through_the_browser()
    {
        await using World world = await StartAsync(PushedRequests.None);
        using Visitor visitor = world.NewVisitor();

        RoundTrip tab = await RoundTrip.BeginAsync(visitor);

        Assert.Equal("code", tab.Query["response_type"]);
        Assert.Empty(Pushes(world));
    }

    [Theory]
    [InlineData("client_secret_basic", nameof(ClientAuthentication.BasicOnly), false)]
    [InlineData("client_secret_basic", nameof(ClientAuthentication.BasicOnly), true)]
    [InlineData("client_secret_post", nameof(ClientAuthentication.PostOnly), false)]
    [InlineData(null, nameof(ClientAuthentication.PostOnly), false)]
    public async Task The_client_authenticates_as_at_the_token_endpoint(string? method, string taken, bool plusIsSpace)
    {
        const string secret = "a b+c/d:e%41&f=g~\"ü";
        await using World world = await ProvidersSetting.StartAsync(
            settings => settings["token_auth_method"] = method,
            options => options.Provider = provider => provider with
            {
                PushedRequests = PushedRequests.Required,
                ClientAuthentication = Enum.Parse<ClientAuthentication>(taken),
                ClientId = "paper less:1",
                ClientSecret = secret,
                DecodesBasicCredentials = true,
                DecodesBasicPlusAsSpace = plusIsSpace,
            });
        using Visitor alice = await world.SignedInAsync("alice");

        ProviderRequest request = Assert.Single(Pushes(world));
        bool isBasic = method == "client_secret_basic";
        Assert.Equal(!isBasic, request.Form.ContainsKey("client_secret"));
        string? sent = isBasic ? Encoding.ASCII.GetString(Convert.FromBase64String(request.Authorization!["Basic ".Length..])) : null;
        Assert.Equal(isBasic ? "paper%20less%3A1:a%20b%2Bc%2Fd%3Ae%2541%26f%3Dg~%22%C3%BC" : null, sent);
    }

    [Fact]
    public async Task A_provider_that_refuses_Basic_for_the_pushed_request_gets_the_secret_in_the_form()
    {
        await using World world = await ProvidersSetting.StartAsync(
            settings => settings["token_auth_method"] = "client_secret_basic",
            options => options.Provider = provider => provider with { PushedRequests = PushedRequests.Required, ClientSecret = "a/b" });

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal([false, true], Pushes(world).Select(request => request.Form.ContainsKey("client_secret")));
        Assert.Single(world.Log.Of("BasicRefused"));
    }

    [Theory]
    [InlineData("invalid_request", 502, "authorization code flow with PKCE")]
    [InlineData("invalid_client", 502, "Correct client_id, secret and token_auth_method")]
    [InlineData("unauthorized_client", 502, "Correct client_id, secret and token_auth_method")]
    [InlineData("invalid_scope", 502, "asked for the scopes")]
    [InlineData("access_denied", 403, "Ask the operator")]
    [InlineData("something_new", 502, "log of the provider")]
    public async Task A_refused_push_that_the_provider_requires_gives_a_page_with_the_answer_and_the_remedy(string error, int status, string remedy)
    {
        await using World world = await StartAsync(PushedRequests.Required);
        world.Provider.NextPushError = new ProviderError(error, "because of <that>");
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync("/accounts/oidc/authentik/login/?next=/documents/2", "same-origin");

        Assert.Equal(status, (int)page.Status);
        Assert.Contains(error, page.Text, StringComparison.Ordinal);
        Assert.Contains("because of &lt;that&gt;", page.Text, StringComparison.Ordinal);
        Assert.Contains(remedy, page.Text, StringComparison.Ordinal);
        Assert.Contains("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2", page.Text, StringComparison.Ordinal);
        Assert.Contains(error, CapturedLog.Value(Assert.Single(world.Log.Of("Refused")), "Reason"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("invalid_request")]
    [InlineData("unauthorized_client")]
    [InlineData("temporarily_unavailable")]
    public async Task A_refused_push_that_is_only_offered_goes_through_the_browser(string error)
    {
        await using World world = await StartAsync(PushedRequests.Offered);
        world.Provider.NextPushError = new ProviderError(error);

        using Visitor alice = await world.SignedInAsync("alice", "/documents/2");
        using Visitor bob = await world.SignedInAsync("bob");

        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Contains(error, CapturedLog.Value(Assert.Single(world.Log.Of("AuthorizationNotPushed")), "Reason"), StringComparison.Ordinal);
        Assert.Single(Pushes(world));
    }

    [Fact]
    public async Task A_push_refused_for_offline_access_is_repeated_without_it_in_the_same_sign_in_and_remembered()
    {
        await using World world = await World.StartAsync(options => options.Provider = provider => provider with
        {
            PushedRequests = PushedRequests.Required,
            OfflineAccess = true,
            ClientScopes = ["openid", "profile", "email"],
        });

        using Visitor alice = await world.SignedInAsync("alice", "/documents/2");
        using Visitor bob = await world.SignedInAsync("bob");

        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Equal(
            ["openid profile email offline_access", "openid profile email", "openid profile email"],
            Pushes(world).Select(request => request.Form["scope"]));
        Assert.Single(world.Log.Of("OfflineAccessRefused"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_endpoint_that_does_not_work_stops_sign_ins_only_where_the_provider_requires_it(bool isRequired)
    {
        await using StubSite stub = await StubSite.StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return context.Response.WriteAsync("<html>Forbidden</html>");
        });
        await using World world = await StartAsync(isRequired ? PushedRequests.Required : PushedRequests.Offered);
        world.Provider.TamperDiscovery = document => With(document, "pushed_authorization_request_endpoint", stub.Address.AbsoluteUri);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(isRequired ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.OK, page.Status);
        Assert.Equal(isRequired ? null : "alice", await visitor.WhoAsync());
        if (isRequired)
        {
            Assert.Contains("answered 403 with an HTML page instead of a request_uri", page.Text, StringComparison.Ordinal);
            Assert.Empty(world.Log.Of("AuthorizationNotPushed"));
            return;
        }

        using Visitor again = await world.SignedInAsync("alice");
        string reason = CapturedLog.Value(Assert.Single(world.Log.Of("AuthorizationNotPushed")), "Reason");
        Assert.Contains("403", reason, StringComparison.Ordinal);
        world.Provider.TamperDiscovery = null;
        world.Clock.Advance(ProviderDiscovery.DocumentTtl + PushedAuthorization.RetryBackoff);
        using Visitor later = await world.SignedInAsync("bob");
        Assert.Single(Pushes(world));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"request_uri\":\"\"}")]
    [InlineData("{\"request_uri\":7}")]
    [InlineData("[]")]
    public async Task A_required_push_without_a_request_uri_is_no_sign_in(string body)
    {
        await using StubSite stub = await StubSite.StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status201Created;
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync(body);
        });
        await using World world = await StartAsync(PushedRequests.Required);
        world.Provider.TamperDiscovery = document => With(document, "pushed_authorization_request_endpoint", stub.Address.AbsoluteUri);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync("/accounts/oidc/authentik/login/", "same-origin");

        // A number is a reference that the provider does not know.
        Assert.Equal(body.Contains('7') ? HttpStatusCode.Redirect : HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.DoesNotContain("code_challenge", page.Location?.Query ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_provider_that_requires_pushed_requests_and_names_no_endpoint_is_named_on_the_page()
    {
        await using World world = await StartAsync(PushedRequests.Required);
        world.Provider.TamperDiscovery = document => With(document, "pushed_authorization_request_endpoint", null);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.OpenAsync("/accounts/oidc/authentik/login/", "same-origin");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("has no pushed_authorization_request_endpoint", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("invalid_request")]
    [InlineData("access_denied")]
    [InlineData("login_required")]
    public async Task A_silent_authentication_is_pushed_and_its_refusal_leaves_the_session_as_it_is(string? error)
    {
        await using World world = await StartAsync(PushedRequests.Required);
        using Visitor alice = await world.SignedInAsync("alice");
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        world.Provider.ClearReceived();
        world.Provider.NextPushError = error is null ? null : new ProviderError(error);

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal((HttpStatusCode.OK, "/documents/2"), (page.Status, page.Address.PathAndQuery));
        Assert.Equal("none", Assert.Single(Pushes(world)).Form["prompt"]);
        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Equal(error is null ? 0 : 1, world.Log.Of("SilentAuthenticationWithoutAnswer").Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("invalid_client")]
    public async Task A_Connect_is_pushed_and_its_refusal_gives_a_page(string? error)
    {
        await using World world = await ProvidersSetting.StartAsync(
            _ => { },
            options => options.Provider = provider => provider with { PushedRequests = PushedRequests.Required });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.ClearReceived();
        world.Provider.NextPushError = error is null ? null : new ProviderError(error);

        Page page = await alice.OpenAsync("/accounts/oidc/authentik/login/?process=connect", "same-origin", ("Referer", world.Origin + "/profile"));

        Assert.Single(Pushes(world));
        Assert.Equal(error is null ? HttpStatusCode.Redirect : HttpStatusCode.BadGateway, page.Status);
        if (error is null)
        {
            Assert.Equal(["client_id", "request_uri"], QueryHelpers.ParseQuery(page.Location!.Query).Keys.Order(StringComparer.Ordinal));
            return;
        }

        Assert.Contains("process=connect", page.Text, StringComparison.Ordinal);
    }

    private static Task<World> StartAsync(PushedRequests pushed) =>
        World.StartAsync(options => options.Provider = provider => provider with { PushedRequests = pushed });

    private static IReadOnlyList<ProviderRequest> Pushes(World world) =>
        [.. world.Provider.Received.Where(request => request.Path == PushPath)];

    private static JsonObject With(JsonObject document, string name, string? value)
    {
        document[name] = value;
        return document;
    }
}
