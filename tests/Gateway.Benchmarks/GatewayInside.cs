using Gateway.Benchmarks.Servers;
using Gateway.Paperless;
using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Benchmarks;

/// <summary>The gateway's own parts, put together as its program does, with one session in memory; nothing of it serves.</summary>
internal sealed class GatewayInside : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gateway-benchmark").FullName;
    private readonly WebApplication _app;

    private GatewayInside()
    {
        _app = Program.Create(
        [
            "--PAPERLESS_URL=https://docs.example.com",
            "--PAPERLESS_ENABLE_HTTP_REMOTE_USER=true",
            "--PAPERLESS_SOCIALACCOUNT_PROVIDERS=" + """
                {"openid_connect": {"APPS": [{
                    "provider_id": "authentik", "client_id": "paperless", "secret": "secret", "settings": {"server_url": "https://id.example.com"}
                }]}}
                """,
            "--GATEWAY_PAPERLESS_TOKEN=token",
            "--GATEWAY_UPSTREAM_URL=http://paperless:8000",
            "--GATEWAY_DATA_DIR=" + _folder,
            "--Serilog:MinimumLevel:Override:Gateway=Error",
        ]);
    }

    public Session Session { get; private set; } = null!;

    /// <summary>The browser's `Cookie` header: the session's, and Paperless's two.</summary>
    public string Cookie { get; private set; } = "";

    public IServiceProvider Services => _app.Services;

    public static async Task<GatewayInside> OpenAsync()
    {
        GatewayInside gateway = new();
        await gateway._app.OpenStorageAsync();
        (SessionSecret secret, gateway.Session) = (await gateway.Get<SessionRegistry>().BeginAsync(StoredSessions.SignIn(7), default))!.Value;
        string bound = gateway.Get<PaperlessCookies>().ForBrowser("sessionid=3hh3jv3j6ykqnxbi2po6wh5bhgriqmdr; Path=/", gateway.Session);
        gateway.Cookie = $"{gateway.Get<SessionCookie>().Name}={secret.ToCookieValue()}; {Provider.PaperlessCookie}; "
            + $"{bound[..bound.IndexOf(';', StringComparison.Ordinal)]}";
        return gateway;
    }

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    public void Dispose()
    {
        ((IDisposable)_app).Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
