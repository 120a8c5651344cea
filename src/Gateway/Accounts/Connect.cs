using System.Globalization;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>The user who started a Connect, kept in the protected `state` of the authorization request.</summary>
/// <param name="Session">The key of the gateway's session; null for a password session.</param>
internal sealed record ConnectInitiator(int UserId, string? Session)
{
    public static ConnectInitiator From(SignedInUser user) => new(user.Id, user.Session is { } key ? Convert.ToHexStringLower(key.ToBytes()) : null);

    /// <returns>Null where the text is not what <see cref="ToState"/> wrote.</returns>
    public static ConnectInitiator? Parse(string? state) =>
        state?.Split(' ') is [string id, string session] && int.TryParse(id, CultureInfo.InvariantCulture, out int userId)
            ? new ConnectInitiator(userId, session.Length == 0 ? null : session)
            : null;

    public string ToState() => string.Create(CultureInfo.InvariantCulture, $"{UserId} {Session}");
}

/// <summary>Links a person at a provider to the Paperless user who is signed in; the one way to link a staff or superuser account.</summary>
internal sealed partial class Connect(
    IAccountLinkStore links,
    PaperlessApi api,
    AccountSignIn accounts,
    AccountLinking linking,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <param name="person">What the provider has just said, all of it checked.</param>
    /// <param name="initiator">Who began it.</param>
    /// <param name="now">Who is signed in now.</param>
    /// <returns>Null where the person is that user's from now on, or was before.</returns>
    /// <exception cref="PaperlessApiException">Paperless could not be asked; nothing was linked.</exception>
    public async Task<Refusal?> LinkAsync(Person person, ConnectInitiator initiator, SignedInUser? now)
    {
        if (now is null || ConnectInitiator.From(now) != initiator)
        {
            return ConnectRefusals.SomebodyElse(initiator, now);
        }

        // The person stays locked: a concurrent first sign-in in another browser could create an account.
        return await accounts.WithPersonLockedAsync(person.Key, cancellationToken => LinkAsync(person, now, cancellationToken));
    }

    private async Task<Refusal?> LinkAsync(Person person, SignedInUser now, CancellationToken cancellationToken)
    {
        PaperlessUser? user = await api.FindUserAsync(now.Id, cancellationToken);
        if (user is null)
        {
            return ConnectRefusals.Gone(person, now);
        }

        if (!user.IsActive)
        {
            return AccountRefusals.Inactive(person.NameForLog, user.Username);
        }

        if (!Username.CanBeSent(user.Username))
        {
            return AccountRefusals.NameCannotBeSent(person.NameForLog, user);
        }

        if (await linking.FindAsync(person, cancellationToken) is { } before)
        {
            if (before.UserId != user.Id)
            {
                return ConnectRefusals.Taken(person, before, user);
            }

            return user.HasJoinedAt(before.Joined) ? null : AccountRefusals.Replaced(before, user.Username);
        }

        // The user is synchronised from the next sign-in with this provider on.
        AccountLink link = new(
            0,
            person.Issuer,
            person.Subject,
            person.Provider,
            person.Label,
            user.Id,
            user.DateJoined ?? "",
            time.GetUtcNow(),
            AssertedAt: DateTimeOffset.UnixEpoch);
        if (await links.AddAsync(link, onlyToFreeUser: false, cancellationToken) is { } added && added.UserId != user.Id)
        {
            return ConnectRefusals.Taken(person, added, user);
        }

        Connected(user.Username, user.Id, person.Subject, person.Issuer, person.Provider, now.Session is null ? "a password" : "single sign-on");
        return null;
    }

    [LoggerMessage(
        EventId = 7050,
        EventName = "AccountConnected",
        Level = LogLevel.Information,
        Message = "{User} (user {UserId}) is now linked to {Subject} of {Issuer} at {Provider}: connected by the user, in a session signed in with {How}")]
    private partial void Connected(string user, int userId, string subject, string issuer, string provider, string how);
}

/// <summary>The refusals of a Connect.</summary>
internal static class ConnectRefusals
{
    private const string StartAgain = "Open My Profile in Paperless and start again there.";

    public static Refusal NotFromHere(string? site, string? referer) =>
        new(403, "connect_cross_site", "Start from My Profile", "Another account is connected from Paperless's own pages only, and this request did not "
            + "come from there.")
        {
            Remedy = "Open My Profile in Paperless, and choose the provider there.",
            ForTheOperator = $"Sec-Fetch-Site {site ?? "none"}, {(referer is null ? "no Referer" : "Referer of another origin")}",
        };

    public static Refusal Unconfirmed { get; } =
        new(403, "connect_unconfirmed", "Nothing was connected", "Your provider has not confirmed your access for a while.")
        {
            Remedy = "Open Paperless first: the gateway then asks your provider.",
        };

    public static Refusal Stale(string reason) =>
        new(400, "connect_stale", "This attempt to connect an account has ended", "This browser has no open attempt to connect an account: it is "
            + "finished already, or it took too long.")
        {
            Remedy = "Open My Profile in Paperless: if the account is not listed there, start again.",
            ForTheOperator = reason,
        };

    public static Refusal SomebodyElse(ConnectInitiator initiator, SignedInUser? now)
    {
        string signedIn = now switch
        {
            null => "nobody is",
            _ when now.Id == initiator.UserId => "in another session",
            _ => $"user {now.Id} is",
        };
        return new(403, "connect_session_changed", "Nothing was connected", "You are not signed in as you were when this began.")
        {
            Remedy = StartAgain,
            ForTheOperator = $"Begun by user {initiator.UserId}; now {signedIn} signed in.",
        };
    }

    public static Refusal Taken(Person person, AccountLink link, PaperlessUser user) =>
        new(403, "connect_taken", "Nothing was connected", "This sign-in belongs to another Paperless account.")
        {
            Remedy = "Sign in with it, and disconnect it in My Profile there first; or connect another one.",
            ForTheLog = $"{person.Label}, subject {person.Subject}, is linked to user {link.UserId}; {user.Username} (user {user.Id}) asked for it",
        };

    public static Refusal Gone(Person person, SignedInUser now) =>
        new(403, "account_gone", "This account is gone", "The Paperless account that you are signed in to was deleted.")
        {
            Remedy = Refusal.AskTheOperator,
            ForTheOperator = $"{now.Username}, user {now.Id}, wanted to connect {person.Label}, subject {person.Subject}.",
        };
}
