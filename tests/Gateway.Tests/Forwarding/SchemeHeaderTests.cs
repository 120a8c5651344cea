using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Forwarding;

/// <summary>`PAPERLESS_PROXY_SSL_HEADER` tells Paperless the scheme of the public address.</summary>
public sealed class SchemeHeaderTests
{
    [Theory]
    [InlineData("HTTP_X_FORWARDED_PROTO", "https", "X-Forwarded-Proto")]
    [InlineData("HTTP_X_FORWARDED_PROTO", "on", "X-Forwarded-Proto")]
    [InlineData("HTTP_X_SCHEME", "https", "X-Scheme")]
    public async Task The_links_of_the_API_are_https_where_Paperless_and_the_gateway_name_the_same_header(string meta, string value, string header)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Https = true;
            options.Settings["PAPERLESS_PROXY_SSL_HEADER"] = $"[\"{meta}\", \"{value}\"]";
            options.Paperless = given => given with { ProxySslHeader = (header, value) };
        });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        Page page = await alice.FetchAsync(HttpMethod.Get, "/api/users/?page_size=1", null, (header, "gopher"));

        Assert.All(world.Forwarded, request => Assert.Equal([value], request.Lines(header)));
        Assert.NotEmpty(world.Forwarded);
        Assert.All(world.ApiRequests, request => Assert.Equal([value], request.Lines(header)));
        Assert.True(page.Status is HttpStatusCode.OK or HttpStatusCode.Forbidden, page.Text);
        Page list = await alice.SendAsync(
            HttpMethod.Get, "/api/users/?page_size=1", null, ("Authorization", $"Token {world.Paperless.Data.TokenOf(World.GatewayUser)}"));
        Assert.StartsWith(world.Origin + "/api/users/", (string?)JsonNode.Parse(list.Text)!["next"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task At_an_http_address_nobody_can_pretend_https()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_PROXY_SSL_HEADER"] = "[\"HTTP_X_SCHEME\", \"https\"]";
            options.Paperless = given => given with { ProxySslHeader = ("X-Scheme", "https") };
        });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        await alice.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("X-Scheme", "https"));

        Assert.Empty(Assert.Single(world.Forwarded).Lines("X-Scheme"));
    }
}
