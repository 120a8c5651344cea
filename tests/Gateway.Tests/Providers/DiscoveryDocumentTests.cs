using System.Net;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Providers;

/// <summary>An unusable discovery document or key set is reported as an outage of the provider.</summary>
public sealed class DiscoveryDocumentTests
{
    private const string Good = """{"issuer":"{0}","authorization_endpoint":"{0}authorize","token_endpoint":"{0}token","jwks_uri":"{0}jwks"}""";

    private static readonly (string Type, string Body)[] Broken =
    [
        ("application/json", ""),
        ("application/json", "null"),
        ("application/json", "[]"),
        ("application/json", "{}"),
        ("application/json", "5"),
        ("application/json", "{\"issuer\": 5}"),
        ("application/json", "{\"issuer\": {\"a\": []}}"),
        ("application/json", Good[..^3]),
        ("application/json", Good.Replace("\"{0}token\"", "null", StringComparison.Ordinal)),
        ("application/json", Good.Replace("\"{0}token\"", "\"/token\"", StringComparison.Ordinal)),
        ("application/json", Good.Replace("\"{0}authorize\"", "\"javascript:alert(1)\"", StringComparison.Ordinal)),
        ("application/json", Good.Replace("\"{0}jwks\"", "\"file:///etc/passwd\"", StringComparison.Ordinal)),
        ("application/json; charset=nonsense", "{}"),
        ("text/html", "<html>It works!</html>"),
        ("application/json", new string('[', 100_000)),
        ("application/json", "{\"issuer\":\"" + new string('a', 2 * 1024 * 1024) + "\"}"),
    ];

    private static readonly (string Type, string Body)[] BrokenKeys =
    [
        ("application/json", ""),
        ("application/json", "null"),
        ("application/json", "[]"),
        ("application/json", "{\"keys\": 5}"),
        ("application/json", "{\"keys\": [{\"kty\": 7}]}"),
        ("text/html", "<html>"),
        ("application/json", "{\"keys\":[\"" + new string('a', 2 * 1024 * 1024) + "\"]}"),
    ];

    [Fact]
    public async Task An_unusable_discovery_document_gives_the_page_that_the_provider_does_not_answer()
    {
        (string Type, string Body) document = default;
        (string Type, string Body) keys = ("application/json", "{\"keys\":[]}");
        await using StubSite stub = await StubSite.StartAsync(async context =>
        {
            (context.Response.ContentType, string body) = context.Request.Path == "/jwks" ? keys : document;
            await context.Response.WriteAsync(body.Replace("{0}", $"http://{context.Request.Host}/", StringComparison.Ordinal));
        });
        await using World world = await World.StartAsync(
            options => options.Settings[ProvidersSetting.Variable] = ProvidersSetting.Json(ProvidersSetting.Of(stub.Address, "stub", "paperless", "secret")));
        using Visitor visitor = world.NewVisitor();
        foreach ((string Type, string Body) broken in Broken)
        {
            document = broken;
            await AssertAwayAsync(world, visitor, broken.Body);
        }

        document = ("application/json", Good);
        foreach ((string Type, string Body) broken in BrokenKeys)
        {
            keys = broken;
            await AssertAwayAsync(world, visitor, broken.Body);
        }

        keys = ("application/json", "{\"keys\":[]}");
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        Page good = await visitor.OpenAsync("/accounts/oidc/stub/login/", "same-origin");
        Assert.Equal("/authorize", good.Location?.AbsolutePath);
    }

    private static async Task AssertAwayAsync(World world, Visitor visitor, string body)
    {
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        Page page = await visitor.OpenAsync("/accounts/oidc/stub/login/", "same-origin");
        string log = world.Log.Text;
        Assert.True(
            page.Status == HttpStatusCode.ServiceUnavailable,
            $"{(int)page.Status} for {body[..Math.Min(body.Length, 80)]}\n{log[..Math.Min(3000, log.Length)]}");
        Assert.Equal("5", page.Header("Retry-After"));
    }
}
