namespace Gateway.Settings;

/// <summary>The one place that opens connections of the gateway's own (to providers, and to Paperless beside the forwarding).</summary>
internal class Outbound
{
    /// <summary>No redirects, no cookies, no proxy but the environment's; connections are renewed so that DNS changes are seen.</summary>
    public virtual SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        MaxResponseHeadersLength = 32,
    };
}
