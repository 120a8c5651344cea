namespace Gateway.Settings;

/// <summary>Creates the handlers of all requests that the gateway itself makes: to providers, and to Paperless besides forwarding.</summary>
internal class Outbound
{
    /// <summary>No redirects and no cookies; the proxy is the environment's. Connections are renewed so that DNS changes take effect.</summary>
    public virtual SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        MaxResponseHeadersLength = 32,
        SslOptions = { RemoteCertificateValidationCallback = ServerCertificate.Validate },
    };
}
