using Gateway.Pages;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>
/// Decides which Paperless user somebody is. A person is (issuer, subject) and nothing else: a name finds an account only at a first
/// sign-in, only an ordinary one, and only where the settings say so.
/// </summary>
internal sealed class AccountSignIn(
    StoredAccounts links,
    PaperlessApi api,
    NewAccounts newAccounts,
    AccountUpdate update,
    AccountRefusals refusals,
    GatewaySettings settings,
    AccountLinking linking,
    TimeProvider time)
{
    /// <summary>From the question to the answer, however many requests it takes; less than a stopping gateway waits.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(28);

    private readonly KeyedLocks<(string Issuer, string Subject)> _people = new();

    /// <param name="chosen">The user name that the person has chosen; null where nobody was asked.</param>
    /// <exception cref="PaperlessApiException">Paperless could not be asked, or did not do it; nobody is signed in.</exception>
    public Task<AccountAnswer> SignInAsync(Person person, string? chosen) => InTurnAsync(person, async cancellationToken =>
    {
        await api.SelfAsync(cancellationToken);
        return await DecideAsync(person, chosen, cancellationToken);
    });

    /// <summary>The same for somebody who is in: the link must still lead to that user, and the user follows what the provider says.</summary>
    /// <param name="userId">The Paperless user of the session.</param>
    /// <returns>The account as it is now, or the refusal; there is nothing to choose.</returns>
    /// <exception cref="PaperlessApiException">Paperless could not be asked, or did not do it.</exception>
    public Task<AccountAnswer> RecheckAsync(Person person, int userId) => InTurnAsync(person, async cancellationToken =>
        await links.FindAsync(person.Issuer, person.Subject, cancellationToken) is { } link && link.UserId == userId
            ? await EnterAsync(person, link, cancellationToken)
            : AccountAnswer.Of(AccountRefusals.LinkedOtherwise(person, userId)));

    /// <summary>Works on who a person is while nobody else does, and not for ever.</summary>
    /// <exception cref="PaperlessUnavailableException">It took too long.</exception>
    public async Task<T> InTurnAsync<T>(Person person, Func<CancellationToken, Task<T>> work)
    {
        // Not the request's own token: what is half done when a browser goes away would stay half done.
        using CancellationTokenSource patience = new(Patience, time);
        try
        {
            using IDisposable turn = await _people.TakeAsync((person.Issuer, person.Subject), patience.Token);
            return await work(patience.Token);
        }
        catch (OperationCanceledException error)
        {
            throw new PaperlessUnavailableException("it takes too long", error);
        }
    }

    private async Task<AccountAnswer> DecideAsync(Person person, string? chosen, CancellationToken cancellationToken)
    {
        if (await links.FindAsync(person.Issuer, person.Subject, cancellationToken) is { } link)
        {
            return await EnterAsync(person, link, cancellationToken);
        }

        if (settings.Accounts.MatchByUsername && person.Username is { } name && await MatchAsync(person, name, cancellationToken) is { } matched)
        {
            return matched;
        }

        if (!settings.Accounts.SignupsAllowed)
        {
            return AccountAnswer.Of(refusals.NoAccount(person));
        }

        NewAccounts.Made made = await newAccounts.MakeAsync(person, chosen, cancellationToken);
        if (made.Link is not { } own)
        {
            return AccountAnswer.Choose(made.Proposed, made.Fault);
        }

        // What a new user was made with is what the provider said: it follows from the next sign-in on.
        return made.User is not { } user || own.UserId != user.Id ? await EnterAsync(person, own, cancellationToken)
            : Fault(person, own, user) is { } fault ? AccountAnswer.Of(fault)
            : AccountAnswer.Of(new Account(user.Id, user.Username, user.IsSuperuser));
    }

    /// <summary>Step 2 of the design: an ordinary account of exactly that name that nobody is linked to. Null where there is none.</summary>
    private async Task<AccountAnswer?> MatchAsync(Person person, string name, CancellationToken cancellationToken)
    {
        using IDisposable turn = await newAccounts.NameTurnAsync(name, cancellationToken);
        PaperlessUser? user = (await api.FindUsersAsync(name, cancellationToken)).FirstOrDefault(user => user.Username == name);
        if (user is null || user.IsStaff || user.IsSuperuser || !Username.CanBeSent(name))
        {
            return null;
        }

        if (await links.IsReservedByAnotherAsync(name, person.Issuer, person.Subject, time.GetUtcNow() - NewAccounts.ReservationSlack, cancellationToken))
        {
            // Made a moment ago for somebody of the same name, whose answer got lost.
            return null;
        }

        if (!user.IsActive && (await links.OfUserAsync(user.Id, cancellationToken)).Count == 0)
        {
            // Whoever was switched off does not come back under another name.
            return AccountAnswer.Of(AccountRefusals.Inactive(person, user.Username));
        }

        return await linking.LinkAsync(person, user, onlyToFreeUser: true, DateTimeOffset.UnixEpoch, "by the same user name", cancellationToken) is { } link
            ? await EnterAsync(person, link, cancellationToken)
            : null;
    }

    /// <summary>Step 1: the linked user must be there, be the same one, and be active; then it follows what the provider says.</summary>
    private async Task<AccountAnswer> EnterAsync(Person person, AccountLink link, CancellationToken cancellationToken)
    {
        using IDisposable turn = await update.TurnAsync(link.UserId, cancellationToken);
        PaperlessUser? user = await api.FindUserAsync(link.UserId, cancellationToken);
        if (Fault(person, link, user) is { } refusal)
        {
            return AccountAnswer.Of(refusal);
        }

        user = await update.ApplyAsync(person, user!, cancellationToken);
        return Fault(person, link, user) is { } later
            ? AccountAnswer.Of(later)
            : AccountAnswer.Of(new Account(user.Id, user.Username, user.IsSuperuser));
    }

    private static Refusal? Fault(Person person, AccountLink link, PaperlessUser? user) =>
        user is null ? AccountRefusals.Gone(person, link)
        : !user.JoinedAt(link.Joined) ? AccountRefusals.Replaced(person, link, user.Username)
        : !user.IsActive ? AccountRefusals.Inactive(person, user.Username)
        : !Username.CanBeSent(user.Username) ? AccountRefusals.NameCannotBeSent(person, user)
        : null;
}
