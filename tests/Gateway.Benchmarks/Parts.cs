using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Gateway.Access;
using Gateway.Forwarding;
using Gateway.Groups;
using Gateway.Paperless;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.Benchmarks;

/// <summary>What each request with a session costs before it is forwarded, part by part; and the groups of a sign-in.</summary>
[MemoryDiagnoser]
public class Parts : IDisposable
{
    private static readonly GroupMap Map = new(new Dictionary<string, string?>
    {
        ["paperless-users"] = "Everybody",
        ["paperless-admins"] = "Administrators",
        ["team-*"] = "Team *",
        ["*-archive"] = null,
        ["*"] = "*",
    });

    private readonly AccessTable _rule = new(regularLoginDisabled: true, signupsAllowed: false);
    private readonly JsonDocument _claims = JsonDocument.Parse("""
        {
          "sub": "7",
          "groups": ["paperless-users", "team-tax", "team-house", "old-archive", "family", "accounting", "insurance", "school", "health", "car"]
        }
        """);
    private GatewayInside _gateway = null!;
    private SessionRegistry _sessions = null!;
    private SessionCookie _sessionCookie = null!;
    private PaperlessCookies _cookies = null!;
    private RequestHeaderFilter _headerFilter = null!;
    private Session _session = null!;
    private StringValues _header;
    private int _turn;

    [GlobalSetup]
    public async Task SignInAsync()
    {
        _gateway = await GatewayInside.OpenAsync();
        _sessions = _gateway.Get<SessionRegistry>();
        _sessionCookie = _gateway.Get<SessionCookie>();
        _cookies = _gateway.Get<PaperlessCookies>();
        _headerFilter = _gateway.Get<RequestHeaderFilter>();
        _session = _gateway.Session;
        _header = _gateway.Cookie;
    }

    [Benchmark(Description = "session: cookie scan, SHA-256, look-up")]
    public bool FindSession() => _sessionCookie.TryRead(_header, out SessionSecret secret) && _sessions.TryFind(secret.Key(), out _);

    [Benchmark(Description = "path guard, plain path")]
    public string? GuardPath() => PathGuard.FindError("/api/documents/?page=1&page_size=50&ordering=-created")?.English;

    [Benchmark(Description = "path guard, with escapes")]
    public string? GuardEscapedPath() => PathGuard.FindError("/api/documents/M%C3%BCller%20Rechnung/download/")?.English;

    [Benchmark(Description = "access rule")]
    public bool Decide() => _rule.Decide("GET", "/api/documents/", hasSession: true, AuthorizationScheme.None) == AccessDecision.WithIdentity;

    [Benchmark(Description = "header filter, the 14 names of a browser")]
    public int Hygiene()
    {
        int dropped = 0;
        foreach (string name in HeaderNames)
        {
            dropped += _headerFilter.IsDropped(name) ? 1 : 0;
        }

        return dropped;
    }

    [Benchmark(Description = "cookies, the same header as before")]
    public string? RememberedCookies() => _cookies.ForPaperless(_header, _session);

    [Benchmark(Description = "cookies, another header: split, tag checked")]
    public string? NewCookies() => _cookies.ForPaperless($"{_header}; turn={_turn++}", _session);

    [Benchmark(Description = "at a sign-in: 10 groups through a map with wildcards")]
    public int MapGroups() => GroupClaims.Read(_claims.RootElement, "groups", Map).Mapped!.Value.Length;

    [GlobalCleanup]
    public void Dispose()
    {
        _gateway?.Dispose();
        _claims.Dispose();
        GC.SuppressFinalize(this);
    }

    private static readonly string[] HeaderNames = ["Host", .. Wrk.BrowserHeaders
        .Select(header => header[..header.IndexOf(':', StringComparison.Ordinal)]), "Cookie"];
}
