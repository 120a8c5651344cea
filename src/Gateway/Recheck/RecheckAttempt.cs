using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Recheck;

/// <summary>One recheck of one session: asks the provider, then Paperless, and says when the next one is due.</summary>
internal sealed partial class RecheckAttempt(
    SessionRegistry sessions,
    RecheckQuestion question,
    RecheckConclusion conclusion,
    RecheckMetrics metrics,
    SessionSettings settings,
    TimeProvider time,
    ILogger<RecheckAttempt> logger)
{
    /// <summary>Delay before the next recheck if nobody answers; never longer than `GATEWAY_SESSION_RECHECK`.</summary>
    public static readonly TimeSpan RetryBackoff = TimeSpan.FromSeconds(40);

    /// <summary>Whether the last answer is too old for a request to go on before the next one.</summary>
    public bool MustWait(Session session) => session.IsRecheckOverdue(time.GetUtcNow(), IntervalOf(session));

    private TimeSpan IntervalOf(Session session) => session.DevicePassword is null ? settings.Recheck : settings.Apps.Recheck;

    /// <param name="record">The stored record, read after the lease was acquired.</param>
    public async Task ConcludeAsync(Session session, SessionSecret secret, SessionRecord record)
    {
        Outcome outcome = await AskProviderAsync(session, secret, record);
        switch (outcome)
        {
            case Outcome.Concluded:
                sessions.MarkAccountChecked(session.Key);
                break;
            case Outcome.RoundTrip:
                await FollowAccountAsync(session, secret, record);
                break;
            default:
                await FollowAccountAsync(session, secret);
                break;
        }
    }

    private async Task<Outcome> AskProviderAsync(Session session, SessionSecret secret, SessionRecord record)
    {
        // Taken before the request: claims asserted meanwhile count as newer.
        DateTimeOffset askedAt = time.GetUtcNow();
        RecheckAnswer answer;
        string? noAnswer;
        try
        {
            // Shutdown does not cancel this: a used refresh token has a successor that must be stored.
            answer = await question.AskAsync(
                record,
                askedAt,
                change => sessions.RenewAsync(secret, change, CancellationToken.None),
                CancellationToken.None);
            noAnswer = answer switch
            {
                RecheckAnswer.Confirmed confirmed => await conclusion.ApplyAsync(
                    session,
                    secret,
                    new Confirmation(confirmed.Claims, confirmed.AssertedAt, askedAt, confirmed.Tokens) { LacksSid = confirmed.LacksSid }),
                RecheckAnswer.NoAnswer { Reason: var reason } => reason,
                _ => null,
            };
        }
        catch (Exception error) when (error is not StoreUnavailableException)
        {
            metrics.Answered(answer: null, isApplied: false);
            Failed(session, error);
            return Outcome.NoAnswer;
        }

        metrics.Answered(answer, isApplied: noAnswer is null);
        if (noAnswer is not null)
        {
            Unanswered(session, noAnswer);
            return Outcome.NoAnswer;
        }

        if (answer is RecheckAnswer.Confirmed { LacksSid: true })
        {
            SidLost(session.Identity.Provider, session.Identity.Username);
        }

        if (answer is RecheckAnswer.Refused { Error: var code } && session.DevicePassword is not null)
        {
            // No browser can ask the provider why.
            await conclusion.EndAsync(session, SessionEnd.RefusedByTheProvider, $"it answered {code} to the refresh; a new device password is needed");
            return Outcome.Concluded;
        }

        if (answer is RecheckAnswer.Refused refused)
        {
            RefreshRefused(session.Identity.Provider, session.Identity.Username, refused.Error, settings.Recheck);
            return Outcome.RoundTrip;
        }

        if (answer is RecheckAnswer.Denied denied)
        {
            await conclusion.EndAsync(session, SessionEnd.RefusedByTheProvider, denied.Reason);
        }

        return answer is RecheckAnswer.RoundTrip ? Outcome.RoundTrip : Outcome.Concluded;
    }

    /// <summary>Asks Paperless alone.</summary>
    /// <param name="silentRecord">The record of a session that the browser is to make a round trip for; null for another one.</param>
    /// <returns>Always false: a check of the account takes no lease, so no other replica can hold it.</returns>
    public async Task<bool> FollowAccountAsync(Session session, SessionSecret secret, SessionRecord? silentRecord = null)
    {
        if (session.DevicePassword is not null && time.GetUtcNow() > session.CheckedAt + settings.Apps.Lifetime)
        {
            // It has a refresh token, with which the provider has not confirmed the person for as long as one without any may live.
            await conclusion.EndAsync(session, SessionEnd.Expired, "the provider has not confirmed it for GATEWAY_APP_LIFETIME");
            return false;
        }

        string? noAnswer = (await conclusion.FollowAccountAsync(session, secret)).NoAnswer;
        if (silentRecord is not null)
        {
            SilentAuthentication.RequestSilentAuthentication(sessions.Current(session.Key) ?? session, silentRecord);
        }

        if (noAnswer is not null)
        {
            Postpone(session, RetryBackoff);
            AccountNotChecked(session.Identity.Username, noAnswer);
        }

        return false;
    }

    /// <summary>Asks Paperless about the user now, out of turn: it redirected the user to its login page.</summary>
    public async Task<AccountCheck> CheckAccountAsync(Session session, SessionSecret secret)
    {
        try
        {
            return await conclusion.FollowAccountAsync(session, secret);
        }
        catch (StoreUnavailableException away)
        {
            return new AccountCheck(null, away.Message);
        }
    }

    /// <summary>Logs that nobody answered. The session continues.</summary>
    public void Unanswered(Session session, string reason)
    {
        Postpone(session, RetryBackoff);
        NotAsked(session.Identity.Username, reason);
    }

    public void Failed(Session session, Exception error)
    {
        Postpone(session, RetryBackoff);
        RecheckFailed(error, session.Identity.Username);
    }

    public void Postpone(Session session, TimeSpan delay)
    {
        TimeSpan most = delay < IntervalOf(session) ? delay : IntervalOf(session);
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
            session.ScheduleAccountCheck(at);
        }
        else
        {
            session.ScheduleRecheck(at);
        }
    }

    /// <summary>What came of asking the provider.</summary>
    private enum Outcome
    {
        /// <summary>Its word was taken over, Paperless's with it, or the session has ended.</summary>
        Concluded,

        NoAnswer,

        RoundTrip,
    }

    [LoggerMessage(
        EventId = 3030,
        EventName = "RecheckPostponed",
        Level = LogLevel.Warning,
        Message = "The recheck of {User} got no answer from the provider ({Reason}). The session continues; the gateway retries within a minute")]
    private partial void NotAsked(string user, string reason);

    [LoggerMessage(
        EventId = 3033,
        EventName = "RefreshRefused",
        Level = LogLevel.Warning,
        Message = "{Provider} refused to refresh the tokens of {User} ({Error}). The cause may be the client, not the person. The next page asks by a silent "
            + "authentication; without a confirmation within {Time} the gateway refuses all other requests of the session")]
    private partial void RefreshRefused(string provider, string user, string error, TimeSpan time);

    [LoggerMessage(
        EventId = 3034,
        EventName = "ProviderSessionNotNamed",
        Level = LogLevel.Information,
        Message = "{Provider} refreshed the tokens of {User}, but its ID token names no provider session (sid) any more: that session may have ended, and "
            + "its logout may be lost. The next page asks by a silent authentication; the session continues until then")]
    private partial void SidLost(string provider, string user);

    [LoggerMessage(
        EventId = 3032,
        EventName = "AccountNotChecked",
        Level = LogLevel.Warning,
        Message = "Paperless did not answer whether the user {User} still exists ({Reason}). The session continues; the gateway retries within a minute")]
    private partial void AccountNotChecked(string user, string reason);

    [LoggerMessage(
        EventId = 3031,
        EventName = "RecheckFailed",
        Level = LogLevel.Error,
        Message = "The recheck of {User} failed inside the gateway. The session continues; the gateway retries within a minute")]
    private partial void RecheckFailed(Exception error, string user);
}
