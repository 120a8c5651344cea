using Gateway.Metrics;

namespace Gateway.StaticCache;

/// <summary>Serves Paperless's static files from memory, compressed once. `GATEWAY_STATIC_CACHE=false` switches the cache off.</summary>
internal static class StaticCacheFeature
{
    public static void AddStaticCache(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(StaticFileLimits.Default);
        builder.Services.AddCounters<StaticCacheMetrics>();
        builder.Services.AddSingleton<StaticFileStore>();
        builder.Services.AddSingleton<StaticFileCompression>();
        builder.Services.AddHostedService(services => services.GetRequiredService<StaticFileCompression>());
        builder.Services.AddSingleton<StaticFileSource>();
        builder.Services.AddSingleton<StaticFileFetch>();
        builder.Services.AddHostedService<StaticFileRefresh>();
        builder.Services.AddSingleton<PaperlessVersion>();
        builder.Services.AddSingleton<StaticFileResponder>();
    }
}
