using Microsoft.AspNetCore.Authentication;

namespace Gateway.Sessions;

/// <summary>Sessions on the gateway's own side: an opaque id in the browser, a record in the store, a copy in memory.</summary>
internal static class SessionsFeature
{
    /// <summary>How many sessions memory holds; the rest is read from the store when it is used.</summary>
    public const int MemoryCapacity = 50_000;

    public static readonly TimeSpan TidyInterval = TimeSpan.FromSeconds(30);

    /// <summary>How often revocations that the store did not take are sent again.</summary>
    public static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(3);

    public static void AddSessions(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(new SessionMemory(MemoryCapacity));
        builder.Services.AddSingleton<SessionInfoProtector>();
        builder.Services.AddSingleton<PendingRevocations>();
        builder.Services.AddSingleton<Revocations>();
        builder.Services.AddSingleton<SessionRegistry>();
        builder.Services.AddSingleton<SessionList>();
        builder.Services.AddSingleton<SessionCookie>();
        builder.Services.AddSingleton<SessionMaintenance>();
        builder.Services.AddHostedService(services => services.GetRequiredService<SessionMaintenance>());
        builder.Services.AddAuthentication(SessionScheme.Name)
            .AddScheme<AuthenticationSchemeOptions, SessionScheme>(SessionScheme.Name, configureOptions: null);
    }

    public static void UseSessions(this WebApplication app) => app.UseMiddleware<SessionMiddleware>();
}
