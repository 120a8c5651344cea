using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Recheck;

/// <summary>One recheck of one session: asks the provider, then Paperless, and says when the next one is due.</summary>
internal sealed partial class RecheckAttempt(
    SessionRegistry sessions,
    RecheckQuestion question,
    RecheckConclusion conclusion,
    GatewaySettings settings,
    TimeProvider time,
    ILogger<RecheckAttempt> logger)
{
    /// <summary>After silence; never longer than the interval itself.</summary>
    public static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(40);

    /// <summary>Whether the last answer is too old for a request to go on before the next one.</summary>
    public bool MustWait(Session session) =>
        time.GetUtcNow() - (session.NeedsRoundTrip ? session.AccountCheckedAt : session.CheckedAt) > settings.Session.Recheck * 2;

    /// <param name="record">As it stands after the claim.</param>
    public async Task ConcludeAsync(Session session, SessionSecret secret, SessionRecord record)
    {
        Outcome outcome = await AskProviderAsync(session, secret, record);
        if (outcome == Outcome.Concluded)
        {
            sessions.AccountChecked(session.Key);
            return;
        }

        await FollowAccountAsync(session, secret, outcome == Outcome.RoundTrip ? record : null);
    }

    private async Task<Outcome> AskProviderAsync(Session session, SessionSecret secret, SessionRecord record)
    {
        // Before the answer: what the provider says meanwhile is newer.
        DateTimeOffset askedAt = time.GetUtcNow();
        RecheckAnswer answer;
        string? silence;
        try
        {
            // Not the token of a stopping process: an answer that was asked for is heard.
            answer = await question.AskAsync(
                record,
                askedAt,
                tokens => sessions.RenewAsync(secret, now => now with { Tokens = tokens }, CancellationToken.None),
                CancellationToken.None);
            silence = answer switch
            {
                RecheckAnswer.Yes yes => await conclusion.TakeAsync(session, secret, yes.Claims, yes.AssertedAt, askedAt, yes.Tokens),
                RecheckAnswer.Silence { Reason: var reason } => reason,
                _ => null,
            };
        }
        catch (Exception error) when (error is not StoreUnavailableException)
        {
            Failed(session, error);
            return Outcome.Silence;
        }

        if (silence is not null)
        {
            Silent(session, silence);
            return Outcome.Silence;
        }

        if (answer is RecheckAnswer.No no)
        {
            await conclusion.EndAsync(session, SessionEnd.RefusedByTheProvider, no.Reason);
        }

        return answer is RecheckAnswer.RoundTrip ? Outcome.RoundTrip : Outcome.Concluded;
    }

    /// <summary>Asks Paperless alone.</summary>
    /// <param name="wanted">The record of a session that the browser is to make a round trip for; null for another one.</param>
    /// <returns>False: no other replica is at it.</returns>
    public async Task<bool> FollowAccountAsync(Session session, SessionSecret secret, SessionRecord? wanted = null)
    {
        string? silence = await conclusion.FollowAccountAsync(session, secret);
        if (wanted is not null)
        {
            SilentAuthentication.Want(sessions.Current(session.Key) ?? session, wanted);
        }

        if (silence is not null)
        {
            Postpone(session, AgainAfter);
            AccountNotChecked(session.Identity.Username, silence);
        }

        return false;
    }

    /// <summary>Nobody answered: the session goes on.</summary>
    public void Silent(Session session, string reason)
    {
        Postpone(session, AgainAfter);
        NotAsked(session.Identity.Username, reason);
    }

    public void Failed(Session session, Exception error)
    {
        Postpone(session, AgainAfter);
        RecheckFailed(error, session.Identity.Username);
    }

    public void Postpone(Session session, TimeSpan delay)
    {
        TimeSpan most = delay < settings.Session.Recheck ? delay : settings.Session.Recheck;
        PostponeUntil(session, time.GetUtcNow() + (most * (0.5 + Random.Shared.NextDouble())));
    }

    /// <summary>The session may have been renewed meanwhile: whichever is in memory is asked about later.</summary>
    public void PostponeUntil(Session session, DateTimeOffset at)
    {
        PostponeOne(session, at);
        if (sessions.Current(session.Key) is { } now && now != session)
        {
            PostponeOne(now, at);
        }
    }

    /// <summary>One that waits for its round trip is asked about at Paperless alone, and the round trip keeps its own time.</summary>
    private static void PostponeOne(Session session, DateTimeOffset at)
    {
        if (session.NeedsRoundTrip)
        {
            session.CheckAccountAfter(at);
        }
        else
        {
            session.RecheckAfter(at);
        }
    }

    /// <summary>What came of asking the provider.</summary>
    private enum Outcome
    {
        /// <summary>Its word was taken over, Paperless's with it, or the session has ended.</summary>
        Concluded,

        Silence,

        RoundTrip,
    }

    [LoggerMessage(EventId = 3030, EventName = "RecheckPostponed", Level = LogLevel.Warning, Message = "The provider was to be asked about {User} again, and nothing came of it ({Reason}): the session goes on, the next try comes soon")]
    private partial void NotAsked(string user, string reason);

    [LoggerMessage(EventId = 3032, EventName = "AccountNotChecked", Level = LogLevel.Warning, Message = "Paperless could not be asked whether {User} is still there ({Reason}): the session goes on, the next try comes soon")]
    private partial void AccountNotChecked(string user, string reason);

    [LoggerMessage(EventId = 3031, EventName = "RecheckFailed", Level = LogLevel.Error, Message = "The recheck of {User} failed inside the gateway; the session goes on, the next try comes soon")]
    private partial void RecheckFailed(Exception error, string user);
}
