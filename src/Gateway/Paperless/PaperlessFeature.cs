using Gateway.Settings;
using Yarp.ReverseProxy.Configuration;

namespace Gateway.Paperless;

/// <summary>Paperless's replicas, and the clients for the gateway's requests to them.</summary>
internal static class PaperlessFeature
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Shorter than the timeout of every request, so that time remains for another replica.</summary>
    private static readonly TimeSpan ConnectTimeoutWithReplicas = TimeSpan.FromSeconds(2);

    public static void AddPaperless(this WebApplicationBuilder builder, GatewaySettings settings)
    {
        builder.Services.AddReverseProxy()
            .LoadFromMemory(Array.Empty<RouteConfig>(), [Upstreams.Configuration(settings)])
            .ConfigureHttpClient((_, handler) =>
            {
                handler.ConnectTimeout = settings.Upstreams.Length > 1 ? ConnectTimeoutWithReplicas : ConnectTimeout;
                handler.PooledConnectionLifetime = TimeSpan.FromMinutes(10);
            });
        builder.Services.AddSingleton<AppBranding>();
        builder.Services.AddSingleton<Upstreams>();
        builder.Services.AddSingleton<PaperlessChanges>();
        builder.Services.AddSingleton<UpstreamClient>();
        builder.Services.AddSingleton(PaperlessApiTimes.Default);
        builder.Services.AddSingleton<PaperlessTransport>();
        builder.Services.AddSingleton<ApiToken>();
        builder.Services.AddSingleton<PaperlessApi>();
        builder.Services.AddSingleton<PaperlessCookies>();
        builder.Services.AddSingleton<PaperlessSessionLogout>();
        builder.Services.AddSingleton<RemoteUserStatus>();
        builder.Services.AddSingleton<UserSessions>();
        builder.Services.AddSingleton<UserApiTokens>();
        builder.Services.AddHostedService<OrphanedPaperlessSessions>();
    }
}
