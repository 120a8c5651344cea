using System.Net;
using Gateway.Background;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>
/// Background work: sends pending revocations, stores when sessions were last used, ends expired sessions and limits memory. It also applies the
/// messages of a shared store to the sessions in memory.
/// </summary>
internal sealed partial class SessionMaintenance(
    SessionMemory memory,
    ISessionStore store,
    SessionRegistry sessions,
    Revocations revocations,
    PendingRevocations pending,
    SessionInfoProtector infos,
    SessionSettings settings,
    TimeProvider time,
    ILogger<SessionMaintenance> logger) : BackgroundService
{
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        Listen();
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);

        // Waits without the token: requests may have used up the shutdown timeout, and the last flush is short.
        await (ExecuteTask ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.WhenAll(
            Loop("Flushing pending revocations").RunPeriodicallyAsync(SessionsFeature.FlushInterval, pending.FlushPendingAsync, stoppingToken),
            Loop("Tidying the sessions").RunPeriodicallyAsync(
                SessionsFeature.TidyInterval,
                token => LogWhereUnavailableAsync(() => TidyAsync(token)),
                stoppingToken));

        // Not in StopAsync: a host that is stopped twice must not use the store after it is closed.
        await Loop("The last tidying").RunOnceAsync(FinishAsync, CancellationToken.None);
    }

    /// <summary>Subscribes to the sessions that other gateways end, and loads the revocations that an earlier process could not send.</summary>
    public void Listen()
    {
        pending.LoadPending();
        store.EndedElsewhere += keys =>
        {
            foreach (byte[] key in keys)
            {
                revocations.EndHere(SessionKey.FromBytes(key), SessionEnd.EndedElsewhere);
            }
        };
        store.MessagesLost += () =>
        {
            sessions.DoubtConfirmations();
            pending.ResendAll();
        };
    }

    /// <exception cref="StoreUnavailableException">The store does not answer. Memory has been limited.</exception>
    public async Task TidyAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        try
        {
            await TidyAsync(now, cancellationToken);
        }
        finally
        {
            memory.Trim(now);
        }
    }

    /// <summary>Stores the last use of each session whose time in the store is older by more than <paramref name="lag"/>.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task StoreUsesAsync(TimeSpan lag, CancellationToken cancellationToken)
    {
        List<(Session Session, DateTimeOffset UsedAt)> uses = [];
        foreach (Session session in memory.All)
        {
            if (session.HasUnstoredUse(lag, out DateTimeOffset usedAt))
            {
                uses.Add((session, usedAt));
            }
        }

        if (uses.Count == 0)
        {
            return;
        }

        await store.TouchAsync([.. uses.Select(use => (use.Session.Key.ToBytes(), use.UsedAt))], cancellationToken);

        // Only after the store has answered: otherwise a use that failed to be stored would count as stored.
        foreach ((Session session, DateTimeOffset usedAt) in uses)
        {
            session.MarkUseStored(usedAt);
        }
    }

    /// <summary>Stores from where device passwords were last used, if that has changed: their owners see it in the list.</summary>
    private async Task StoreAddressesAsync(CancellationToken cancellationToken)
    {
        foreach (Session session in memory.All.Where(session => session.UsedFrom is { } from && !from.Equals(session.StoredUsedFrom)).ToArray())
        {
            IPAddress from = session.UsedFrom!;
            byte[] key = session.Key.ToBytes();
            string address = RequestOrigin.Format(from);
            if (await store.FindAsync(key, cancellationToken) is { } stored && infos.Unprotect(stored.Info) is { } info && info.Address != address)
            {
                await store.SetInfoAsync(key, infos.Protect(info with { Address = address }), cancellationToken);
            }

            session.StoredUsedFrom = from;
        }
    }

    private async Task TidyAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        TimeSpan lag = TimeSpan.FromTicks(Math.Min(settings.Idle.Ticks / 20, TimeSpan.TicksPerMinute));
        await pending.FlushPendingAsync(cancellationToken);
        await ConfirmOpenSessionsAsync(now, cancellationToken);
        foreach (Session expired in memory.All.Where(session => !session.IsLive(now, settings.Idle)).ToArray())
        {
            if (store.IsShared && now < expired.ExpiresAt && await MayBeInUseElsewhereAsync(expired, now, lag, cancellationToken))
            {
                continue;
            }

            revocations.EndHere(expired.Key, SessionEnd.Expired);
        }

        await StoreUsesAsync(lag, cancellationToken);
        await StoreAddressesAsync(cancellationToken);
        await EndWithoutRowAsync(cancellationToken);

        // Rows are kept for twice the lag longer: memory may know a later use that is not stored yet.
        await store.SweepAsync(now, settings.Idle + lag + lag, cancellationToken);
    }

    /// <summary>Confirms the sessions of open WebSockets: a WebSocket sends no requests that would confirm its session.</summary>
    private async Task ConfirmOpenSessionsAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        bool isStoreUnavailable = false;
        foreach (Session open in memory.All.Where(session => store.IsShared && session.OpenSockets > 0).ToArray())
        {
            isStoreUnavailable = isStoreUnavailable || !await TryConfirmAsync(open, now, cancellationToken);
            if (isStoreUnavailable && !SessionFreshness.IsInOutageGrace(open, now))
            {
                revocations.Drop(open);
            }
        }
    }

    /// <returns>False if the store does not answer.</returns>
    private async Task<bool> TryConfirmAsync(Session open, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.FindAsync(open.Key.ToBytes(), cancellationToken) is { } stored)
            {
                open.Use(stored.UsedAt);
                open.Confirm(now);
            }
            else
            {
                revocations.EndHere(open.Key, SessionEnd.EndedElsewhere);
            }

            return true;
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }

    /// <summary>Whether a session that is idle here stays valid because another gateway has stored a later use.</summary>
    private async Task<bool> MayBeInUseElsewhereAsync(Session idle, DateTimeOffset now, TimeSpan lag, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.FindAsync(idle.Key.ToBytes(), cancellationToken) is not { } stored)
            {
                return false;
            }

            idle.Use(stored.UsedAt);

            // Twice the lag longer: another gateway may know a later use that is not stored yet.
            return idle.IsLive(now, settings.Idle + lag + lag);
        }
        catch (StoreUnavailableException)
        {
            revocations.Drop(idle);
            return true;
        }
    }

    /// <summary>
    /// Ends the sessions whose rows are gone. Only a command that runs beside this process removes the row of a session that is valid here.
    /// </summary>
    private async Task EndWithoutRowAsync(CancellationToken cancellationToken)
    {
        // Memory is read before the store: a session is added to the store before it is added to memory.
        Session[] known = [.. memory.All];
        foreach (byte[] missing in await store.FindMissingAsync([.. known.Select(session => session.Key.ToBytes())], cancellationToken))
        {
            revocations.EndHere(SessionKey.FromBytes(missing), SessionEnd.EndedByTheOperator);
        }
    }

    private Task FinishAsync(CancellationToken cancellationToken) => LogWhereUnavailableAsync(async () =>
    {
        await pending.FlushPendingAsync(cancellationToken);
        await StoreUsesAsync(TimeSpan.Zero, cancellationToken);
        await StoreAddressesAsync(cancellationToken);
    });

    private async Task LogWhereUnavailableAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (StoreUnavailableException unavailable)
        {
            StoreUnavailable(unavailable.Message);
        }
    }

    private BackgroundLoop Loop(string work) => new(work, time, logger);

    [LoggerMessage(
        EventId = 1110,
        EventName = "StoreAwayForTidying",
        Level = LogLevel.Warning,
        Message = "Store unavailable ({Reason}). Known sessions stay valid for up to 5 minutes; sign-ins fail until it is back. Retrying in 30 s.")]
    private partial void StoreUnavailable(string reason);
}
