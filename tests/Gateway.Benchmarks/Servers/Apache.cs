using Gateway.StandIns.Provider;

namespace Gateway.Benchmarks.Servers;

/// <summary>Debian's Apache with mod_auth_openidc: sessions in shared memory, event MPM, connections to the upstream kept alive.</summary>
internal static class Apache
{
    private const string CallbackPath = "/oidc/callback";

    private static readonly string[] Modules =
    [
        "mpm_event", "authn_core", "authz_core", "authz_user", "auth_openidc", "proxy", "proxy_http", "headers",
    ];

    public static Child Start(Workbench bench, int port, Uri upstream, DevelopmentProvider provider)
    {
        string origin = $"http://localhost:{port}";
        provider.Options = provider.Options with { RedirectUris = [.. provider.Options.RedirectUris, origin + CallbackPath] };
        string folder = Path.Combine(bench.Folder, "apache");
        Directory.CreateDirectory(folder);
        string configuration = bench.File("apache.conf", $"""
            ServerRoot {folder}
            ServerName localhost:{port}
            DefaultRuntimeDir {folder}
            PidFile {folder}/apache.pid
            Listen 127.0.0.1:{port}
            ListenBacklog 4096
            {string.Concat(Modules.Select(module => $"LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so\n"))}
            {(Environment.IsPrivilegedProcess ? "User www-data\nGroup www-data" : "")}
            ErrorLog {folder}/error.log
            LogLevel error

            ServerLimit 4
            StartServers 2
            ThreadsPerChild 64
            ThreadLimit 64
            MinSpareThreads 64
            MaxSpareThreads 256
            MaxRequestWorkers 256
            KeepAlive On
            KeepAliveTimeout 60
            MaxKeepAliveRequests 0

            OIDCProviderMetadataURL {provider.DiscoveryUrl}
            OIDCClientID {provider.Options.ClientId}
            OIDCClientSecret {provider.Options.ClientSecret}
            OIDCRedirectURI {origin}{CallbackPath}
            OIDCCryptoPassphrase {Guid.NewGuid():N}
            OIDCScope "openid email profile"
            OIDCPKCEMethod S256
            OIDCRemoteUserClaim preferred_username
            OIDCSessionType server-cache
            OIDCCacheType shm
            OIDCCacheShmEntrySizeMax 65536
            OIDCSessionInactivityTimeout 86400
            OIDCSessionMaxDuration 86400
            OIDCPassClaimsAs none
            OIDCAuthNHeader Remote-User

            <Location />
              AuthType openid-connect
              Require valid-user
            </Location>
            ProxyPreserveHost On
            ProxyPass {CallbackPath} !
            ProxyPass / {upstream} keepalive=On
            """);
        return bench.Start(DebianProgram.Apache.Path, ["-D", "FOREGROUND", "-f", configuration]);
    }
}
