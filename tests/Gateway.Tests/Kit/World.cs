using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.StaticCache;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Kit;

/// <summary>The gateway under test, a development provider and a stand-in Paperless, each on its own port.</summary>
internal sealed class World : IAsyncDisposable
{
    /// <summary>Starts at a random port: several test runs may share this machine.</summary>
    private static int _lastPort = Random.Shared.Next(20_000);

    private readonly string _data = Path.Combine(Path.GetTempPath(), "gateway-tests-" + Guid.NewGuid().ToString("N"));
    private readonly X509Certificate2? _certificate;

    private World(WorldOptions options, DevelopmentProvider provider, StandInPaperless paperless, int port, X509Certificate2? certificate)
    {
        Options = options;
        Provider = provider;
        Paperless = paperless;
        Port = port;
        _certificate = certificate;
    }

    public WorldOptions Options { get; }

    public FakeTimeProvider Clock => Options.Clock;

    public DevelopmentProvider Provider { get; }

    public StandInPaperless Paperless { get; }

    /// <summary>The superuser whose token the gateway has.</summary>
    public const string GatewayUser = "gateway";

    /// <summary>The forwarded requests; the gateway's own requests are <see cref="ApiRequests"/> and <see cref="OwnerLookups"/>.</summary>
    public IReadOnlyList<ReceivedRequest> Forwarded => [.. Paperless.Received.Where(request => !IsApiRequest(request) && !IsOwnerLookup(request))];

    /// <summary>The gateway's own requests to the API of Paperless, with its token.</summary>
    public IReadOnlyList<ReceivedRequest> ApiRequests => [.. Paperless.Received.Where(IsApiRequest)];

    /// <summary>The gateway's requests for the owner of a password session.</summary>
    public IReadOnlyList<ReceivedRequest> OwnerLookups => [.. Paperless.Received.Where(IsOwnerLookup)];

    public int Port { get; }

    /// <summary>The public origin without a trailing slash. The provider has another host name.</summary>
    public string Origin => OriginOf(Options, Port);

    public CapturedLog Log { get; } = new();

    public GatewayUnderTest Gateway { get; private set; } = null!;

    public string DataDirectory => _data;

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<World> StartAsync(Action<WorldOptions>? configure = null)
    {
        WorldOptions options = new();
        configure?.Invoke(options);
        int port = FreePort();
        string origin = OriginOf(options, port);
        DevelopmentProvider provider = await DevelopmentProvider.StartAsync(
            options.Provider(new DevelopmentProviderOptions
            {
                TimeProvider = options.Clock,
                RedirectUris = [$"{origin}{options.ScriptName}/accounts/oidc/authentik/login/callback/"],
                PostLogoutRedirectUris = [$"{origin}{options.ScriptName}/accounts/login/?loggedout=1"],
            }),
            Ct);
        StandInPaperless paperless = await StandInPaperless.StartAsync(
            options.Paperless(new StandInPaperlessOptions { Time = options.Clock, PublicUrl = origin, WithPeople = true, ScriptName = options.ScriptName }),
            Ct);
        if (paperless.Data.FindUser("admin") is not null)
        {
            paperless.Data.AddUser(GatewayUser, user => user with { IsStaff = true, IsSuperuser = true });
        }

        World world = new(options, provider, paperless, port, CertificateOf(options));
        if (options.StartGateway)
        {
            world.StartGateway();
        }

        return world;
    }

    /// <summary>Starts the gateway on its port and data directory, which a restart uses again.</summary>
    public void StartGateway() => Gateway = GatewayUnderTest.Start(
        Settings(),
        Port,
        Clock,
        Log,
        _certificate,
        services =>
        {
            WithoutRefreshes(services);
            Options.Services?.Invoke(services);
        });

    public async Task RestartGatewayAsync()
    {
        await Gateway.DisposeAsync();
        StartGateway();
    }

    /// <summary>A new browser without cookies.</summary>
    public Visitor NewVisitor(Version? httpVersion = null, string? userAgent = null) => new(this, _certificate, httpVersion) { UserAgent = userAgent };

    /// <summary>Another gateway with the same settings and its own port and data directory.</summary>
    public async Task<Replica> StartReplicaAsync()
    {
        await Task.Yield();
        Replica replica = new(this, FreePort());
        replica.Start();
        return replica;
    }

    /// <summary>A new browser in which the person is signed in. Asked whether an account of the same name is theirs, the person says no.</summary>
    public async Task<Visitor> SignedInAsync(string person, string next = "/", string? userAgent = null)
    {
        Visitor visitor = NewVisitor(userAgent: userAgent);
        Page page = await visitor.DeclineAsync(await visitor.SignInAsync(person, next));
        Assert.True(page.Status == HttpStatusCode.OK, $"{person} was not signed in: {(int)page.Status} at {page.Address}\n{page.Text}");
        return visitor;
    }

