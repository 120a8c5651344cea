using System.Globalization;
using Gateway.Groups;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>A created user and its link, or the reason why the person has to choose a name.</summary>
/// <param name="User">Null if an earlier attempt created the user: the provider's claims still have to be applied.</param>
/// <param name="Proposed">The name to propose; empty if there is none.</param>
/// <param name="Error">Why the chosen name is refused, as the end of the sentence "The user name …".</param>
internal sealed record ProvisioningResult(PaperlessUser? User, AccountLink? Link, string Proposed, PageText? Error)
{
    /// <summary>The person has to say first whether this account is theirs; null where nobody is asked.</summary>
    public Namesake? Namesake { get; private init; }

    public static ProvisioningResult NotCreated(string proposed, PageText? error = null) => new(null, null, proposed, error);

    /// <summary>Somebody else has the name.</summary>
    public bool IsTaken { get; private init; }

    public static ProvisioningResult Taken(string proposed) => NotCreated(proposed, "is taken") with { IsTaken = true };

    public static ProvisioningResult AskFor(Namesake namesake) => new(null, null, "", null) { Namesake = namesake };
}

/// <summary>Creates Paperless users for people who have none.</summary>
internal sealed partial class AccountProvisioning(
    IAccountLinkStore links,
    PaperlessApi api,
    PaperlessGroups groups,
    AccountLinking linking,
    UsernameMatch usernameMatch,
    NamesakeSearch namesakes,
    AccountSettings settings,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <summary>Paperless's start page fails with "Error loading settings" without these permissions.</summary>
    private static readonly string[] FirstPagePermissions = ["view_uisettings", "add_uisettings", "change_uisettings"];

    private const int MaxAttempts = 8;

    /// <summary>Clock difference between gateway and Paperless plus the duration of one attempt.</summary>
    public static readonly TimeSpan ReservationTolerance = TimeSpan.FromMinutes(5);

    /// <summary>One lock for each user name: two sign-ins must not create or match the same user at once.</summary>
    private readonly KeyedLocks<string> _names = new();

    /// <summary>Waits until nobody else finds or makes a user of that name; dispose of the result to let it go.</summary>
    public Task<IDisposable> LockNameAsync(string name, CancellationToken cancellationToken) => _names.AcquireAsync(name.ToUpperInvariant(), cancellationToken);

    /// <param name="chosen">The name that the person has chosen; null where nobody was asked.</param>
    /// <param name="wantsNewAccount">Whether the person has said that no account of the same name is theirs.</param>
    public async Task<ProvisioningResult> ProvisionAsync(Person person, string? chosen, bool wantsNewAccount, CancellationToken cancellationToken)
    {
        if (await FindUserOfLostAttemptAsync(person, cancellationToken) is { } left)
        {
            return new ProvisioningResult(null, left, "", null);
        }

        if (!wantsNewAccount && await namesakes.FindAsync(person, cancellationToken) is { } namesake)
        {
            return ProvisioningResult.AskFor(namesake);
        }

        string cleaned = PersonNames.Clean(person.Username ?? "");
        if (chosen is not null)
        {
            return Username.FindError(chosen) is { } error
                ? ProvisioningResult.NotCreated(chosen, error)
                : await ProvisionAsAsync(person, chosen, cancellationToken);
        }

        if (settings.AutoSignup && person.Username is null)
        {
            cleaned = FindNextBestName(person);
        }

        if (!settings.AutoSignup || cleaned.Length == 0)
        {
            string proposed = cleaned.Length > 0 ? cleaned : PersonNames.Clean(person.Name ?? person.Email?.Split('@')[0] ?? "");
            bool free = proposed.Length == 0 || (!Username.IsReserved(proposed) && (await api.FindUsersAsync(proposed, cancellationToken)).Count == 0);
            return ProvisioningResult.NotCreated(free ? proposed : await FreeNameAsync(proposed, cancellationToken));
        }

        for (int tries = 0; tries < MaxAttempts; tries++)
        {
            string free = tries == 0 && !Username.IsReserved(cleaned) ? cleaned : await FreeNameAsync(cleaned, cancellationToken);
            ProvisioningResult result = await ProvisionAsAsync(person, free, cancellationToken);
            if (!result.IsTaken)
            {
                return result;
            }
        }

        throw new PaperlessUnavailableException(
            $"Paperless reports every name that begins with \"{cleaned}\" as taken",
            PaperlessFault.NotPaperless);
    }

    /// <summary>Without a user name claim, Paperless makes the name of a new account from these. Such a name finds no account that is there.</summary>
    private static string FindNextBestName(Person person)
    {
        string?[] candidates = [person.Email?.Split('@')[0], person.Name, person.Subject];
        return candidates.OfType<string>().Select(PersonNames.Clean).FirstOrDefault(name => name.Length > 0) ?? "";
    }

    /// <summary>The name with the first number from 2 on that nobody has.</summary>
    private async Task<string> FreeNameAsync(string wanted, CancellationToken cancellationToken)
    {
        IReadOnlySet<string> taken = await api.FindUsernamesAsync(Shortened(wanted, ""), cancellationToken);
        for (int number = 2; ; number++)
        {
            string suffix = number.ToString(CultureInfo.InvariantCulture);
            string candidate = Shortened(wanted, suffix) + suffix;
            if (!taken.Contains(candidate))
            {
                return candidate;
            }
        }
    }

    private async Task<ProvisioningResult> ProvisionAsAsync(Person person, string username, CancellationToken cancellationToken)
    {
        using IDisposable turn = await LockNameAsync(username, cancellationToken);
        if ((await api.FindUsersAsync(username, cancellationToken)).Count > 0)
        {
            return ProvisioningResult.Taken(username);
        }

        PaperlessUserChange user = new()
        {
            Username = username,
            Email = person.Email,
            FirstName = person.FirstName,
            LastName = person.LastName,
            IsStaff = person.Staff == true || (settings.SuperusersAreStaff && person.Superuser == true) ? true : null,
            IsSuperuser = person.Superuser == true ? true : null,
            Groups = [.. await GroupsAsync(person, cancellationToken)],
            UserPermissions = FirstPagePermissions,
        };
        AccountReservation reservation = new(person.Key, username, Profile(user.Email, user.FirstName, user.LastName), time.GetUtcNow());
        await links.ReserveAsync(reservation, cancellationToken);
        try
        {
            PaperlessUser made = await CreateAsync(person, user, cancellationToken);
            string[] names = [.. made.Groups.Select(groups.NameOf)];
            AccountMade(made.Username, made.Id, person.Provider, person.Subject, names, made.IsSuperuser, made.IsStaff, person.GroupsSource);

            // While the name is locked: a concurrent first sign-in under this name must find it taken.
            return await linking.LinkAsync(person, made, onlyToFreeUser: true, person.AssertedAt, "as a new account", cancellationToken) is { } link
                ? new ProvisioningResult(made, link, username, null)
                : ProvisioningResult.Taken(username);
        }
        catch (PaperlessRefusedException refused) when (refused.HasField("username"))
        {
            await links.RemoveReservationAsync(person.Key, cancellationToken);

            // If nobody has the name, Paperless itself does not accept it.
            bool taken = (await api.FindUsersAsync(username, cancellationToken)).Count > 0;
            return taken ? ProvisioningResult.Taken(username) : ProvisioningResult.NotCreated(username, "is not accepted by Paperless");
        }
    }

    private async Task<PaperlessUser> CreateAsync(Person person, PaperlessUserChange user, CancellationToken cancellationToken)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                return await api.CreateUserAsync(user, cancellationToken);
            }
            catch (PaperlessRefusedException refused) when (tries == 1 && !refused.HasField("username"))
            {
                // A refused email or a group deleted within the last minute must not block the sign-in.
                ProfileRejected(user.Username!, refused.Message);
                groups.Forget();
                user = user with
                {
                    Email = refused.HasField("email") ? null : user.Email,
                    FirstName = refused.HasField("first_name") ? null : user.FirstName,
                    LastName = refused.HasField("last_name") ? null : user.LastName,
                    Groups = [.. await GroupsAsync(person, cancellationToken)],
                };
            }
        }
    }

    /// <summary>The default groups and the provider's, as far as Paperless has them.</summary>
    private async Task<IEnumerable<int>> GroupsAsync(Person person, CancellationToken cancellationToken)
    {
        HashSet<int> ids = [.. await groups.FindIdsAsync(settings.DefaultGroups, cancellationToken)];
        ids.UnionWith(await groups.FindIdsAsync(person.GroupLookups, cancellationToken));
        return ids.Order();
    }

    /// <summary>The link to the user that an attempt before this one made without ever hearing Paperless's answer; null where there is none.</summary>
    private async Task<AccountLink?> FindUserOfLostAttemptAsync(Person person, CancellationToken cancellationToken)
    {
        if (await links.FindReservationAsync(person.Key, cancellationToken) is not { } reservation)
        {
            return null;
        }

        using IDisposable turn = await LockNameAsync(reservation.Username, cancellationToken);
        PaperlessUser? user = (await api.FindUsersAsync(reservation.Username, cancellationToken)).FirstOrDefault(user => user.Username == reservation.Username);
        bool ours = user is { IsActive: true }
            && (!user.IsSuperuser || person.Superuser == true)
            && (!user.IsStaff || person.Staff == true)
            && Profile(user.Email, user.FirstName, user.LastName) == reservation.Profile
            && DateTimeOffset.TryParse(user.DateJoined, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset joined)
            && joined > reservation.ReservedAt - ReservationTolerance && joined < reservation.ReservedAt + ReservationTolerance;
        if (ours
            && await usernameMatch.CanBeMatchedAsync(user!, cancellationToken)
            && await linking.LinkAsync(
                person,
                user!,
                onlyToFreeUser: true,
                DateTimeOffset.UnixEpoch,
                "as the new account of the attempt before",
                cancellationToken) is { } link)
        {
            return link;
        }

        await links.RemoveReservationAsync(person.Key, cancellationToken);
        return null;
    }

    private static string Profile(string? email, string? first, string? last) => $"{email}\n{first}\n{last}";

    private static string Shortened(string name, string suffix) => name[..Math.Min(name.Length, Username.MaxLength - suffix.Length - 3)];

    [LoggerMessage(
        EventId = 7021,
        EventName = "AccountMade",
        Level = LogLevel.Information,
        Message = "Created the Paperless user {User} ({UserId}) for {Subject} of {Provider}: groups {Groups}, superuser {Superuser}, staff {Staff}, from "
            + "the claim {Claim}")]
    private partial void AccountMade(string user, int userId, string provider, string subject, string[] groups, bool superuser, bool staff, string? claim);

    [LoggerMessage(
        EventId = 7022,
        EventName = "NewAccountNotTaken",
        Level = LogLevel.Warning,
        Message = "Paperless refused part of the profile of the new user {User}: {Reason}. The user is created without that part")]
    private partial void ProfileRejected(string user, string reason);
}
