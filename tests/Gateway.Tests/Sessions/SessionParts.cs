using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Tests.Sessions;

/// <summary>The classes that work on one gateway's sessions, put together as the gateway does it.</summary>
internal sealed record SessionParts(SessionRegistry Registry, Revocations Revocations, SessionMaintenance Maintenance)
{
    public static SessionParts Create(
        SessionMemory memory,
        ISessionStore store,
        IDataProtectionProvider protection,
        GatewaySettings settings,
        TimeProvider time)
    {
        NullLogger<SecurityLog> logger = NullLogger<SecurityLog>.Instance;
        SessionInfoProtector infos = new(protection);
        PendingRevocations pending = new(memory, store, settings.Storage, time, logger);
        Revocations revocations = new(memory, store, infos, pending, time, logger);
        SessionRegistry registry = new(memory, store, infos, revocations, pending, settings.Session, time, logger);
        SessionMaintenance maintenance = new(
            memory,
            store,
            registry,
            revocations,
            pending,
            infos,
            settings.Session,
            time,
            NullLogger<SessionMaintenance>.Instance);
        return new SessionParts(registry, revocations, maintenance);
    }
}
