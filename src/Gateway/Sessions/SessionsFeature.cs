using Gateway.Background;
using Gateway.Storage;
using Microsoft.AspNetCore.Authentication;

namespace Gateway.Sessions;

/// <summary>Sessions on the gateway's own side: an opaque id in the browser, a record in the store, a copy in memory.</summary>
internal static class SessionsFeature
{
    /// <summary>How many sessions memory holds; the rest is read from the store when it is used.</summary>
    public const int MemoryCapacity = 50_000;

    public static readonly TimeSpan TidyEvery = TimeSpan.FromSeconds(30);

    /// <summary>How soon the store is told again of an end that it did not take.</summary>
    public static readonly TimeSpan HandOnEvery = TimeSpan.FromSeconds(3);

    public static void AddSessions(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(new SessionMemory(MemoryCapacity));
        builder.Services.AddSingleton<SessionInfoProtector>();
        builder.Services.AddSingleton<SessionKeeper>();
        builder.Services.AddSingleton<SessionList>();
        builder.Services.AddSingleton<SessionCookie>();
        builder.Services.AddHostedService<SessionTidying>();
        builder.Services.AddAuthentication(SessionScheme.Name)
            .AddScheme<AuthenticationSchemeOptions, SessionScheme>(SessionScheme.Name, configureOptions: null);
    }

    public static void UseSessions(this WebApplication app) => app.UseMiddleware<SessionMiddleware>();
}

/// <summary>Tidies the sessions every half minute, and notes the last uses when the gateway stops.</summary>
internal sealed partial class SessionTidying(SessionKeeper sessions, TimeProvider time, ILogger<SessionTidying> logger) : BackgroundService
{
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);

        // Without the token: requests may have used up all the time that it allows, and the last tidying takes none.
        await (ExecuteTask ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        sessions.Listen();
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.WhenAll(
            Loop("Telling the store of ended sessions").RunPeriodicallyAsync(SessionsFeature.HandOnEvery, sessions.HandOnAsync, stoppingToken),
            Loop("Tidying the sessions").RunPeriodicallyAsync(SessionsFeature.TidyEvery, TidyAsync, stoppingToken));

        // Here and not in StopAsync: who stops a host twice must not have the store asked after its end.
        await Loop("The last tidying").RunOnceAsync(LastAsync, CancellationToken.None);
    }

    private BackgroundLoop Loop(string work) => new(work, time, logger);

    private async Task TidyAsync(CancellationToken stoppingToken)
    {
        try
        {
            await sessions.TidyAsync(stoppingToken);
        }
        catch (StoreUnavailableException away)
        {
            NotTidied(away.Message);
        }
    }

    private async Task LastAsync(CancellationToken cancellationToken)
    {
        try
        {
            await sessions.HandOnAsync(cancellationToken);
            await sessions.NoteUsesAsync(TimeSpan.Zero, cancellationToken);
        }
        catch (StoreUnavailableException away)
        {
            NotTidied(away.Message);
        }
    }

    [LoggerMessage(EventId = 1110, EventName = "StoreAwayForTidying", Level = LogLevel.Warning, Message = "The store does not answer ({Reason}): who is known goes on for some minutes, nobody else comes in; the next look is in half a minute")]
    private partial void NotTidied(string reason);
}
