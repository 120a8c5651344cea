using System.Net;
using System.Net.Quic;
using System.Security.Cryptography.X509Certificates;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Forwarding;

/// <summary>HTTP/2 to the browser, and HTTP/3 where the machine supports it.</summary>
[Needs(RealPart.Process)]
public sealed class ProtocolTests
{
    [Fact]
    public async Task Over_HTTPS_one_connection_serves_many_requests_concurrently()
    {
        await using World world = await World.StartAsync(options => options.Https = true);
        using Visitor alice = world.NewVisitor(HttpVersion.Version20);
        await alice.SignInAsync("alice");
        using Fault hold = world.Paperless.Faults.Hold(request => request.RawPath.StartsWith("/api/documents/", StringComparison.Ordinal));

        Task<Page>[] slow = [.. Enumerable.Range(1, 20).Select(_ => alice.FetchAsync("/api/documents/1/"))];
        await hold.ArrivedAsync(World.Ct);
        Page file = await alice.FetchAsync("/static/base.css");
        Assert.DoesNotContain(slow, one => one.IsCompleted);
        hold.Release();
        Page[] pages = await Task.WhenAll(slow);

        Assert.All((Page[])[file, .. pages], page => Assert.Equal((HttpVersion.Version20, HttpStatusCode.OK), (page.Response.Version, page.Status)));
        Assert.All(world.Forwarded.Where(request => request.RawPath == "/api/documents/1/"), request => Assert.Equal("alice", request.SignedInAs));
    }

    [Fact]
    public async Task Over_TLS_HTTP2_is_offered_always_and_HTTP3_where_the_machine_supports_it()
    {
        await using Secure secure = await Secure.StartAsync();

        using HttpResponseMessage answer = await secure.AskAsync(HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);

        Assert.Equal((HttpVersion.Version20, HttpStatusCode.OK), (answer.Version, answer.StatusCode));
        Assert.Equal(HasQuic, answer.Headers.Contains("Alt-Svc"));

        // The checks after the start say that the certificate is not trusted, which is so.
        Assert.DoesNotContain(
            secure.Gateway.Output.Split('\n').Where(line => !line.Contains(nameof(Gateway.Checks.StartupChecks), StringComparison.Ordinal)),
            line => line.Contains("\"@l\":", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Http1", 1)]
    [InlineData("Http1AndHttp2", 2)]
    public async Task The_operator_can_offer_fewer_HTTP_versions(string protocols, int version)
    {
        await using Secure secure = await Secure.StartAsync(protocols);

        using HttpResponseMessage answer = await secure.AskAsync(HttpVersion.Version20, HttpVersionPolicy.RequestVersionOrLower);

        Assert.Equal((version, HttpStatusCode.OK), (answer.Version.Major, answer.StatusCode));
        Assert.False(answer.Headers.Contains("Alt-Svc"));
    }

    [Fact]
    public async Task Without_a_certificate_HTTP2_and_HTTP3_are_not_offered_and_nothing_is_warned_of()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using GatewayProcess gateway = await GatewayProcess.StartAsync(world);
        using Visitor visitor = world.NewVisitor();

        Page page = await visitor.FetchAsync("/static/base.css");

        Assert.Equal((HttpVersion.Version11, HttpStatusCode.OK, null), (page.Response.Version, page.Status, page.Header("Alt-Svc")));
        Assert.DoesNotMatch("\"@l\":\"(Warning|Error|Fatal)\"", gateway.Output);
    }

    [Fact]
    public async Task A_file_over_HTTP3_is_the_same_as_over_HTTP2()
    {
        Assert.SkipUnless(HasQuic, "This machine has no QUIC (libmsquic).");
        await using Secure secure = await Secure.StartAsync();

        using HttpResponseMessage answer = await secure.AskAsync(HttpVersion.Version30, HttpVersionPolicy.RequestVersionExact);

        Assert.Equal((HttpVersion.Version30, HttpStatusCode.OK), (answer.Version, answer.StatusCode));
    }

    private static bool HasQuic => (OperatingSystem.IsLinux() || OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()) && QuicConnection.IsSupported;

    /// <summary>The program with a certificate, as an operator gives it one.</summary>
    private sealed class Secure(World world, GatewayProcess gateway, X509Certificate2 certificate, HttpClient client) : IAsyncDisposable
    {
        public GatewayProcess Gateway => gateway;

        public static async Task<Secure> StartAsync(string? protocols = null)
        {
            X509Certificate2 certificate = TestCertificate.Create();
            World world = await World.StartAsync(options =>
            {
                options.Https = true;
                options.StartGateway = false;
            });
            PrivateDirectory.Create(world.DataDirectory);
            string file = Path.Combine(world.DataDirectory, "tls.pfx");
            await File.WriteAllBytesAsync(file, certificate.Export(X509ContentType.Pkcs12), World.Ct);
            world.Options.Settings["Kestrel__Certificates__Default__Path"] = file;
            world.Options.Settings["Kestrel__EndpointDefaults__Protocols"] = protocols;
            GatewayProcess gateway = await GatewayProcess.StartAsync(world);
            HttpClient client = new(new SocketsHttpHandler
            {
                SslOptions = { RemoteCertificateValidationCallback = (_, given, _, _) => given?.GetCertHashString() == certificate.GetCertHashString() },
            });
            return new Secure(world, gateway, certificate, client);
        }

        public async Task<HttpResponseMessage> AskAsync(Version version, HttpVersionPolicy policy)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, world.Origin + "/static/base.css") { Version = version, VersionPolicy = policy };
            return await client.SendAsync(request, World.Ct);
        }

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            await gateway.DisposeAsync();
            await world.DisposeAsync();
            certificate.Dispose();
        }
    }
}
