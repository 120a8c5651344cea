using Gateway.Settings;
using Yarp.ReverseProxy.Configuration;

namespace Gateway.Paperless;

/// <summary>Paperless's replicas, and the one client for everything that the gateway itself asks of them.</summary>
internal static class PaperlessFeature
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Shorter than every question's own timeout, so that there is time left for another replica.</summary>
    private static readonly TimeSpan ConnectTimeoutOfSeveral = TimeSpan.FromSeconds(2);

    public static void AddPaperless(this WebApplicationBuilder builder, GatewaySettings settings)
    {
        builder.Services.AddReverseProxy()
            .LoadFromMemory(Array.Empty<RouteConfig>(), [Upstreams.Configuration(settings)])
            .ConfigureHttpClient((_, handler) =>
            {
                handler.ConnectTimeout = settings.Upstreams.Length > 1 ? ConnectTimeoutOfSeveral : ConnectTimeout;
                handler.PooledConnectionLifetime = TimeSpan.FromMinutes(10);
            });
        builder.Services.AddSingleton<Upstreams>();
        builder.Services.AddSingleton<UpstreamClient>();
        builder.Services.AddSingleton(PaperlessApiTimes.Default);
        builder.Services.AddSingleton<PaperlessTransport>();
        builder.Services.AddSingleton<ApiToken>();
        builder.Services.AddSingleton<PaperlessApi>();
        builder.Services.AddSingleton<PaperlessCookies>();
        builder.Services.AddSingleton<PaperlessSession>();
        builder.Services.AddHostedService<OrphanedPaperlessSessions>();
    }
}
