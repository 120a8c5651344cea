using Gateway.Metrics;
using Gateway.Settings;
using Microsoft.AspNetCore.Authentication;

namespace Gateway.Sessions;

/// <summary>The gateway's sessions: a secret in the browser's cookie, an encrypted record in the store, a copy in memory.</summary>
/// <remarks>
/// <para>Values:</para>
/// <list type="bullet">
/// <item>`SessionSecret`: the random value of the cookie. Only the browser keeps it.</item>
/// <item>`SessionKey`: the SHA-256 of the secret. It identifies the session in memory, in the store and in logs.</item>
/// <item>`SessionIndex`: the hash of a person or of a `sid`. The store finds all sessions of a logout by it.</item>
/// <item>`Identity` and `ProviderTokens`: the person, and the tokens of the provider.</item>
/// </list>
/// <para>A session on its way through the gateway:</para>
/// <list type="bullet">
/// <item>`NewSession`: a finished sign-in without secret and times. `SignedInPrincipal` carries it through ASP.NET Core's `SignInAsync`.</item>
/// <item>`SessionRecord`: identity, tokens and times, encrypted with a key derived from the secret.</item>
/// <item>`SessionInfo`: what lists of sessions show, encrypted with the gateway's own keys, because a list has no secrets.</item>
/// <item>`StoredSession` (folder Storage): the row in the store, with the encrypted record and info.</item>
/// <item>`Session`: a valid session in memory, without tokens. Requests use it as `HttpContext.Session()`.</item>
/// <item>`ListedSession`: a row and its decrypted info, for pages and commands.</item>
/// </list>
/// <para>Classes that work with them:</para>
/// <list type="bullet">
/// <item>`SessionMiddleware`, `SessionScheme`, `SessionCookie`: connect sessions to HTTP.</item>
/// <item>`DevicePasswordMiddleware`, `DeviceCredential`: connect device passwords, which are sessions of apps, to HTTP.</item>
/// <item>`SessionRegistry` begins, finds and renews sessions; `SessionMemory` keeps them; `SessionFreshness` decides when the store is asked.</item>
/// <item>`Revocations` end sessions; `PendingRevocations` retries what the store did not accept.</item>
/// <item>`SessionMaintenance` does the background work; `SessionList` lists sessions; `SessionMetrics` counts them.</item>
/// </list>
/// <para>
/// None of these types can be dropped: `SessionRecord` and `SessionInfo` are encrypted with different keys, `StoredSession` holds only ciphertext,
/// `Session` must not hold tokens, and `NewSession` exists before there is a secret.
/// </para>
/// </remarks>
internal static class SessionsFeature
{
    /// <summary>The number of sessions in memory. Any other session is read from the store when it is used.</summary>
    public const int MemoryCapacity = 50_000;

    public static readonly TimeSpan TidyInterval = TimeSpan.FromSeconds(30);

    /// <summary>How often pending revocations are sent again.</summary>
    public static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(3);

    public static void AddSessions(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(new SessionMemory(MemoryCapacity));
        builder.Services.AddCounters<SessionMetrics>();
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

    public static void UseSessions(this WebApplication app, GatewaySettings settings)
    {
        app.UseMiddleware<SessionMiddleware>();
        if (settings.Apps.IsOn)
        {
            app.UseMiddleware<DevicePasswordMiddleware>();
        }
    }
}
