using System.Net;
using Gateway.Apps;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>Preflight requests of web apps on another origin (Fetch, section 4.8), which Paperless answers with django-cors-headers.</summary>
public sealed class CorsPreflightTests
{
    private const string App = "https://app.example";

    [Theory]
    [InlineData("/api/documents/")]
    [InlineData("/api/token/")]
    public async Task A_preflight_of_a_named_origin_gets_Paperless_own_answer(string path)
    {
        await using World world = await StartAsync();
        using Visitor browser = world.NewVisitor();

        Page page = await PreflightAsync(browser, path, App);

        Assert.Equal((HttpStatusCode.OK, App), (page.Status, page.Header("Access-Control-Allow-Origin")));
        Assert.Contains("authorization", page.Header("Access-Control-Allow-Headers"), StringComparison.Ordinal);
        Assert.Contains("PATCH", page.Header("Access-Control-Allow-Methods"), StringComparison.Ordinal);
        Assert.Equal("86400", page.Header("Access-Control-Max-Age"));
        Assert.Single(world.Forwarded);
    }

    [Fact]
    public async Task Every_other_OPTIONS_stays_at_the_gateway()
    {
        await using World world = await StartAsync();
        using Visitor browser = world.NewVisitor();
        using StringContent body = new("{}");

        Page[] refused =
        [
            await PreflightAsync(browser, "/api/documents/", "https://evil.example"),
            await PreflightAsync(browser, "/api/documents/", App + ".evil.example"),
            await PreflightAsync(browser, "/api/documents/", "null"),
            await PreflightAsync(browser, "/api/documents/", "http://localhost:8000"),
            await PreflightAsync(browser, "/dashboard", App),
            await PreflightAsync(browser, "/Api/documents/", App),
            await browser.SendAsync(HttpMethod.Options, "/api/documents/", null, ("Origin", App)),
            await browser.SendAsync(HttpMethod.Options, "/api/documents/", null, ("Access-Control-Request-Method", "GET")),
            await browser.SendAsync(HttpMethod.Options, "/api/documents/", body, ("Origin", App), ("Access-Control-Request-Method", "GET")),
            await browser.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Origin", App), ("Access-Control-Request-Method", "GET")),
        ];

        Assert.All(refused, page => Assert.True(page.Status is HttpStatusCode.Unauthorized or HttpStatusCode.RequestEntityTooLarge, page.Text));
        Assert.All(refused, page => Assert.Null(page.Header("Access-Control-Allow-Origin")));
        Assert.Empty(world.Forwarded);
    }

    [Fact]
    public async Task The_request_after_the_preflight_needs_its_credential_and_carries_Paperless_headers_back()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor browser = world.NewVisitor();

        Page own = await GetAsync("Token " + world.Paperless.Data.TokenOf("alice"));
        Page byDevice = await GetAsync("Token " + device.Secret);
        Page without = await browser.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Origin", App));

        Assert.All([own, byDevice], page => Assert.Equal((HttpStatusCode.OK, App), (page.Status, page.Header("Access-Control-Allow-Origin"))));
        Assert.All([own, byDevice], page => Assert.Equal("Content-Disposition", page.Header("Access-Control-Expose-Headers")));
        Assert.Equal(HttpStatusCode.Unauthorized, without.Status);

        Task<Page> GetAsync(string credential) => browser.SendAsync(
            HttpMethod.Get, "/api/documents/", null, ("Origin", App), ("Accept", "application/json"), ("Authorization", credential));
    }

    [Theory]
    [InlineData(App, App)]
    [InlineData("https://evil.example", null)]
    public async Task A_web_app_reads_what_the_gateway_answers_in_Paperless_place(string origin, string? allowed)
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        MadeDevicePassword device = await world.MakeDevicePasswordAsync("alice");
        using Visitor browser = world.NewVisitor();
        using FormUrlEncodedContent form = new(new Dictionary<string, string> { ["username"] = "alice", ["password"] = device.Secret });

        Page token = await browser.SendAsync(HttpMethod.Post, "/api/token/", form, ("Origin", origin));
        Page profile = await browser.SendAsync(HttpMethod.Get, "/api/profile/", null, ("Origin", origin), ("Authorization", "Token " + device.Secret));

        Assert.All([token, profile], page => Assert.Equal((HttpStatusCode.OK, allowed), (page.Status, page.Header("Access-Control-Allow-Origin"))));
    }

    [Fact]
    public async Task Without_the_setting_Paperless_default_origin_counts()
    {
        await using World world = await World.StartAsync();
        using Visitor browser = world.NewVisitor();

        Page local = await PreflightAsync(browser, "/api/documents/", "http://localhost:8000");
        Page other = await PreflightAsync(browser, "/api/documents/", App);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (local.Status, other.Status));
    }

    private static Task<World> StartAsync() => World.StartAsync(options =>
    {
        options.Settings["PAPERLESS_CORS_ALLOWED_HOSTS"] = $"https://first.example, {App}";
        options.Paperless = given => given with { CorsOrigins = ["https://first.example", App] };
    });

    private static Task<Page> PreflightAsync(Visitor browser, string path, string origin) => browser.SendAsync(
        HttpMethod.Options, path, null, ("Origin", origin), ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "authorization"));
}
