using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Access;

/// <summary>Plain http at a gateway that has an https port itself.</summary>
[Needs(RealPart.Process)]
public sealed class HttpsRedirectTests : IAsyncLifetime
{
    private readonly int _plainPort = World.FreePort();
    private World _world = null!;
    private GatewayProcess _gateway = null!;
    private HttpClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        (_world, _gateway) = await StartAsync(trustedProxies: null);
        _client = Client();
    }

    [Theory]
    [InlineData("GET", "/documents/2?page=1")]
    [InlineData("HEAD", "/")]
    [InlineData("GET", "/gateway/session")]
    public async Task A_plain_request_is_led_to_https(string method, string path)
    {
        using HttpResponseMessage answer = await AskAsync(new HttpMethod(method), path);

        Assert.Equal((308, _world.Origin + path), ((int)answer.StatusCode, answer.Headers.Location?.OriginalString));
        Assert.Equal("no-store", answer.Headers.CacheControl?.ToString());
    }

    [Theory]
    [InlineData("POST", "/api/token/", null)]
    [InlineData("DELETE", "/api/documents/1/", null)]
    [InlineData("GET", "/api/documents/", "Token 0123456789")]
    public async Task A_plain_request_that_may_carry_a_secret_is_refused_and_nothing_reaches_Paperless(string method, string path, string? credential)
    {
        using HttpResponseMessage answer = await AskAsync(new HttpMethod(method), path, ("Accept", "application/json"), ("Authorization", credential));
        JsonElement problem = await answer.Content.ReadFromJsonAsync<JsonElement>(World.Ct);

        Assert.Equal((HttpStatusCode.Forbidden, "https_required"), (answer.StatusCode, problem.GetProperty("code").GetString()));
        Assert.Contains(_world.Origin, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Null(answer.Headers.Location);
        Assert.DoesNotContain(_world.Forwarded, request => (request.Method, request.Path) == (method, path));
    }

    [Fact]
    public async Task An_ambiguous_path_is_refused_and_not_redirected()
    {
        using HttpResponseMessage answer = await AskAsync(HttpMethod.Get, "/a%2Fb");

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task Over_https_the_same_requests_are_served()
    {
        using HttpResponseMessage answer = await _client.GetAsync(_world.Origin + "/accounts/login/", World.Ct);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task Health_checks_stay_plain()
    {
        using HttpResponseMessage answer = await _client.GetAsync(new Uri(_gateway.Management, "/health/ready"), World.Ct);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_request_of_a_proxy_that_ended_TLS_is_served()
    {
        using HttpResponseMessage answer = await AskAsync(HttpMethod.Get, "/accounts/login/", ("X-Forwarded-Proto", "https"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_request_of_a_trusted_proxy_is_served()
    {
        await _gateway.DisposeAsync();
        await _world.DisposeAsync();
        (_world, _gateway) = await StartAsync("127.0.0.1");

        using HttpResponseMessage answer = await AskAsync(HttpMethod.Get, "/accounts/login/");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _gateway.DisposeAsync();
        await _world.DisposeAsync();
    }

    private static HttpClient Client()
    {
        using X509Certificate2 certificate = ReverseProxy.Certificate();
        string expected = certificate.GetCertHashString();
        return new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, given, _, _) => given?.GetCertHashString() == expected },
        });
    }

    private async Task<(World World, GatewayProcess Gateway)> StartAsync(string? trustedProxies)
    {
        World world = await World.StartAsync(options =>
        {
            options.Https = true;
            options.StartGateway = false;
            options.Settings["GATEWAY_TRUSTED_PROXIES"] = trustedProxies;
            options.Settings["Kestrel__Certificates__Default__Path"] = PrivateAuthority.CertificateFile;
            options.Settings["Kestrel__Certificates__Default__KeyPath"] = PrivateAuthority.KeyFile;
        });
        Uri management = new($"http://127.0.0.1:{World.FreePort()}");
        NeedsAttribute.Check(RealPart.Process);
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "Gateway")) { WorkingDirectory = Path.GetTempPath() };
        foreach ((string name, string? value) in GatewayProcess.Settings(world, management))
        {
            start.Environment[name] = value;
        }

        start.Environment["ASPNETCORE_URLS"] = $"{world.Origin};http://127.0.0.1:{_plainPort}";
        return (world, await GatewayProcess.StartAsync(start, management, RealPart.Process));
    }

    /// <summary>At the plain port, with the host of the public address.</summary>
    private async Task<HttpResponseMessage> AskAsync(HttpMethod method, string path, params (string Name, string? Value)[] headers)
    {
        using HttpRequestMessage request = new(method, new Uri($"http://127.0.0.1:{_plainPort}{path}"));
        request.Headers.Host = $"localhost:{_world.Port}";
        foreach ((string name, string? value) in headers)
        {
            if (value is not null)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return await _client.SendAsync(request, World.Ct);
    }
}
