using System.Security.Claims;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.SignIn;

/// <summary>
/// Every `GATEWAY_SESSION_RECHECK`, while a session is in use, the provider is asked whether it still stands for the person; claims, groups
/// and the Paperless account follow. "No" ends the session, silence does not. Once at a time for a session, across all replicas.
/// </summary>
internal sealed partial class Recheck(
    SessionKeeper sessions,
    ISessionStore store,
    SessionCookie cookie,
    RecheckQuestion question,
    SilentRound silent,
    RecheckConclusion conclusion,
    GatewaySettings settings,
    TimeProvider time,
    ILogger<Recheck> logger) : IHostedService, IDisposable
{
    /// <summary>A replica that takes longer than this has died; it takes its tokens with it.</summary>
    private static readonly TimeSpan ClaimedFor = TimeSpan.FromMinutes(1);

    /// <summary>A request whose last answer is too old waits for the next one, but not for ever: silence ends nothing.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>After silence; never longer than the interval itself.</summary>
    private static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(40);

    /// <summary>Another replica is at it: requests that go on leave it alone for so long, those that wait look more often.</summary>
    private static readonly TimeSpan AtItElsewhere = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(0.25);

    /// <summary>A provider that comes back is not asked about everybody at once.</summary>
    private const int MostAtOnce = 8;

    /// <summary>What is under way; true where another replica turned out to be at it.</summary>
    private readonly Dictionary<SessionKey, Task<bool>> _running = [];
    private readonly SemaphoreSlim _turns = new(MostAtOnce, MostAtOnce);
    private readonly CancellationTokenSource _stopping = new();

    /// <returns>False where the browser was sent to the provider.</returns>
    public async Task<bool> AskAsync(HttpContext context, Session session)
    {
        if (!cookie.TryRead(context.Request.Headers.Cookie, out SessionSecret secret))
        {
            return true;
        }

        if (!session.NeedsRoundTrip)
        {
            Task<bool> run = Start(session, secret);
            if (!MustWait(session))
            {
                return true;
            }

            await WaitAsync(run, session, secret, context.RequestAborted);

            // What memory has let go of meanwhile is not ended by that.
            if ((sessions.Current(session.Key) ?? await sessions.LoadAsync(secret, context.RequestAborted)) is not { } now)
            {
                context.User = new ClaimsPrincipal(new ClaimsIdentity());
                return true;
            }

            session = now;
            context.User = session.Principal;
        }

        return !session.NeedsRoundTrip || !session.IsRecheckDue || !await silent.BeginAsync(context, session, secret);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>What was asked is heard: a refresh token that has been used up has a successor to be kept.</summary>
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

    private bool MustWait(Session session) => time.GetUtcNow() - session.CheckedAt > settings.Session.Recheck * 2;

    private async Task WaitAsync(Task<bool> run, Session session, SessionSecret secret, CancellationToken aborted)
    {
        try
        {
            if (await run.WaitAsync(Patience, time, aborted))
            {
                await WaitForOtherAsync(session, secret, aborted);
            }
        }
        catch (TimeoutException)
        {
            // It goes on; its answer counts for the requests that come after it, and none of them waits again.
            Postpone(session, AgainAfter);
        }
        catch (StoreUnavailableException away)
        {
            // Whoever is known here goes on.
            Postpone(session, AgainAfter);
            NotAsked(session.Identity.Username, away.Message);
        }
        catch (Exception error) when (!aborted.IsCancellationRequested)
        {
            // A fault of the gateway's own is silence, too: the request goes on.
            Postpone(session, AgainAfter);
            Failed(error, session.Identity.Username);
        }
    }

    /// <summary>Another replica asks: its answer comes by the store.</summary>
    private async Task WaitForOtherAsync(Session session, SessionSecret secret, CancellationToken aborted)
    {
        for (TimeSpan waited = TimeSpan.Zero; waited < Patience; waited += LookAgainAfter)
        {
            await Task.Delay(LookAgainAfter, time, aborted);
            bool isDone = await IsDoneElsewhereAsync(session);
            if (await sessions.ReloadAsync(secret, aborted) is not { } now || now.CheckedAt > session.CheckedAt)
            {
                return;
            }

            if (isDone)
            {
                // Nothing came of it there: this replica asks for itself, later.
                Postpone(session, AgainAfter);
                return;
            }
        }

        // It may have died in the middle: nobody waits for it again before its claim has run out.
        PostponeUntil(session, time.GetUtcNow() + ClaimedFor);
    }

    /// <summary>Whoever is done gives the claim back: then it is to be had, for a moment.</summary>
    private async Task<bool> IsDoneElsewhereAsync(Session session)
    {
        byte[] key = session.Key.ToBytes();
        if (!await store.ClaimRecheckAsync(key, AtItElsewhere, CancellationToken.None))
        {
            return false;
        }

        await store.ReleaseRecheckAsync(key, CancellationToken.None);
        return true;
    }

    private async Task<bool> RunAsync(Session session, SessionSecret secret)
    {
        try
        {
            await _turns.WaitAsync(_stopping.Token);
            try
            {
                return await InTurnAsync(session, secret);
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (StoreUnavailableException away)
        {
            Postpone(session, AgainAfter);
            NotAsked(session.Identity.Username, away.Message);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Not begun; the next process asks.
        }
        catch (Exception error)
        {
            Postpone(session, AgainAfter);
            Failed(error, session.Identity.Username);
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

    /// <returns>Whether another replica is at it.</returns>
    private async Task<bool> InTurnAsync(Session session, SessionSecret secret)
    {
        byte[] key = session.Key.ToBytes();
        if (!await store.ClaimRecheckAsync(key, ClaimedFor, CancellationToken.None))
        {
            // Or the session is gone.
            if (!MustWait(session))
            {
                Postpone(session, AtItElsewhere);
            }

            return await sessions.ReloadAsync(secret, CancellationToken.None) is { } still && still.CheckedAt == session.CheckedAt;
        }

        try
        {
            // Read after the claim: whoever had it before has left its tokens there.
            if (await sessions.RecordAsync(secret, CancellationToken.None) is { } record && record.CheckedAt <= session.CheckedAt)
            {
                await ConcludeAsync(session, secret, record);
            }
            else
            {
                await sessions.ReloadAsync(secret, CancellationToken.None);
            }

            return false;
        }
        finally
        {
            await store.ReleaseRecheckAsync(key, CancellationToken.None);
        }
    }

    private async Task ConcludeAsync(Session session, SessionSecret secret, SessionRecord record)
    {
        // Before the answer: what the provider says meanwhile is newer.
        DateTimeOffset askedAt = time.GetUtcNow();

        // Not the token of a stopping process: an answer that was asked for is heard.
        RecheckAnswer answer = await question.AskAsync(
            record,
            askedAt,
            tokens => sessions.RenewAsync(secret, now => now with { Tokens = tokens }, CancellationToken.None),
            CancellationToken.None);
        switch (answer)
        {
            case RecheckAnswer.Yes yes:
                if (await conclusion.TakeAsync(session, secret, yes.Claims, yes.HeardAt, askedAt, yes.Tokens) is { } silence)
                {
                    Postpone(session, AgainAfter);
                    NotAsked(session.Identity.Username, silence);
                }

                break;

            case RecheckAnswer.No no:
                await conclusion.EndAsync(session, SessionEnd.RefusedByTheProvider, no.Reason);
                break;

            case RecheckAnswer.Silence { Reason: var reason }:
                Postpone(session, AgainAfter);
                NotAsked(session.Identity.Username, reason);
                break;

            case RecheckAnswer.RoundTrip:
                SilentRound.Want(sessions.Current(session.Key) ?? session, record);
                break;
        }
    }

    private void Postpone(Session session, TimeSpan delay)
    {
        TimeSpan most = delay < settings.Session.Recheck ? delay : settings.Session.Recheck;
        PostponeUntil(session, time.GetUtcNow() + (most * (0.5 + Random.Shared.NextDouble())));
    }

    /// <summary>The session may have been renewed meanwhile: whichever is in memory is asked about later.</summary>
    private void PostponeUntil(Session session, DateTimeOffset at)
    {
        session.RecheckAfter(at);
        sessions.Current(session.Key)?.RecheckAfter(at);
    }

    [LoggerMessage(EventId = 3030, EventName = "RecheckPostponed", Level = LogLevel.Warning, Message = "The provider was to be asked about {User} again, and nothing came of it ({Reason}): the session goes on, the next try comes soon")]
    private partial void NotAsked(string user, string reason);

    [LoggerMessage(EventId = 3031, EventName = "RecheckFailed", Level = LogLevel.Error, Message = "The recheck of {User} failed inside the gateway; the session goes on, the next try comes soon")]
    private partial void Failed(Exception error, string user);
}
