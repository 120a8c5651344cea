using System.Net;
using Gateway.Providers;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Providers;

/// <summary>Discovery documents behind redirects, with a slash at the end, and with a query.</summary>
public sealed class DiscoveryRedirectTests
{
    private const string Document = "/application/o/paperless/.well-known/openid-configuration";

    [Theory]
    [InlineData(301, "/second", true)]
    [InlineData(302, "/second", true)]
    [InlineData(307, "second", true)]
    [InlineData(308, "ORIGIN/second", true)]
    [InlineData(302, "OTHER" + Document, false)]
    [InlineData(302, "https://HOST" + Document, false)]
    [InlineData(302, "http://user@HOST/second", false)]
    [InlineData(302, "/first", false)]
    [InlineData(300, "/second", false)]
    public async Task A_redirect_is_followed_within_the_same_origin_alone(int status, string target, bool isFollowed)
    {
        await using Site site = await Site.StartAsync("/second");
        site.Redirects["/first"] = (status, target
            .Replace("ORIGIN", site.Origin, StringComparison.Ordinal)
            .Replace("OTHER", site.World.Provider.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal)
            .Replace("HOST", new Uri(site.Origin).Authority, StringComparison.Ordinal));
        site.Redirects[Document] = (302, "/first");

        Assert.Equal(isFollowed ? HttpStatusCode.Redirect : HttpStatusCode.ServiceUnavailable, await site.BeginAsync(Document));
        Assert.InRange(site.Asked.Count, 1, SameOriginRedirects.MaxRedirects + 1);
    }

    [Fact]
    public async Task An_endless_redirect_is_given_up()
    {
        await using Site site = await Site.StartAsync("/nothing");
        site.Redirects[Document] = (302, Document);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await site.BeginAsync(Document));
        Assert.Equal(SameOriginRedirects.MaxRedirects + 1, site.Asked.Count);
    }

    [Theory]
    [InlineData("/.well-known/openid-configuration/")]
    [InlineData("/.well-known/openid-configuration?appid=1%2F2&p=B2C_1_signin")]
    [InlineData("/.well-known/openid-configuration/?p=x")]
    public async Task The_address_of_a_document_is_requested_as_it_is_written(string end)
    {
        await using Site site = await Site.StartAsync("/application/o/paperless" + end);

        Assert.Equal(HttpStatusCode.Redirect, await site.BeginAsync("/application/o/paperless" + end));
        Assert.Equal("/application/o/paperless" + end, site.Asked[0]);
    }

    [Theory]
    [InlineData("/application/o/paperless/", Document)]
    [InlineData("/application/o/paperless?p=x", Document + "?p=x")]
    public async Task The_address_of_an_issuer_gets_the_path_of_the_document(string server, string asked)
    {
        await using Site site = await Site.StartAsync(asked);

        Assert.Equal(HttpStatusCode.Redirect, await site.BeginAsync(server));
        Assert.Equal(asked, site.Asked[0]);
    }

    /// <summary>A provider whose document is at one address, with redirects at others.</summary>
    private sealed class Site : IAsyncDisposable
    {
        private StubSite _stub = null!;

        /// <summary>The path and query of the document.</summary>
        public string Ends { get; private init; } = "";

        public Dictionary<string, (int Status, string Target)> Redirects { get; } = [];

        public List<string> Asked { get; } = [];

        public World World { get; private set; } = null!;

        public string Origin => _stub.Address.GetLeftPart(UriPartial.Authority);

        public static async Task<Site> StartAsync(string document)
        {
            Site site = new() { Ends = document };
            site._stub = await StubSite.StartAsync(site.AnswerAsync);
            site.World = await World.StartAsync(options => options.StartGateway = false);
            return site;
        }

        public async Task<HttpStatusCode> BeginAsync(string server)
        {
            World.Options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(
                ProvidersSetting.Of(new Uri(Origin + server), "authentik", "client", "a secret"));
            World.StartGateway();
            using Visitor visitor = World.NewVisitor();
            return (await visitor.OpenAsync("/accounts/oidc/authentik/login/", "same-origin")).Status;
        }

        public async ValueTask DisposeAsync()
        {
            await World.DisposeAsync();
            await _stub.DisposeAsync();
        }

        private async Task AnswerAsync(HttpContext context)
        {
            string asked = context.Request.Path + context.Request.QueryString;
            string origin = $"http://{context.Request.Host}";
            context.Response.ContentType = "application/json";
            if (asked == "/jwks")
            {
                await context.Response.WriteAsync("{\"keys\":[]}");
                return;
            }

            Asked.Add(asked);
            if (asked == Ends)
            {
                await context.Response.WriteAsync($$"""
                    {"issuer":"{{origin}}/application/o/paperless/","authorization_endpoint":"{{origin}}/authorize",
                    "token_endpoint":"{{origin}}/token","jwks_uri":"{{origin}}/jwks"}
                    """);
                return;
            }

            (int status, string target) = Redirects.GetValueOrDefault(asked, (404, ""));
            context.Response.StatusCode = status;
            context.Response.Headers.Location = target;
        }
    }
}
