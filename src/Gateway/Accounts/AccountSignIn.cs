using Gateway.Pages;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>
/// Decides which Paperless user somebody is. A person is (issuer, subject) and nothing else: a name finds an account only at a first
/// sign-in, only an ordinary one, and only where the settings say so.
/// </summary>
internal sealed partial class AccountSignIn(
    StoredAccounts links,
    PaperlessApi api,
    NewAccounts newAccounts,
    AccountUpdate update,
    AccountRefusals refusals,
    GatewaySettings settings,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <summary>From the question to the answer, however many requests it takes; less than a stopping gateway waits.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(28);

    private readonly KeyedLocks<(string Issuer, string Subject)> _people = new();

    /// <param name="chosen">The user name that the person has chosen; null where nobody was asked.</param>
    /// <exception cref="PaperlessApiException">Paperless could not be asked, or did not do it; nobody is signed in.</exception>
    public async Task<AccountAnswer> SignInAsync(Person person, string? chosen)
    {
        // Not the request's own token: what is half done when a browser goes away would stay half done.
        using CancellationTokenSource patience = new(Patience);
        try
        {
            using IDisposable turn = await TurnAsync(person, patience.Token);
            await api.SelfAsync(patience.Token);
            return await DecideAsync(person, chosen, patience.Token);
        }
        catch (OperationCanceledException error)
        {
            throw new PaperlessUnavailableException("it takes too long", error);
        }
    }

    /// <summary>Waits until nobody else decides who that person is; dispose of the result to let it go.</summary>
    public Task<IDisposable> TurnAsync(Person person, CancellationToken cancellationToken) => _people.TakeAsync((person.Issuer, person.Subject), cancellationToken);

    private async Task<AccountAnswer> DecideAsync(Person person, string? chosen, CancellationToken cancellationToken)
    {
        if (links.Find(person.Issuer, person.Subject) is { } link)
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
        if (made.User is not { } user)
        {
            return AccountAnswer.Choose(made.Proposed, made.Fault);
        }

        // What it was made with is what the provider said: it follows from the next sign-in on.
        AccountLink own = await LinkAsync(person, user, onlyToFreeUser: false, person.HeardAt, cancellationToken)
            ?? throw new PaperlessUnavailableException("the store does not keep the link to the new account");
        return own.UserId != user.Id ? await EnterAsync(person, own, cancellationToken)
            : Fault(person, own, user) is { } fault ? AccountAnswer.Of(fault)
            : AccountAnswer.Of(new Account(user.Id, user.Username, user.IsSuperuser));
    }

    /// <summary>Step 2 of the design: an ordinary account of exactly that name that nobody is linked to. Null where there is none.</summary>
    private async Task<AccountAnswer?> MatchAsync(Person person, string name, CancellationToken cancellationToken)
    {
        PaperlessUser? user = (await api.FindUsersAsync(name, cancellationToken)).FirstOrDefault(user => user.Username == name);
        if (user is null || user.IsStaff || user.IsSuperuser || !Username.CanBeSent(name))
        {
            return null;
        }

        if (!user.IsActive && links.OfUser(user.Id).Count == 0)
        {
            // Whoever was switched off does not come back under another name.
            return AccountAnswer.Of(AccountRefusals.Inactive(person, user.Username));
        }

        return await LinkAsync(person, user, onlyToFreeUser: true, heardAt: DateTimeOffset.UnixEpoch, cancellationToken) is { } link
            ? await EnterAsync(person, link, cancellationToken)
            : null;
    }

    private async Task<AccountLink?> LinkAsync(Person person, PaperlessUser user, bool onlyToFreeUser, DateTimeOffset heardAt, CancellationToken cancellationToken)
    {
        AccountLink link = new(0, person.Issuer, person.Subject, person.Provider, person.Label, user.Id, user.DateJoined ?? "", time.GetUtcNow(), heardAt);
        AccountLink? added = await links.AddAsync(link, onlyToFreeUser, cancellationToken);
        if (added?.UserId == user.Id)
        {
            AccountLinked(user.Username, user.Id, person.Provider, person.Subject, person.Issuer, onlyToFreeUser ? "by the same user name" : "as a new account");
        }

        return added;
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

    [LoggerMessage(EventId = 7020, EventName = "AccountLinked", Level = LogLevel.Information, Message = "{User} (user {UserId}) is now linked to {Subject} of {Issuer} at {Provider}, {How}")]
    private partial void AccountLinked(string user, int userId, string provider, string subject, string issuer, string how);
}
