using Gateway.Settings;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>`GATEWAY_HSTS`: browsers of an https address use only https.</summary>
public sealed class StrictTransportSecurityTests
{
    private const string Header = "Strict-Transport-Security";

    [Theory]
    [InlineData("30d", "max-age=2592000")]
    [InlineData("365d", "max-age=31536000")]
    public async Task Every_answer_of_an_https_address_has_the_header_once(string setting, string expected)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Https = true;
            options.Settings["GATEWAY_HSTS"] = setting;
        });
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor nobody = world.NewVisitor();

        // Own pages, forwarded ones, redirects, refusals, and files of the static cache.
        foreach (string path in (string[])["/accounts/login/", "/", "/api/documents/", "/favicon.ico", "/gateway/nothing", "/%2F"])
        {
            foreach (Visitor visitor in (Visitor[])[alice, nobody])
            {
                Page page = await visitor.FetchAsync(path);
                Assert.Equal((path, expected), (path, string.Join(" | ", page.Response.Headers.GetValues(Header))));
            }
        }
    }

    [Fact]
    public async Task A_header_of_Paperless_is_replaced()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Https = true;
            options.Settings["GATEWAY_HSTS"] = "30d";
        });
        using Visitor alice = await world.SignedInAsync("alice");
        using Fault own = world.Paperless.Faults.Write(request => request.Path == "/api/documents/", response =>
        {
            response.Headers.StrictTransportSecurity = "max-age=1; includeSubDomains";
            return response.WriteAsync("[]");
        });

        Page page = await alice.FetchAsync("/api/documents/");

        Assert.Equal(["max-age=2592000"], page.Response.Headers.GetValues(Header));
    }

    /// <summary>The header counts for all ports of a host, and others may serve plain http there.</summary>
    [Theory]
    [InlineData("https://docs.example.com", 30)]
    [InlineData("https://docs.example.com:443", 30)]
    [InlineData("https://docs.example.com:8443", null)]
    [InlineData("http://docs.example.com", null)]
    public async Task By_default_it_is_on_for_an_https_address_without_a_port_of_its_own(string address, int? days)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        world.Options.Settings["PAPERLESS_URL"] = address;

        (GatewaySettings settings, _) = new GatewaySettingsReader(new ConfigurationBuilder().AddInMemoryCollection(world.Settings()).Build()).Read();

        Assert.Equal(days, settings.Hsts?.TotalDays);
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(true, "off")]
    [InlineData(true, "0")]
    [InlineData(false, null)]
    public async Task The_header_is_not_sent_where_it_is_off_or_the_address_is_http(bool https, string? setting)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Https = https;
            options.Settings["GATEWAY_HSTS"] = setting;
        });
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.False((await alice.FetchAsync("/api/documents/")).Response.Headers.Contains(Header));
    }

    [Theory]
    [InlineData("yes")]
    [InlineData("31536000")]
    public async Task A_value_that_is_no_time_is_refused(string setting)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        world.Options.Settings["GATEWAY_HSTS"] = setting;

        SettingsException refused = Assert.Throws<SettingsException>(() => new GatewaySettingsReader(
            new ConfigurationBuilder().AddInMemoryCollection(world.Settings()).Build()).Read());

        Assert.Contains("GATEWAY_HSTS", refused.Message, StringComparison.Ordinal);
        Assert.Contains("30d or 365d, or off", refused.Message, StringComparison.Ordinal);
    }
}
