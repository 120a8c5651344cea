using Gateway.Accounts;
using Gateway.Paperless;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Checks;

/// <summary>Says of each Paperless user who becomes it at a first sign-in: `check --accounts`. It is not one of the checks of every run.</summary>
internal sealed class AccountsCheck(PaperlessApi api, IAccountLinkStore links, IServiceProvider services, AccountSettings settings, StorageSettings storage)
    : ICheck
{
    /// <summary>A longer list is cut, and says so.</summary>
    private const int MaxUsers = 1000;

    public string Subject => "accounts";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel)
    {
        IReadOnlyList<PaperlessUser> users;
        try
        {
            users = await api.ListUsersAsync(cancel);
        }
        catch (PaperlessApiException failure)
        {
            return [Finding.Skipped(Subject, $"not listed, because Paperless does not give its users ({failure.Message.TrimEnd('.')})")];
        }

        bool hasStore;
        try
        {
            hasStore = OpenStore();
        }
        catch (SettingsException)
        {
            return [Finding.Skipped(Subject, "not listed, because the database cannot be read, or a newer version of the gateway wrote it")];
        }

        ILookup<int, AccountLink> linked = (hasStore ? await links.ListAllAsync(cancel) : []).ToLookup(link => link.UserId);
        ILookup<string, PaperlessUser> spellings = users.ToLookup(user => user.Username, StringComparer.OrdinalIgnoreCase);
        List<Finding> findings =
        [
            .. users.Take(MaxUsers).Select(user => Judge(
                user,
                linked[user.Id].FirstOrDefault(link => user.HasJoinedAt(link.Joined)),
                spellings[user.Username].FirstOrDefault(other => other.Id != user.Id))),
        ];
        if (users.Count > MaxUsers)
        {
            findings.Add(Finding.Skipped(Subject, $"{users.Count - MaxUsers} more users are not listed"));
        }

        return findings;
    }

    private Finding Judge(PaperlessUser user, AccountLink? link, PaperlessUser? namesake)
    {
        string subject = $"user {user.Username}";
        if (link is not null)
        {
            return Finding.Good(subject, $"linked to {link.Label} at {link.Provider}");
        }

        if (!user.IsActive)
        {
            return Finding.Good(subject, "switched off: nobody signs in to it");
        }

        string command = $"Or link the person beforehand: {LinkCommand.ForLater(user.Username)}";
        if (namesake is not null)
        {
            return Finding.Warning(
                subject,
                $"differs from the user {namesake.Username} in letter case only",
                $"A sign-in finds the user of exactly the provider's name. Rename one of them. {command}");
        }

        if (user.IsSuperuser || user.IsStaff)
        {
            string kind = user.IsSuperuser ? "a superuser" : "staff";
            return Finding.Warning(subject, $"{kind}, so no sign-in finds it by its name", $"The person is asked for its Paperless password. {command}");
        }

        return settings.Match switch
        {
            AccountMatch.Username => Finding.Good(subject, "the first person of this name at the provider gets it"),
            AccountMatch.VerifiedEmail => string.IsNullOrEmpty(user.Email)
                ? Finding.Warning(subject, "has no email address, so no sign-in finds it", $"Add the address in Paperless. {command}")
                : Finding.Good(subject, "the first person with its verified email address gets it"),
            _ => Finding.Good(subject, "a person of this name is asked for its Paperless password"),
        };
    }

    /// <returns>Whether there is a store: the first start makes the database.</returns>
    /// <exception cref="SettingsException">The database cannot be read.</exception>
    private bool OpenStore()
    {
        Database database = services.GetRequiredService<Database>();
        if (storage.Redis is not null || database.ReadSchema() is null)
        {
            return storage.Redis is not null;
        }

        database.OpenForReading();
        return true;
    }
}
