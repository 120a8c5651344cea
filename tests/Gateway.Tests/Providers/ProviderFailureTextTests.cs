using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Gateway.Providers;
using Gateway.Settings;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Serilog.Events;

namespace Gateway.Tests.Providers;

/// <summary>Each failure of a provider says what was asked, what came, and what to change: on the page and in the log with the same words.</summary>
public sealed class ProviderFailureTextTests
{
    private const string Html = "<html>It works!</html>";

    /// <summary>What an endpoint answers, and what the page says of it.</summary>
    [Theory]
    [InlineData("discovery", 403, "{}", "answered 403 instead of a discovery document", "allow the gateway")]
    [InlineData("discovery", 404, "{}", "answered 404 instead of a discovery document", "the slug of the application")]
    [InlineData("discovery", 404, Html, "answered 404 with an HTML page instead of a discovery document", "the slug of the application")]
    [InlineData("discovery", 429, "{}", "answered 429 instead of a discovery document", "raise the limit")]
    [InlineData("discovery", 500, "{}", "answered 500 instead of a discovery document", "log of the provider")]
    [InlineData("discovery", 302, "", "answered 302, a redirect to login.example, instead of a discovery document", "a login proxy")]
    [InlineData("discovery", 200, Html, "answered 200 with an HTML page instead of a discovery document", "Another program answers")]
    [InlineData("discovery", 200, "5", "could not be read: its answer is not the expected JSON", "which program answers")]
    [InlineData("jwks", 403, "{}", "answered 403 instead of a key set", "allow the gateway")]
    [InlineData("jwks", 404, "", "answered 404 instead of a key set", "server_url")]
    [InlineData("jwks", 302, "", "a redirect to login.example, instead of a key set", "a login proxy")]
    [InlineData("jwks", 200, Html, "answered 200 with an HTML page instead of a key set", "Another program answers")]
    [InlineData("token", 403, Html, "answered 403 with an HTML page instead of tokens", "allow the gateway")]
    [InlineData("token", 404, "{}", "answered 404 instead of tokens", "server_url")]
    [InlineData("token", 302, "", "a redirect to login.example, instead of tokens", "a login proxy")]
    [InlineData("token", 200, Html, "answered 200 with an HTML page instead of tokens", "Another program answers")]
    [InlineData("token", 502, Html, "answered 502 with an HTML page instead of tokens", "log of the provider")]
    [InlineData("userinfo", 401, "", "answered 401 instead of the claims of the person", "allow the gateway")]
    [InlineData("userinfo", 403, "", "answered 403 instead of the claims of the person", "allow the gateway")]
    [InlineData("userinfo", 500, "", "answered 500 instead of the claims of the person", "log of the provider")]
    public async Task An_answer_of_another_kind_is_named_on_the_page_and_in_the_log(string endpoint, int status, string body, string says, string remedy)
    {
        await using StubSite stub = await StubSite.StartAsync(async context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = status == 302 ? "https://login.example/?secret=s3cret" : default;
            context.Response.ContentType = body == Html ? "text/html" : "application/json";
            await context.Response.WriteAsync(body);
        });
        await using World world = await StartAsync(endpoint, stub.Address);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Contains("authentik gives no usable answer", page.Text, StringComparison.Ordinal);
        AssertSays(world, page, stub.Address.AbsoluteUri.TrimEnd('/'), says, remedy);
        Assert.DoesNotContain("s3cret", page.Text + world.Log.Text, StringComparison.Ordinal);
        if (endpoint is "discovery" or "jwks")
        {
            using HttpClient health = new();
            string ready = await health.GetStringAsync(new Uri(world.Gateway.Management, "/health/ready"), World.Ct);
            Assert.Contains(says, ready, StringComparison.Ordinal);
            Assert.Contains(remedy, ready, StringComparison.Ordinal);
        }
    }

    /// <summary>authentik's access token is a JWT that carries all claims: nginx refuses its header from about 140 groups on.</summary>
    [Theory]
    [InlineData(400, 200, true)]
    [InlineData(414, 200, true)]
    [InlineData(431, 200, true)]
    [InlineData(494, 200, true)]
    [InlineData(502, 200, true)]
    [InlineData(500, 200, false)]
    [InlineData(400, 2, false)]
    public async Task Userinfo_that_refuses_a_long_access_token_names_its_length_and_the_remedy(int status, int groups, bool isNamed)
    {
        await using StubSite stub = await StubSite.StartAsync(context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        await using World world = await StartAsync("userinfo", stub.Address);
        world.Provider.TamperAccessToken = claims =>
        {
            claims["groups"] = new JsonArray([.. Enumerable.Range(0, groups).Select(group => (JsonNode)$"a-group-with-a-longer-name-{group}")]);
            return claims;
        };
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        AssertSays(world, page, $"answered {status} instead of the claims of the person", isNamed ? "Include claims in id_token" : "");
        Assert.Equal(isNamed, Regex.IsMatch(page.Text, "an access token of [0-9]+,[0-9]{3} characters"));
        Assert.Equal(isNamed, page.Text.Contains("large_client_header_buffers", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("discovery", "https", "does not speak TLS on this port", "Write http:// in server_url")]
    [InlineData("discovery", "nobody", "the connection failed (Connection refused)", "the gateway may reach it")]
    [InlineData("token", "nobody", "the connection failed (Connection refused)", "the gateway may reach it")]
    [InlineData("jwks", "hangs up", "it closed the connection before its answer was complete", "a proxy before it")]
    public async Task A_connection_that_fails_is_named_with_its_reason_and_the_remedy(string endpoint, string how, string says, string remedy)
    {
        await using StubSite stub = await StubSite.StartAsync(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        UriBuilder address = new(stub.Address);
        if (how == "https")
        {
            address.Scheme = "https";
        }
        else if (how == "nobody")
        {
            address.Port = 1;
        }

        await using World world = await StartAsync(endpoint, address.Uri);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Equal(how != "https", page.Text.Contains("authentik does not answer", StringComparison.Ordinal));
        AssertSays(world, page, says, remedy);
        Assert.DoesNotContain("inner exception", page.Text + world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proxy_that_refuses_the_connection_is_named_without_its_password()
    {
        await using StubSite proxy = await StubSite.StartAsync(context =>
        {
            context.Response.StatusCode = 403;
            return Task.CompletedTask;
        });
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Services = services => services.AddSingleton<Outbound>(new ThroughProxy(new UriBuilder(proxy.Address)
            {
                UserName = "gateway",
                Password = "s3cret",
            }.Uri));
        });
        DevelopmentProviderOptions client = world.Provider.Options;
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(
            ProvidersSetting.Of(new Uri("https://login.example/"), "authentik", client.ClientId, client.ClientSecret));
        world.StartGateway();
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");
        using HttpClient health = new();
        string ready = await health.GetStringAsync(new Uri(world.Gateway.Management, "/health/ready"), World.Ct);

        AssertSays(world, page, "the HTTP proxy refused the connection", "HTTPS_PROXY");
        Assert.Contains("HTTPS_PROXY", ready, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", page.Text + ready + world.Log.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "access_denied", "access to this application")]
    [InlineData(true, "consent_required", "Sign in again")]
    [InlineData(false, "invalid_client", "token_auth_method")]
    public async Task An_error_without_a_description_is_named_without_the_words_of_a_library(bool atAuthorization, string error, string remedy)
    {
        await using World world = await World.StartAsync();
        world.Provider.NextAuthorizeError = atAuthorization ? new ProviderError(error) : null;
        world.Provider.NextTokenError = atAuthorization ? null : new ProviderError(error);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Contains($"authentik answered &quot;{error}&quot;", page.Text, StringComparison.Ordinal);
        Assert.Contains(remedy, page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("is null", page.Text + world.Log.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Ed448", "signed with Ed448, an algorithm that the gateway does not support", "Signing Key")]
    [InlineData("ES256K", "signed with ES256K, an algorithm that the gateway does not support", "Signing Key")]
    [InlineData("RSA-OAEP", "signed with RSAOAEP, an algorithm that the gateway does not support", "Signing Key")]
    [InlineData("five parts", "the ID token is encrypted", "Encryption Key")]
    public async Task A_token_that_the_gateway_cannot_check_is_named_as_what_it_is(string how, string says, string remedy)
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperDiscovery = document =>
        {
            document["id_token_signing_alg_values_supported"] = new JsonArray("RS256", how);
            return document;
        };
        world.Provider.RewriteIdToken = token => how == "five parts"
            ? token + ".AAAA.AAAA"
            : world.Provider.Sign(Encoding.UTF8.GetBytes($$"""{"alg":"{{how}}"}"""), Encoding.UTF8.GetBytes("{}"));
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        AssertSays(world, page, says, remedy);
    }

    [Theory]
    [InlineData("consent_required", "consent_required")]
    [InlineData("interaction_required", "interaction_required")]
    [InlineData("a b\r\n<c>", "abc")]
    public void An_error_code_in_the_log_keeps_its_underscores_and_loses_what_no_code_has(string error, string expected) =>
        Assert.Equal(expected, ProviderFailureText.ErrorCode(error));

    private static void AssertSays(World world, Page page, params string[] texts)
    {
        LogEvent line = Assert.Single(world.Log.Of("Refused"));
        string reason = CapturedLog.Value(line, "Reason")!;
        Assert.All(texts, text =>
        {
            Assert.Contains(text, WebUtility.HtmlDecode(page.Text), StringComparison.Ordinal);
            Assert.Contains(text, reason, StringComparison.Ordinal);
        });
    }

    private sealed class ThroughProxy(Uri address) : Outbound
    {
        public override SocketsHttpHandler CreateHandler()
        {
            SocketsHttpHandler handler = base.CreateHandler();
            handler.Proxy = new WebProxy(address, BypassOnLocal: false, null, new NetworkCredential("gateway", "s3cret"))
            {
                BypassList = ["127\\.0\\.0\\.1"],
            };
            return handler;
        }
    }

    /// <summary>A world in which one endpoint of the provider is somewhere else.</summary>
    private static async Task<World> StartAsync(string endpoint, Uri address)
    {
        World world = await World.StartAsync(options => options.StartGateway = false);
        DevelopmentProviderOptions client = world.Provider.Options;
        world.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(endpoint == "discovery"
            ? ProvidersSetting.Of(address, "authentik", client.ClientId, client.ClientSecret)
            : ProvidersSetting.Of(world.Provider));
        world.Provider.TamperDiscovery = document =>
        {
            document[endpoint == "jwks" ? "jwks_uri" : $"{endpoint}_endpoint"] = address.AbsoluteUri;
            return document;
        };
        world.StartGateway();
        return world;
    }
}
