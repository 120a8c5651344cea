using Gateway.Metrics;

namespace Gateway.Recheck;

/// <summary>While a session is in use, provider and Paperless are asked again: by refresh token, at userinfo, or by a silent authentication.</summary>
internal static class RecheckFeature
{
    public static void AddRecheck(this WebApplicationBuilder builder)
    {
        builder.Services.AddCounters<RecheckMetrics>();
        builder.Services.AddSingleton<SilentAuthentication>();
        builder.Services.AddSingleton<RecheckQuestion>();
        builder.Services.AddSingleton<RecheckConclusion>();
        builder.Services.AddSingleton<RecheckAttempt>();
        builder.Services.AddSingleton<SessionRecheck>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SessionRecheck>());
    }
}
