using BenchmarkDotNet.Attributes;
using Gateway.Proxy;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Primitives;

namespace Gateway.Benchmarks;

/// <summary>What each request with a session costs before it is forwarded, part by part.</summary>
[MemoryDiagnoser]
public class Parts : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gateway-benchmark").FullName;
    private readonly AccessRule _rule = new(regularLoginDisabled: true, signupsAllowed: false);
    private Database _database = null!;
    private SessionKeeper _sessions = null!;
    private SessionCookie _sessionCookie = null!;
    private PaperlessCookies _cookies = null!;
    private RequestHygiene _hygiene = null!;
    private Session _session = null!;
    private StringValues _header;
    private int _turn;

    [GlobalSetup]
    public async Task SignInAsync()
    {
        ConfigurationManager configuration = new();
        configuration["PAPERLESS_URL"] = "https://docs.example.com";
        configuration["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true";
        configuration["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = """{"openid_connect": {"APPS": [{"provider_id": "a", "client_id": "b", "secret": "c", "settings": {"server_url": "https://d.example.com"}}]}}""";
        configuration["GATEWAY_PAPERLESS_TOKEN"] = "token";
        configuration["GATEWAY_DATA_DIR"] = _folder;
        GatewaySettings settings = new GatewaySettingsReader(configuration).Read().Settings;
        _database = new Database(settings);
        _database.Open();
        _sessions = new SessionKeeper(new SessionMemory(1000), new SqliteSessions(_database), new SessionInfoProtector(new EphemeralDataProtectionProvider()), settings, TimeProvider.System, NullLogger<SecurityLog>.Instance);
        _sessionCookie = new SessionCookie(settings);
        _cookies = new PaperlessCookies(settings, new SqliteSecrets(_database));
        _hygiene = new RequestHygiene(settings);
        Identity alice = new("a", "https://d.example.com/", "subject", 7, "alice", false, "Alice", "alice@example.com", ["one", "two"], "groups");
        (SessionSecret secret, _session) = (await _sessions.BeginAsync(new NewSession(alice, new ProviderTokens("token"), "subject", Sid: null, DateTimeOffset.UtcNow), default)).GetValueOrDefault();
        string bound = _cookies.ForBrowser("sessionid=3hh3jv3j6ykqnxbi2po6wh5bhgriqmdr; Path=/", _session);
        _header = $"{_sessionCookie.Name}={secret.ToCookieValue()}; csrftoken=sZcEGCdPOTvtAxt0k3v2V2VuVg595RL4; {bound[..bound.IndexOf(';', StringComparison.Ordinal)]}";
    }

    [Benchmark(Description = "session: cookie scan, SHA-256, look-up")]
    public bool FindSession() => _sessionCookie.TryRead(_header, out SessionSecret secret) && _sessions.TryFind(secret.Key(), out _);

    [Benchmark(Description = "path guard, plain path")]
    public string? GuardPath() => PathGuard.Fault("/api/documents/?page=1&page_size=50&ordering=-created");

    [Benchmark(Description = "path guard, with escapes")]
    public string? GuardEscapedPath() => PathGuard.Fault("/api/documents/M%C3%BCller%20Rechnung/download/");

    [Benchmark(Description = "access rule")]
    public bool Decide() => _rule.Decide("GET", "/api/documents/", hasSession: true, Credential.None) == Access.WithIdentity;

    [Benchmark(Description = "header hygiene, 12 headers")]
    public int Hygiene()
    {
        int dropped = 0;
        foreach (string name in HeaderNames)
        {
            dropped += _hygiene.IsDropped(name) ? 1 : 0;
        }

        return dropped;
    }

    [Benchmark(Description = "cookies: the same header again")]
    public string? RememberedCookies() => _cookies.ForPaperless(_header, _session);

    [Benchmark(Description = "cookies: another header, tag checked")]
    public string? NewCookies() => _cookies.ForPaperless($"{_header}; turn={_turn++}", _session);

    [GlobalCleanup]
    public void Dispose()
    {
        _database?.Dispose();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private static readonly string[] HeaderNames =
    [
        "Host", "Accept", "Accept-Encoding", "Accept-Language", "Cookie", "User-Agent", "Referer", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site", "Connection", "X-CSRFToken",
    ];
}
