using Gateway.Groups;
using Gateway.Paperless;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>
/// Synchronises a Paperless user with the provider's claims: email, names, groups, flags. Sends only changes, one update at a time for each
/// user.
/// </summary>
internal sealed partial class AccountSync(
    IAccountLinkStore links,
    PaperlessApi api,
    PaperlessGroups groups,
    AccountSettings settings,
    ILogger<SecurityLog> logger)
{
    private readonly KeyedLocks<int> _users = new();

    /// <summary>Demotions run one at a time: two at once could remove the last two superusers.</summary>
    private readonly KeyedLocks<bool> _superusers = new();

    /// <summary>Waits until nobody else updates the user; dispose of the result to let it go.</summary>
    public Task<IDisposable> LockUserAsync(int userId, CancellationToken cancellationToken) => _users.AcquireAsync(userId, cancellationToken);

    /// <param name="person">What the provider said.</param>
    /// <param name="user">The user as it was read within this turn.</param>
    /// <returns>The user as it is afterwards.</returns>
    public async Task<PaperlessUser> ApplyAsync(Person person, PaperlessUser user, CancellationToken cancellationToken)
    {
        AccountLink? link = await links.FindAsync(person.Key, cancellationToken);
        if (link is null || person.AssertedAt < link.AssertedAt)
        {
            // A later sign-in has stored newer claims.
            return user;
        }

        PaperlessUserChange change = await FindChangeAsync(person, user, cancellationToken);
        if (!change.IsNothing)
        {
            PaperlessUser before = user;
            (user, PaperlessUserChange sent) = await SendAsync(person, user, change, cancellationToken);
            LogChanges(person, before, user, sent);
        }

        await links.UpdateAssertionAsync(link, person.Label, person.AssertedAt, cancellationToken);
        return user;
    }

    private async Task<PaperlessUserChange> FindChangeAsync(Person person, PaperlessUser user, CancellationToken cancellationToken)
    {
        bool? superuser = await FindSuperuserChangeAsync(person, user, cancellationToken);

        // A superuser without the staff flag sees neither Paperless's logs nor its admin site.
        bool givesStaff = settings.SuperusersAreStaff && (person.Superuser ?? person.Staff) is not null;
        bool isStaffAsSuperuser = (superuser ?? user.IsSuperuser) && (user.IsStaff || givesStaff);
        bool staff = isStaffAsSuperuser || (person.Staff ?? user.IsStaff);
        PaperlessUserChange change = new()
        {
            Email = ChangedOrNull(person.Email, user.Email),
            FirstName = ChangedOrNull(person.FirstName, user.FirstName),
            LastName = ChangedOrNull(person.LastName, user.LastName),
            IsStaff = staff == user.IsStaff ? null : staff,
            IsSuperuser = superuser,
        };
        if (!settings.SyncGroups || person.Groups is null)
        {
            return change;
        }

        IReadOnlySet<int> wanted = await FindGroupsAsync(person, user, cancellationToken);
        return wanted.SetEquals(user.Groups) ? change : change with { Groups = [.. wanted.Order()] };
    }

    /// <summary>The provider's groups; with those that the user has, where the provider's claim was not read completely.</summary>
    private async Task<IReadOnlySet<int>> FindGroupsAsync(Person person, PaperlessUser user, CancellationToken cancellationToken)
    {
        IReadOnlySet<int> named = await groups.FindIdsAsync(person.GroupLookups, cancellationToken);
        return person.GroupsAreIncomplete ? named.Union(user.Groups).ToHashSet() : named;
    }

    private async Task<bool?> FindSuperuserChangeAsync(Person person, PaperlessUser user, CancellationToken cancellationToken)
    {
        if (person.Superuser is not { } wanted || wanted == user.IsSuperuser)
        {
            return null;
        }

        if (wanted)
        {
            return true;
        }

        if (user.Id == (await api.GetTokenOwnerAsync(cancellationToken)).Id)
        {
            SuperuserKept(user.Username, "the gateway uses this account's API token");
            return null;
        }

        return false;
    }

    /// <summary>Sends the change. Names and email that Paperless refuses are left out, so that groups and flags still apply.</summary>
    /// <returns>The user as it is afterwards, and the change that Paperless took.</returns>
    private async Task<(PaperlessUser User, PaperlessUserChange Sent)> SendAsync(
        Person person,
        PaperlessUser user,
        PaperlessUserChange change,
        CancellationToken cancellationToken)
    {
        using IDisposable? turn = change.IsSuperuser == false ? await _superusers.AcquireAsync(true, cancellationToken) : null;
        if (change.IsSuperuser == false
            && !(await api.ListUsersAsync(cancellationToken)).Any(other => other.Id != user.Id && other is { IsSuperuser: true, IsActive: true }))
        {
            SuperuserKept(user.Username, "it is the last active superuser");
            change = change with { IsSuperuser = null, IsStaff = change.IsStaff == true ? true : null };
        }

        for (int tries = 1; !change.IsNothing; tries++)
        {
            try
            {
                return (await api.ChangeUserAsync(user.Id, change, cancellationToken), change);
            }
            catch (PaperlessRefusedException refused) when (tries < 3)
            {
                PaperlessUserChange less = await WithoutRejectedAsync(change, refused, person, user, cancellationToken);
                if (less == change)
                {
                    throw;
                }

                change = less;
            }
            catch (PaperlessUnavailableException failure)
                when (failure.IsInternalServerError && (change.Email ?? change.FirstName ?? change.LastName) is not null)
            {
                // The database may reject a character in a name; groups and flags are still updated.
                ProfileRejected(person.Label, failure.Message);
                change = change with { Email = null, FirstName = null, LastName = null };
            }
        }

        return (user, change);
    }

    private async Task<PaperlessUserChange> WithoutRejectedAsync(
        PaperlessUserChange change,
        PaperlessRefusedException refused,
        Person person,
        PaperlessUser user,
        CancellationToken cancellationToken)
    {
        ProfileRejected(person.Label, refused.Message);
        if (refused.HasField("groups") && change.Groups is not null)
        {
            // A group that was deleted within the last minute.
            groups.Forget();
            PaperlessUser now = await api.FindUserAsync(user.Id, cancellationToken) ?? user;
            return change with { Groups = [.. (await FindGroupsAsync(person, now, cancellationToken)).Order()] };
        }

        return change with
        {
            Email = refused.HasField("email") ? null : change.Email,
            FirstName = refused.HasField("first_name") ? null : change.FirstName,
            LastName = refused.HasField("last_name") ? null : change.LastName,
        };
    }

    private void LogChanges(Person person, PaperlessUser before, PaperlessUser after, PaperlessUserChange sent)
    {
        if (sent.Groups is not null)
        {
            LogGroups(person, before, after);
        }

        if (before.IsSuperuser != after.IsSuperuser)
        {
            FlagChanged(after.Username, after.IsSuperuser ? "is now" : "is no longer", "superuser", person.GroupsSource, person.Provider);
        }

        if (before.IsStaff != after.IsStaff)
        {
            FlagChanged(after.Username, after.IsStaff ? "is now" : "is no longer", "staff", person.GroupsSource, person.Provider);
        }

        if (before.Email != after.Email || before.FirstName != after.FirstName || before.LastName != after.LastName)
        {
            ProfileChanged(after.Username, person.Provider);
        }
    }

    private void LogGroups(Person person, PaperlessUser before, PaperlessUser after)
    {
        string[] added = [.. after.Groups.Except(before.Groups).Select(groups.NameOf)];
        string[] removed = [.. before.Groups.Except(after.Groups).Select(groups.NameOf)];
        if (added.Length + removed.Length > 0)
        {
            GroupsChanged(after.Username, added, removed, person.GroupsSource, person.Provider);
        }

        if (removed.Length > 0 && after.Groups.Count == 0 && person.ShownGroups.Count > 0)
        {
            LastGroupRemoved(after.Username, person.ShownGroups, person.GroupsSource, person.Provider);
        }
    }

    /// <summary>Null if the claim is absent or equal: then the value stays as it is.</summary>
    private static string? ChangedOrNull(string? said, string? there) => said is null || said == (there ?? "") ? null : said;

    [LoggerMessage(
        EventId = 7030,
        EventName = "GroupsChanged",
        Level = LogLevel.Information,
        Message = "The groups of {User} changed: added {Added}, removed {Removed}, from the claim {Claim} of {Provider}")]
    private partial void GroupsChanged(string user, string[] added, string[] removed, string? claim, string provider);

    [LoggerMessage(
        EventId = 7031,
        EventName = "FlagChanged",
        Level = LogLevel.Information,
        Message = "{User} {Change} {Flag}, from the claim {Claim} of {Provider}")]
    private partial void FlagChanged(string user, string change, string flag, string? claim, string provider);

    [LoggerMessage(
        EventId = 7032,
        EventName = "ProfileChanged",
        Level = LogLevel.Information,
        Message = "The email or the name of {User} was updated from {Provider}")]
    private partial void ProfileChanged(string user, string provider);

    [LoggerMessage(
        EventId = 7033,
        EventName = "SuperuserKept",
        Level = LogLevel.Warning,
        Message = "{User} stays superuser although the provider's groups no longer grant it: {Reason}")]
    private partial void SuperuserKept(string user, string reason);

    [LoggerMessage(
        EventId = 7034,
        EventName = "ProfileNotTaken",
        Level = LogLevel.Warning,
        Message = "Paperless refused part of the profile of {Person}: {Reason}. The rest is updated")]
    private partial void ProfileRejected(string person, string reason);

    [LoggerMessage(
        EventId = 7035,
        EventName = "LastGroupRemoved",
        Level = LogLevel.Warning,
        Message = "{User} is now in no group: none of {Entries}, from the claim {Claim} of {Provider}, leads to a group in Paperless. If that is wrong, "
            + "map the names with GATEWAY_GROUP_MAP or create the groups")]
    private partial void LastGroupRemoved(string user, IReadOnlyList<string> entries, string? claim, string provider);
}
