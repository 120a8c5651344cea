using System.Security.Claims;
using Gateway.Pages;
using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Recheck;

/// <summary>
/// Asks the provider again whether a person still has access, while the session is in use. "No" ends the session, silence does not. Claims,
/// groups and the Paperless account are updated. One replica at a time rechecks a session. Paperless is asked for the user in any case: the
/// user header must not name a user who is gone or renamed.
/// </summary>
/// <remarks>
/// A session is due after 80 to 100 % of `GATEWAY_SESSION_RECHECK` (<see cref="SessionRegistry"/>, `RecheckInterval`), at its next use
/// (<see cref="Session.IsRecheckDue"/>). The dispatcher checks that before it calls <see cref="AskAsync"/>.
/// </remarks>
internal sealed class SessionRecheck(
    SessionRegistry sessions,
    ILease lease,
    SessionCookie cookie,
    RecheckAttempt attempt,
    SilentAuthentication silent,
    PageWriter pages,
    TimeProvider time) : IHostedService, IDisposable
{
    /// <summary>A replica that holds the lease longer than this has died.</summary>
    private static readonly TimeSpan LeaseTtl = TimeSpan.FromMinutes(1);

    /// <summary>How long a request with an overdue recheck waits for it; no answer does not end the session.</summary>
    private static readonly TimeSpan WaitTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Delay before the next attempt while another replica holds the lease.</summary>
    private static readonly TimeSpan OtherReplicaBackoff = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(0.25);

    /// <summary>Limits the load on a provider that has just come back.</summary>
    private const int MaxConcurrent = 8;

    /// <summary>Running rechecks; the result is true if another replica holds the lease.</summary>
    private readonly Dictionary<SessionKey, Task<bool>> _running = [];
    private readonly SemaphoreSlim _turns = new(MaxConcurrent, MaxConcurrent);
    private readonly CancellationTokenSource _stopping = new();

    /// <returns>False where the browser was sent to the provider, or the request was refused.</returns>
    public async Task<bool> AskAsync(HttpContext context, Session session)
    {
        if (!cookie.TryRead(context.Request.Headers.Cookie, out SessionSecret secret))
        {
            return true;
        }

        Task<bool>? run = IsDue(session) ? Start(session, secret) : null;
        if (run is not null && attempt.MustWait(session))
        {
            await WaitAsync(run, session, secret, context.RequestAborted);

            // A session evicted from memory is not ended: load it from the store.
            if ((sessions.Current(session.Key) ?? await sessions.LoadAsync(secret, context.RequestAborted)) is not { } now)
            {
                context.User = new ClaimsPrincipal(new ClaimsIdentity());
                return true;
            }

            session = now;
            context.User = session.Principal;
        }

        if (session.IsRoundTripDue)
        {
            if (await silent.BeginAsync(context, session, secret))
            {
                return false;
            }

            session = sessions.Current(session.Key) ?? session;
        }

        if (!session.IsHeldBack)
        {
            return true;
        }

        await pages.RefuseAsync(context, silent.HeldBack(context.Request, session));
        return false;
    }

    /// <summary>As <see cref="AskAsync"/> for a device password, which has no browser that could ask.</summary>
    /// <returns>The device password as it is now; null if it has ended.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer, and the last confirmation is too old.</exception>
    public async Task<Session?> AskAboutDeviceAsync(Session device, SessionSecret secret, CancellationToken aborted)
    {
        Task<bool> run = Start(device, secret);
        if (!attempt.MustWait(device))
        {
            return device;
        }

        await WaitAsync(run, device, secret, aborted);
        return sessions.Current(device.Key) ?? await sessions.LoadAsync(secret, aborted);
    }

    /// <summary>Asks Paperless about the user of a session now, regardless of when the next recheck is due.</summary>
    public async Task<AccountCheck> CheckAccountAsync(HttpContext context, Session session)
    {
        if (!cookie.TryRead(context.Request.Headers.Cookie, out SessionSecret secret))
        {
            return AccountCheck.Confirmed;
        }

        await _turns.WaitAsync(context.RequestAborted);
        try
        {
            AccountCheck check = await attempt.CheckAccountAsync(session, secret);
            context.User = sessions.Current(session.Key)?.Principal ?? new ClaimsPrincipal(new ClaimsIdentity());
            return check;
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>Asks Paperless about the user of a device password now.</summary>
    public async Task<AccountCheck> CheckAccountOfDeviceAsync(Session device, SessionSecret secret, CancellationToken aborted)
    {
        DateTimeOffset askedAt = time.GetUtcNow();
        await _turns.WaitAsync(aborted);
        try
        {
            // Requests that waited for the same check share its answer.
            bool isFresh = sessions.Current(device.Key) is { } now && now.AccountCheckedAt > askedAt;
            return isFresh ? AccountCheck.Confirmed : await attempt.CheckAccountAsync(device, secret);
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>The session as it is now, also if memory has dropped it; null if it has ended.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<Session?> FindAsync(Session session, SessionSecret secret, CancellationToken aborted) =>
        sessions.Current(session.Key) ?? await sessions.LoadAsync(secret, aborted);

    /// <summary>Whether the provider, or Paperless alone, is to be asked without the browser.</summary>
    public static bool IsDue(Session session) => session.IsAccountCheckDue || (session.IsRecheckDue && !session.NeedsRoundTrip);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Waits for running rechecks: a used refresh token has a successor that must be stored.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        Task<bool>[] running;
        lock (_running)
        {
            running = [.. _running.Values];
        }

        await ((Task)Task.WhenAll(running)).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose()
    {
        _turns.Dispose();
        _stopping.Dispose();
    }

    private Task<bool> Start(Session session, SessionSecret secret)
    {
        lock (_running)
        {
            if (_stopping.IsCancellationRequested)
            {
                return Task.FromResult(false);
            }

            if (!_running.TryGetValue(session.Key, out Task<bool>? run))
            {
                _running[session.Key] = run = Task.Run(() => RunAsync(session, secret));
            }

            return run;
        }
    }

    private async Task WaitAsync(Task<bool> run, Session session, SessionSecret secret, CancellationToken aborted)
    {
        try
        {
            if (await run.WaitAsync(WaitTimeout, time, aborted))
            {
                await WaitForOtherAsync(session, secret, aborted);
            }
        }
        catch (TimeoutException)
        {
            // It goes on; its answer counts for the requests that come after it, and none of them waits again.
            attempt.Postpone(session, RecheckAttempt.RetryBackoff);
        }
        catch (StoreUnavailableException away)
        {
            // Sessions in memory stay valid while the store is unavailable.
            attempt.Unanswered(session, away.Message);
        }
        catch (Exception error) when (!aborted.IsCancellationRequested)
        {
            // An internal error counts as no answer: the request continues.
            attempt.Failed(session, error);
        }
    }

    /// <summary>Another replica is asking; its result arrives through the store.</summary>
    private async Task WaitForOtherAsync(Session session, SessionSecret secret, CancellationToken aborted)
    {
        for (TimeSpan waited = TimeSpan.Zero; waited < WaitTimeout; waited += PollInterval)
        {
            await Task.Delay(PollInterval, time, aborted);
            bool isDone = await lease.IsLeaseFreeAsync(session.Key.ToBytes(), aborted);
            if (await sessions.ReloadAsync(secret, aborted) is not { } now || now.CheckedAt > session.CheckedAt)
            {
                return;
            }

            if (isDone)
            {
                // Nothing came of it there: this replica asks for itself, later.
                attempt.Postpone(session, RecheckAttempt.RetryBackoff);
                return;
            }
        }

        // The other replica may have died: no request waits again before its lease expires.
        attempt.PostponeUntil(session, time.GetUtcNow() + LeaseTtl);
    }

    private async Task<bool> RunAsync(Session session, SessionSecret secret)
    {
        try
        {
            await _turns.WaitAsync(_stopping.Token);
            try
            {
                // Paperless alone is asked by each replica for itself: nothing is used up by it.
                return session.NeedsRoundTrip ? await attempt.FollowAccountAsync(session, secret) : await RunWithLeaseAsync(session, secret);
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (StoreUnavailableException away)
        {
            attempt.Unanswered(session, away.Message);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Not begun; the next process asks.
        }
        catch (Exception error)
        {
            attempt.Failed(session, error);
        }
        finally
        {
            lock (_running)
            {
                _running.Remove(session.Key);
            }
        }

        return false;
    }

    /// <returns>Whether another replica holds the lease.</returns>
    private async Task<bool> RunWithLeaseAsync(Session session, SessionSecret secret)
    {
        byte[] key = session.Key.ToBytes();
        if (!await lease.TryAcquireLeaseAsync(key, LeaseTtl, CancellationToken.None))
        {
            // Or the session is gone.
            if (!attempt.MustWait(session))
            {
                attempt.Postpone(session, OtherReplicaBackoff);
            }

            return await sessions.ReloadAsync(secret, CancellationToken.None) is { } still && still.CheckedAt == session.CheckedAt;
        }

        try
        {
            // Read after acquiring the lease: the previous holder may have stored new tokens.
            if (await sessions.ReadRecordAsync(secret, CancellationToken.None) is { } record
                && record.CheckedAt <= session.CheckedAt
                && record.RefusedAt == session.RefusedAt)
            {
                await attempt.ConcludeAsync(session, secret, record);
            }
            else
            {
                await sessions.ReloadAsync(secret, CancellationToken.None);
            }

            return false;
        }
        finally
        {
            await lease.ReleaseLeaseAsync(key, CancellationToken.None);
        }
    }
}
