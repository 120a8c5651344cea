using Gateway.Background;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>
/// Flushes pending revocations, notes uses in the store, ends what has expired and keeps memory within its bound, all in the background.
/// Connects the sessions to the messages of a shared store.
/// </summary>
internal sealed partial class SessionMaintenance(
    SessionMemory memory,
    ISessionStore store,
    SessionRegistry sessions,
    Revocations revocations,
    PendingRevocations pending,
    GatewaySettings settings,
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

        // Without the token: requests may have used up all the time that it allows, and the last flush takes none.
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

        // Here and not in StopAsync: a host that is stopped twice must not use the store after it is closed.
        await Loop("The last tidying").RunOnceAsync(FinishAsync, CancellationToken.None);
    }

    /// <summary>Takes over the ends that other replicas make, and the revocations that an earlier process could not send.</summary>
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
        store.MayHaveMissed += () =>
        {
            sessions.DoubtConfirmations();
            pending.ResendAll();
        };
    }

    /// <exception cref="StoreUnavailableException">The store does not answer; memory is within its bound all the same.</exception>
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

    /// <summary>Notes in the store each use that its last note lags behind by more than <paramref name="lag"/>.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task NoteUsesAsync(TimeSpan lag, CancellationToken cancellationToken)
    {
        List<(Session Session, DateTimeOffset UsedAt)> uses = [];
        foreach (Session session in memory.All)
        {
            if (session.HasUnnotedUse(lag, out DateTimeOffset usedAt))
            {
                uses.Add((session, usedAt));
            }
        }

        if (uses.Count == 0)
        {
            return;
        }

        await store.TouchAsync([.. uses.Select(use => (use.Session.Key.ToBytes(), use.UsedAt))], cancellationToken);

        // Only after the store has answered: otherwise a use that was not stored would count as noted.
        foreach ((Session session, DateTimeOffset usedAt) in uses)
        {
            session.UseWasNoted(usedAt);
        }
    }

    private async Task TidyAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        TimeSpan lag = TimeSpan.FromTicks(Math.Min(settings.Session.Idle.Ticks / 20, TimeSpan.TicksPerMinute));
        await pending.FlushPendingAsync(cancellationToken);
        await ConfirmOpenSessionsAsync(now, cancellationToken);
        foreach (Session expired in memory.All.Where(session => !session.IsLive(now, settings.Session.Idle)).ToArray())
        {
            if (store.IsShared && now < expired.ExpiresAt && await MayBeInUseElsewhereAsync(expired, now, lag, cancellationToken))
            {
                continue;
            }

            revocations.EndHere(expired.Key, SessionEnd.Expired);
        }

        await NoteUsesAsync(lag, cancellationToken);
        await EndWithoutRowAsync(cancellationToken);

        // Twice the lag more: a row whose last use is not noted yet belongs to a session that is still alive in memory.
        await store.SweepAsync(now, settings.Session.Idle + lag + lag, cancellationToken);
    }

    /// <summary>An open WebSocket makes no requests: its session is confirmed here.</summary>
    private async Task ConfirmOpenSessionsAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        bool isStoreAway = false;
        foreach (Session open in memory.All.Where(session => store.IsShared && session.OpenSockets > 0).ToArray())
        {
            isStoreAway = isStoreAway || !await TryConfirmAsync(open, now, cancellationToken);
            if (isStoreAway && !SessionFreshness.IsInOutageGrace(open, now))
            {
                revocations.Drop(open);
            }
        }
    }

    /// <returns>False where the store does not answer.</returns>
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

    /// <summary>Whether a session that is idle here stays valid by the uses that other replicas have noted in the store.</summary>
    private async Task<bool> MayBeInUseElsewhereAsync(Session idle, DateTimeOffset now, TimeSpan lag, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.FindAsync(idle.Key.ToBytes(), cancellationToken) is not { } stored)
            {
                return false;
            }

            idle.Use(stored.UsedAt);

            // Twice the lag: another replica's last use may not be noted yet.
            return idle.IsLive(now, settings.Session.Idle + lag + lag);
        }
        catch (StoreUnavailableException)
        {
            revocations.Drop(idle);
            return true;
        }
    }

    /// <summary>
    /// A command that runs beside this process on the same store ends sessions by removing their rows; nothing else removes the row of a live one.
    /// </summary>
    private async Task EndWithoutRowAsync(CancellationToken cancellationToken)
    {
        // Memory is read before the store: a session that is in memory by then has been in the store.
        Session[] known = [.. memory.All];
        foreach (byte[] gone in await store.WithoutRowAsync([.. known.Select(session => session.Key.ToBytes())], cancellationToken))
        {
            revocations.EndHere(SessionKey.FromBytes(gone), SessionEnd.EndedByTheOperator);
        }
    }

    private Task FinishAsync(CancellationToken cancellationToken) => LogWhereUnavailableAsync(async () =>
    {
        await pending.FlushPendingAsync(cancellationToken);
        await NoteUsesAsync(TimeSpan.Zero, cancellationToken);
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
