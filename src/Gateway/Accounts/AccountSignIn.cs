using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>
/// Decides which Paperless user somebody is. A person is (provider, issuer, subject) and nothing else: a name finds an account only at a
/// first sign-in, only an ordinary one, and only where the settings say so.
/// </summary>
internal sealed partial class AccountSignIn(
    IAccountLinkStore links,
    PaperlessApi api,
    AccountProvisioning provisioning,
    AccountSync sync,
    AccountRefusals refusals,
    AccountSettings settings,
    AccountLinking linking,
    UsernameMatch usernameMatch,
    PendingLinks pendingLinks,
    IdentitySettings identity,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <summary>Time limit for all requests of one decision; shorter than the shutdown grace period.</summary>
    private static readonly TimeSpan DecisionTimeout = TimeSpan.FromSeconds(28);

    private readonly KeyedLocks<PersonKey> _people = new();

    /// <param name="chosen">The user name that the person has chosen; null where nobody was asked.</param>
    /// <param name="wantsNewAccount">Whether the person has said that no account of the same name is theirs; else the answer may be that question.</param>
    /// <exception cref="PaperlessApiException">Paperless could not be asked, or did not do it; nobody is signed in.</exception>
    public Task<AccountAnswer> SignInAsync(Person person, string? chosen, bool wantsNewAccount) => WithPersonLockedAsync(person.Key, async cancellationToken =>
    {
        await api.GetTokenOwnerAsync(cancellationToken);
        return await DecideAsync(person, chosen, wantsNewAccount, cancellationToken);
    });

    /// <summary>The same for a program at the provider: only a link that is there leads to an account.</summary>
    /// <exception cref="PaperlessApiException">Paperless could not be asked, or did not do it.</exception>
    public Task<AccountAnswer> SignInLinkedAsync(Person person) => WithPersonLockedAsync(person.Key, async cancellationToken =>
        await links.FindAsync(person.Key, cancellationToken) is { } link
            ? await FollowLinkAsync(person, link, cancellationToken)
            : AccountAnswer.From(AccountRefusals.NotLinked(person)));

    /// <summary>The same for somebody who is in: the link must still lead to that user, and the user follows what the provider says.</summary>
    /// <param name="userId">The Paperless user of the session.</param>
    /// <returns>The account as it is now, or the refusal; there is nothing to choose.</returns>
    /// <exception cref="PaperlessApiException">Paperless could not be asked, or did not do it.</exception>
    public Task<AccountAnswer> RecheckAsync(Person person, int userId) => WithPersonLockedAsync(person.Key, async cancellationToken =>
        await links.FindAsync(person.Key, cancellationToken) is { } link && link.UserId == userId
            ? await FollowLinkAsync(person, link, cancellationToken)
            : AccountAnswer.From(AccountRefusals.LinkedOtherwise(person.NameForLog, userId)));

    /// <summary>The same where the provider has said nothing: whether the link still leads to that user, and what the user is called now.</summary>
    /// <param name="userId">The Paperless user of the session.</param>
    /// <returns>The account as it is now, or the refusal.</returns>
    /// <exception cref="PaperlessApiException">Paperless could not be asked.</exception>
    public Task<AccountAnswer> RecheckAsync(PersonKey person, int userId) => WithPersonLockedAsync(person, async cancellationToken =>
    {
        if (await links.FindAsync(person, cancellationToken) is not { } link || link.UserId != userId)
        {
            return AccountAnswer.From(AccountRefusals.LinkedOtherwise($"subject {person.Subject}", userId));
        }

        PaperlessUser? user = await api.FindUserAsync(userId, cancellationToken);
        return await CompleteAsync(link, user, cancellationToken);
    });

    /// <summary>Runs <paramref name="work"/> while the person is locked, within the time limit.</summary>
    /// <exception cref="PaperlessUnavailableException">It took too long.</exception>
    public async Task<T> WithPersonLockedAsync<T>(PersonKey person, Func<CancellationToken, Task<T>> work)
    {
        // The request's token is not used: a browser that disconnects must not leave an account half created.
        using CancellationTokenSource timeout = new(DecisionTimeout, time);
        try
        {
            using IDisposable turn = await _people.AcquireAsync(person, timeout.Token);
            return await work(timeout.Token);
        }
        catch (OperationCanceledException error)
        {
            throw new PaperlessUnavailableException("Paperless's answers to a sign-in take too long", PaperlessFault.NoAnswer, error);
        }
    }

    private async Task<AccountAnswer> DecideAsync(Person person, string? chosen, bool wantsNewAccount, CancellationToken cancellationToken)
    {
        if (await linking.FindAsync(person, cancellationToken) is { } link)
        {
            return await FollowLinkAsync(person, link, cancellationToken);
        }

        if (person.ProviderUser is null)
        {
            UsernameAbsent(person.Provider, identity.UsernameClaim, person.Subject);
        }

        (AccountLink? pending, Refusal? refusal) = await pendingLinks.UseAsync(person, cancellationToken);
        if (refusal is not null)
        {
            return AccountAnswer.From(refusal);
        }

        if (pending is not null)
        {
            return await FollowLinkAsync(person, pending, cancellationToken);
        }

        if (settings.Match == AccountMatch.Username && person.Username is { } name && await MatchAsync(person, name, cancellationToken) is { } matched)
        {
            return matched;
        }

        if (settings.Match == AccountMatch.VerifiedEmail && person is { EmailIsVerified: true, Email: { } email }
            && await MatchEmailAsync(person, email, cancellationToken) is { } found)
        {
            return found;
        }

        if (!settings.SignupsAllowed)
        {
            return AccountAnswer.From(refusals.NoAccount(person));
        }

        ProvisioningResult made = await provisioning.ProvisionAsync(person, chosen, wantsNewAccount, cancellationToken);
        if (made.Namesake is { } namesake)
        {
            return AccountAnswer.AskFor(namesake);
        }

        if (made.Link is not { } own)
        {
            return AccountAnswer.ChooseName(made.Proposed, made.Error);
        }

        // A new user was created from these claims, so there is nothing to synchronise yet.
        return made.User is { } user && own.UserId == user.Id
            ? await CompleteAsync(own, user, cancellationToken)
            : await FollowLinkAsync(person, own, cancellationToken);
    }

    /// <summary>Links the person to the account of exactly this name. Null if there is none that may be matched.</summary>
    private async Task<AccountAnswer?> MatchAsync(Person person, string name, CancellationToken cancellationToken)
    {
        using IDisposable turn = await provisioning.LockNameAsync(name, cancellationToken);
        PaperlessUser? user = (await api.FindUsersAsync(name, cancellationToken)).FirstOrDefault(user => user.Username == name);
        return user is null ? null : await LinkFoundAsync(person, user, "by the same user name", cancellationToken);
    }

    /// <summary>Matches the only account of this email address, as <see cref="MatchAsync"/> does by name. Null if there is none, or more than one.</summary>
    private async Task<AccountAnswer?> MatchEmailAsync(Person person, string email, CancellationToken cancellationToken)
    {
        // Paperless has no filter for the address and ignores an unknown one.
        PaperlessUser[] users = [.. (await api.ListUsersAsync(cancellationToken)).Where(HasEmail)];
        if (users is not [var found])
        {
            return null;
        }

        using IDisposable turn = await provisioning.LockNameAsync(found.Username, cancellationToken);
        PaperlessUser? user = await api.FindUserAsync(found.Id, cancellationToken);
        return user is not null && user.Username == found.Username && HasEmail(user)
            ? await LinkFoundAsync(person, user, "by the same verified email address", cancellationToken)
            : null;

        bool HasEmail(PaperlessUser user) => string.Equals(user.Email, email, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>While the user's name is locked.</summary>
    private async Task<AccountAnswer?> LinkFoundAsync(Person person, PaperlessUser user, string how, CancellationToken cancellationToken)
    {
        (bool canBeMatched, Refusal? refusal) = await usernameMatch.CheckAsync(person, user, cancellationToken);
        if (!canBeMatched)
        {
            return refusal is null ? null : AccountAnswer.From(refusal);
        }

        return await linking.LinkAsync(person, user, onlyToFreeUser: true, DateTimeOffset.UnixEpoch, how, cancellationToken) is { } link
            ? await FollowLinkAsync(person, link, cancellationToken)
            : null;
    }

    /// <summary>Checks that the linked user exists, is the same user and is active, then synchronises it with the claims.</summary>
    private async Task<AccountAnswer> FollowLinkAsync(Person person, AccountLink link, CancellationToken cancellationToken)
    {
        using IDisposable turn = await sync.LockUserAsync(link.UserId, cancellationToken);
        PaperlessUser? user = await api.FindUserAsync(link.UserId, cancellationToken);
        if (FindRefusal(link, user) is { } refusal)
        {
            return AccountAnswer.From(refusal);
        }

        return await CompleteAsync(link, await sync.ApplyAsync(person, user!, cancellationToken), cancellationToken);
    }

    /// <summary>The account that goes into the session: its name is noted before the user header carries it.</summary>
    private async Task<AccountAnswer> CompleteAsync(AccountLink link, PaperlessUser? user, CancellationToken cancellationToken)
    {
        if (FindRefusal(link, user) is { } refusal)
        {
            return AccountAnswer.From(refusal);
        }

        await links.SaveHeaderNameAsync(user!.Username, user.Id, cancellationToken);
        return AccountAnswer.From(new Account(user.Id, user.Username, user.IsSuperuser));
    }

    private static Refusal? FindRefusal(AccountLink link, PaperlessUser? user)
    {
        if (user is null)
        {
            return AccountRefusals.Gone(link);
        }

        if (!user.HasJoinedAt(link.Joined))
        {
            return AccountRefusals.Replaced(link, user.Username);
        }

        if (!user.IsActive)
        {
            return AccountRefusals.Inactive(link.NameForLog, user.Username);
        }

        return Username.CanBeSent(user.Username) ? null : AccountRefusals.NameCannotBeSent(link.NameForLog, user);
    }

    [LoggerMessage(
        EventId = 7026,
        EventName = "UsernameAbsent",
        Level = LogLevel.Warning,
        Message = "{Provider} sent no user name (claim {Claim}) at the first sign-in of {Subject}, so no account is found by its name, and a new account "
            + "gets its name from the email address, the name or the subject. Add the claim at the provider or correct GATEWAY_USERNAME_CLAIM")]
    private partial void UsernameAbsent(string provider, string claim, string subject);
}
