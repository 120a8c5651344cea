using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Gateway.Settings;
using Gateway.StandIns.Provider;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Providers;

/// <summary>
/// A world whose provider behaves like Microsoft Entra with a person in too many groups: it leaves the groups out, and its userinfo is at
/// Microsoft Graph. A site with TLS stands in for Microsoft Graph and passes everything on to the development provider.
/// </summary>
internal sealed class EntraWorld : IAsyncDisposable
{
    public const string GraphHost = "graph.microsoft.com";

    private readonly X509Certificate2 _certificate;
    private readonly WebApplication _graph;
    private readonly HttpClient _provider = new();

    private EntraWorld(World world)
    {
        World = world;
        _certificate = TestCertificate.Create();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration()
            .ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listener => listener.UseHttps(_certificate)));
        _graph = builder.Build();
        _graph.Run(ForwardAsync);
    }

    public World World { get; }

    /// <summary>The requests that reached Microsoft Graph, except those for userinfo.</summary>
    public IReadOnlyList<ProviderRequest> Questions =>
        [.. World.Provider.Received.Where(request => request.Path.StartsWith("/v1.0/", StringComparison.Ordinal))];

    public static async Task<EntraWorld> StartAsync(
        string graphHost = GraphHost,
        string userInfoHost = GraphHost,
        string? claims = null,
        params (string Name, string Value)[] settings)
    {
        World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Provider = given => given with { OfflineAccess = true };
            options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true";
            foreach ((string name, string value) in settings)
            {
                options.Settings[name] = value;
            }
        });
        EntraWorld entra = new(world);
        await entra._graph.StartAsync(World.Ct);
        world.Options.Services = services => services.AddSingleton<Outbound>(new GraphIsHere(graphHost, userInfoHost, entra._certificate, entra._graph));
        world.Provider.TamperDiscovery = document =>
        {
            document["msgraph_host"] = graphHost;
            document["userinfo_endpoint"] = $"https://{userInfoHost}/oidc/userinfo";
            return document;
        };
        world.SaysInPlaceOfGroups(claims ?? """
            {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.windows.net/t/users/u/getMemberObjects"}}}
            """);
        world.StartGateway();
        return entra;
    }

    public async ValueTask DisposeAsync()
    {
        await World.DisposeAsync();
        await _graph.DisposeAsync();
        _provider.Dispose();
        _certificate.Dispose();
    }

    private async Task ForwardAsync(HttpContext http)
    {
        string path = http.Request.Path == "/oidc/userinfo" ? "/application/o/userinfo/" : http.Request.Path.Value!;
        using HttpRequestMessage request = new(new HttpMethod(http.Request.Method), new Uri(World.Provider.Address, path));
        request.Headers.TryAddWithoutValidation("Authorization", (string?)http.Request.Headers.Authorization);
        if (http.Request.ContentType is { } type)
        {
            request.Content = new StreamContent(http.Request.Body);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        using HttpResponseMessage answer = await _provider.SendAsync(request, http.RequestAborted);
        http.Response.StatusCode = (int)answer.StatusCode;
        http.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        await answer.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
    }

    /// <summary>Leads the two hosts to the stand-in; fails every other connection that leaves this machine.</summary>
    private sealed class GraphIsHere(string graphHost, string userInfoHost, X509Certificate2 certificate, WebApplication graph) : Outbound
    {
        public override SocketsHttpHandler CreateHandler()
        {
            SocketsHttpHandler handler = base.CreateHandler();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, given, _, _) => given?.GetCertHashString() == certificate.GetCertHashString();
            handler.ConnectCallback = async (context, cancel) =>
            {
                string host = context.DnsEndPoint.Host;
                bool isGraph = host == graphHost || host == userInfoHost;
                if (!isGraph && host is not ("127.0.0.1" or "localhost"))
                {
                    throw new InvalidOperationException($"A test must not ask {context.DnsEndPoint}.");
                }

                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync("127.0.0.1", isGraph ? new Uri(graph.Urls.Single()).Port : context.DnsEndPoint.Port, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            };
            return handler;
        }
    }
}
