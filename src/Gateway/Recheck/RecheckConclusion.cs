using System.Text.Json;
using Gateway.Accounts;
using Gateway.Groups;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Sessions;

namespace Gateway.Recheck;

/// <summary>Applies the answer of a recheck: the session is confirmed and updated, or it ends.</summary>
internal sealed partial class RecheckConclusion(
    SessionRegistry sessions,
    Revocations revocations,
    ProviderRegistry providers,
    ClaimsDecision decision,
    AccountSignIn accounts,
    ILogger<SecurityLog> logger)
{
    /// <summary>More groups than anybody has are not kept.</summary>
    private const int MaxGroups = 1000;

    /// <param name="claims">What the provider says, all of it checked.</param>
    /// <param name="assertedAt">When it said so: part of it may be of a time before.</param>
    /// <param name="askedAt">When it was asked, and said that all is well.</param>
    /// <param name="tokens">Those that came with it; null where the ones that are written down go on.</param>
    /// <returns>Null where it was taken over or the session has ended; else why it could not be.</returns>
    /// <exception cref="Storage.StoreUnavailableException">The store does not answer.</exception>
    public async Task<string?> ApplyAsync(
        Session session,
        SessionSecret secret,
        JsonElement claims,
        DateTimeOffset assertedAt,
        DateTimeOffset askedAt,
        ProviderTokens? tokens = null)
    {
        Identity before = session.Identity;
        if (providers.Find(before.Provider)?.Settings is not { } provider)
        {
            await EndAsync(session, SessionEnd.RefusedByTheProvider, "the gateway is no longer set up for that provider");
            return null;
        }

        string issuer = claims.TryGetProperty("iss", out JsonElement named) && ClaimText.TryRead(named, out string? iss) ? iss ?? "" : before.Issuer;
        (Person? person, Refusal? refusal) = decision.Decide(provider, issuer, claims, assertedAt, isSignedIn: true);
        if (person is null)
        {
            await EndAsync(session, SessionEnd.RefusedByTheProvider, refusal!.ForTheLog ?? refusal.Code);
            return null;
        }

        if (before.Person != person.Key)
        {
            await EndAsync(session, SessionEnd.RefusedByTheProvider, "its claims are about another person");
            return null;
        }

        AccountAnswer answer;
        try
        {
            answer = await accounts.RecheckAsync(person, before.UserId);
        }
        catch (PaperlessApiException failure)
        {
            return failure.Message;
        }

        if (answer.Account is not { } account)
        {
            await EndAsync(session, SessionEnd.AccountGone, answer.Refusal?.ForTheLog ?? answer.Refusal?.Code ?? "the account is gone");
            return null;
        }

        await sessions.RenewAsync(
            secret,
            record => record with
            {
                Identity = KeepUnknownGroups(person, person.ToIdentity(account), record.Identity),
                CheckedAt = askedAt > record.CheckedAt ? askedAt : record.CheckedAt,
                Tokens = tokens ?? record.Tokens,
                RefusedAt = null,
            },
            CancellationToken.None);
        return null;
    }

    /// <summary>Paperless alone is asked: whether the user is still there, and under which name.</summary>
    /// <exception cref="Storage.StoreUnavailableException">The store does not answer.</exception>
    public async Task<AccountCheck> FollowAccountAsync(Session session, SessionSecret secret)
    {
        Identity before = session.Identity;
        AccountAnswer answer;
        try
        {
            answer = await accounts.RecheckAsync(before.Person, before.UserId);
        }
        catch (PaperlessApiException failure)
        {
            return new AccountCheck(null, failure.Message);
        }

        if (answer.Account is not { } account)
        {
            await EndAsync(session, SessionEnd.AccountGone, answer.Refusal?.ForTheLog ?? answer.Refusal?.Code ?? "the account is gone");
            return new AccountCheck(answer.Refusal, null);
        }

        Identity now = before with { Username = account.Username, Superuser = account.IsSuperuser };
        if (now != before)
        {
            await sessions.RenewAsync(
                secret,
                record => record with { Identity = record.Identity with { Username = account.Username, Superuser = account.IsSuperuser } },
                CancellationToken.None);
        }

        sessions.MarkAccountChecked(session.Key);
        return AccountCheck.Confirmed;
    }

    public async Task EndAsync(Session session, SessionEnd cause, string reason)
    {
        SessionRefused(session.Identity.Username, session.Identity.Provider, reason, session.Key);
        await revocations.EndAsync(session, cause, CancellationToken.None);
    }

    /// <summary>Groups of which the provider says nothing, or nothing that can be read, are as they were.</summary>
    private static Identity KeepUnknownGroups(Person person, Identity now, Identity before)
    {
        if (now.Groups is not { } groups)
        {
            return now with { Groups = before.Groups, GroupsSource = before.GroupsSource };
        }

        return person.GroupsAreIncomplete ? now with { Groups = [.. groups.Union(before.Groups ?? []).Take(MaxGroups)] } : now;
    }

    [LoggerMessage(
        EventId = 3040,
        EventName = "SessionRefused",
        Level = LogLevel.Warning,
        Message = "Ended the session of {User}: at the recheck, {Provider} or Paperless no longer confirmed it ({Reason}); session {Session}")]
    private partial void SessionRefused(string user, string provider, string reason, SessionKey session);
}