    public async ValueTask DisposeAsync()
    {
        if (Gateway is not null)
        {
            await Gateway.DisposeAsync();
        }

        await Provider.DisposeAsync();
        await Paperless.DisposeAsync();
        _certificate?.Dispose();
        if (Directory.Exists(_data))
        {
            Directory.Delete(_data, recursive: true);
        }
    }

    /// <summary>The environment variables of the gateway.</summary>
    public Dictionary<string, string?> Settings()
    {
        Dictionary<string, string?> settings = new()
        {
            ["PAPERLESS_URL"] = Origin,
            ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
            ["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = $$$"""
                {"openid_connect": {"OAUTH_PKCE_ENABLED": true, "APPS": [{"provider_id": "authentik", "name": "authentik",
                "client_id": "{{{Provider.Options.ClientId}}}", "secret": "{{{Provider.Options.ClientSecret}}}",
                "settings": {"server_url": "{{{Provider.DiscoveryUrl}}}"}}]}}
                """,
            ["PAPERLESS_FORCE_SCRIPT_NAME"] = Options.ScriptName,
            ["GATEWAY_UPSTREAM_URL"] = string.Join(',', new[] { Paperless.Address.GetLeftPart(UriPartial.Authority), Options.SecondUpstream }.OfType<string>()),
            ["GATEWAY_PAPERLESS_TOKEN"] = Options.ApiToken ?? (Paperless.Data.FindUser(GatewayUser) is null ? "0" : Paperless.Data.TokenOf(GatewayUser)),
            ["PAPERLESS_SOCIAL_AUTO_SIGNUP"] = "true",
            ["GATEWAY_MANAGEMENT_URL"] = "http://127.0.0.1:0",
            ["GATEWAY_METRICS"] = "false",

            // Its requests would stand between those that a test counts.
            ["GATEWAY_READ_AHEAD"] = "false",
            ["GATEWAY_DATA_DIR"] = _data,
        };
        foreach ((string name, string? value) in Options.Settings)
        {
            settings[name] = value;
        }

        return settings;
    }

    /// <summary>Refreshes of static files would stand between the requests that a test counts.</summary>
    private static void WithoutRefreshes(IServiceCollection services) =>
        services.AddSingleton(StaticFileLimits.Default with { RefreshPeriod = Timeout.InfiniteTimeSpan });

    private static X509Certificate2? CertificateOf(WorldOptions options)
    {
        if (options.CertificateFile is { } file)
        {
            return X509CertificateLoader.LoadCertificateFromFile(file);
        }

        return options.Https ? TestCertificate.Create() : null;
    }

    private bool IsApiRequest(ReceivedRequest request) =>
        Paperless.Data.FindUser(GatewayUser)?.Token is { } token && request.Header("Authorization") == $"Token {token}";

    /// <summary>Forwarded requests always have X-Forwarded-For.</summary>
    private static bool IsOwnerLookup(ReceivedRequest request) =>
        request.Path.EndsWith("/api/ui_settings/", StringComparison.Ordinal) && request.Header("X-Forwarded-For") is null
            && request.Header("Authorization") is null;

    private static string OriginOf(WorldOptions options, int port) => options.PublicUrl ?? $"{(options.Https ? "https" : "http")}://localhost:{port}";

    /// <summary>Below the ports that outgoing connections get, so that none of them takes it while the gateway is being restarted.</summary>
    public static int FreePort()
    {
        for (int tries = 1; ; tries++)
        {
            int port = 11_000 + ((Interlocked.Increment(ref _lastPort) & 0x7FFF_FFFF) % 20_000);
            try
            {
                using TcpListener listener = new(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException) when (tries < 1000)
            {
                // The port is in use.
            }
        }
    }
}

/// <summary>What a test changes in the world.</summary>
internal sealed class WorldOptions
{
    /// <summary>Starts at the real time, which cookies and certificates depend on.</summary>
    public FakeTimeProvider Clock { get; } = new(DateTimeOffset.UtcNow);

    public bool Https { get; set; }

    /// <summary>The certificate of `Kestrel:Certificates:Default`, which the gateway serves; null: one of its own endpoint.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>The address of a proxy in front; null: that of the gateway itself.</summary>
    public string? PublicUrl { get; set; }

    public bool StartGateway { get; set; } = true;

    public string ScriptName { get; set; } = "";

    /// <summary>Another replica beside the stand-in Paperless.</summary>
    public string? SecondUpstream { get; set; }

    /// <summary>Variables that replace the usual ones; null removes a variable.</summary>
    public Dictionary<string, string?> Settings { get; } = [];

    /// <summary>The gateway's API token; null: the token of <see cref="World.GatewayUser"/>.</summary>
    public string? ApiToken { get; set; }

    public Func<DevelopmentProviderOptions, DevelopmentProviderOptions> Provider { get; set; } = options => options;

    public Func<StandInPaperlessOptions, StandInPaperlessOptions> Paperless { get; set; } = options => options;

    public Action<IServiceCollection>? Services { get; set; }
}
