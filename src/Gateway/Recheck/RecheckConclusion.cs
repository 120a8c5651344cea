using System.Text.Json;
using Gateway.Accounts;
using Gateway.Groups;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Recheck;

/// <summary>A provider's confirmation of a session.</summary>
/// <param name="Claims">What the provider says, all of it checked.</param>
/// <param name="AssertedAt">When it said so: part of it may be of a time before.</param>
/// <param name="AskedAt">When it was asked, and said that all is well.</param>
/// <param name="Tokens">Those that came with it; null where the ones that are written down go on.</param>
internal sealed record Confirmation(JsonElement Claims, DateTimeOffset AssertedAt, DateTimeOffset AskedAt, ProviderTokens? Tokens = null)
{
    /// <summary>Whether the browser asked, by a silent authentication.</summary>
    public bool IsRoundTrip { get; init; }

    /// <summary>Whether a refreshed ID token names no provider session (`sid`), although the one before did.</summary>
    public bool LacksSid { get; init; }

    /// <summary>For logs and debuggers: leaves out claims and tokens.</summary>
    public override string ToString() => nameof(Confirmation);
}

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

    /// <returns>Null where it was taken over or the session has ended; else why it could not be.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<string?> ApplyAsync(Session session, SessionSecret secret, Confirmation confirmation)
    {
        JsonElement claims = confirmation.Claims;
        Identity before = session.Identity;
        if (providers.Find(before.Provider)?.Settings is not { } provider)
        {
            await EndAsync(session, SessionEnd.RefusedByTheProvider, "the gateway is no longer set up for that provider");
            return null;
        }

        string issuer = claims.TryGetProperty("iss", out JsonElement named) && ClaimText.TryRead(named, out string? iss) ? iss ?? "" : before.Issuer;
        (Person? person, Refusal? refusal) = decision.Decide(provider, issuer, claims, confirmation.AssertedAt, isSignedIn: true);
        if (person is null)
        {
            await EndAsync(session, SessionEnd.RefusedByTheProvider, refusal!.Reason);
            await revocations.EndDevicePasswordsAsync(before.Person, SessionEnd.RefusedByTheProvider);
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
            await EndAsync(session, SessionEnd.AccountGone, answer.Refusal?.Reason ?? "the account is gone");
            return null;
        }

        await sessions.RenewAsync(
            secret,
            record => record with
            {
                Identity = KeepUnknownGroups(person, person.ToIdentity(account), record.Identity),
                CheckedAt = confirmation.AskedAt > record.CheckedAt ? confirmation.AskedAt : record.CheckedAt,
                Tokens = Tokens(confirmation, record),
                RefusedAt = null,
                SidLostAt = SidLostAt(confirmation, record),
                RoundTripOpenSince = confirmation.IsRoundTrip ? null : record.RoundTripOpenSince,
            },
            CancellationToken.None);
        return null;
    }

    /// <summary>Paperless alone is asked: whether the user is still there, and under which name.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
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
            await EndAsync(session, SessionEnd.AccountGone, answer.Refusal?.Reason ?? "the account is gone");
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

    /// <summary>Only the browser can tell that the person still has a session at the provider.</summary>
    private static DateTimeOffset? SidLostAt(Confirmation confirmation, SessionRecord record)
    {
        if (confirmation.IsRoundTrip)
        {
            return null;
        }

        return record.SidLostAt is null && confirmation.LacksSid ? confirmation.AskedAt : record.SidLostAt;
    }

    /// <summary>A silent authentication of a session that refreshes its tokens may bring no refresh token: the one before is still good.</summary>
    private static ProviderTokens Tokens(Confirmation confirmation, SessionRecord record)
    {
        ProviderTokens tokens = confirmation.Tokens ?? record.Tokens;
        return confirmation.IsRoundTrip && record.SidLostAt is not null && tokens.RefreshToken is null
            ? tokens with { RefreshToken = record.Tokens.RefreshToken, RefreshInDoubt = record.Tokens.RefreshInDoubt }
            : tokens;
    }

    [LoggerMessage(
        EventId = 3040,
        EventName = "SessionRefused",
        Level = LogLevel.Warning,
        Message = "Ended the session of {User}: at the recheck, {Provider} or Paperless no longer confirmed it ({Reason}); session {Session}")]
    private partial void SessionRefused(string user, string provider, string reason, SessionKey session);
}
