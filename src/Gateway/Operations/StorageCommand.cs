using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>`Gateway storage copy`: takes the account links along when Redis takes the database's place, or the other way round.</summary>
internal static class StorageCommand
{
    public static async Task<int> CopyAsync(WebApplication app, bool toRedis)
    {
        if (app.Services.GetService<RedisAccounts>() is not { } redis)
        {
            throw new SettingsException(
                [new("GATEWAY_REDIS_URL", "is not set, so there is nothing to copy to or from.", "Set it, also for a copy that leads away from Redis.")]);
        }

        await app.OpenStorageAsync();
        app.Services.GetRequiredService<Database>().Open();
        SqliteAccounts sqlite = app.Services.GetRequiredService<SqliteAccounts>();
        try
        {
            return toRedis ? await CopyAsync(sqlite, redis, "to Redis") : await CopyAsync(redis, sqlite, "to the database");
        }
        catch (StoreUnavailableException away)
        {
            await Console.Error.WriteLineAsync($"A store does not answer: {away.Message}. Links copied so far are kept. Run the command again.");
            return 1;
        }
    }

    private static async Task<int> CopyAsync(IAccountLinkStore from, IAccountLinkStore to, string where)
    {
        IReadOnlyList<AccountLink> links = await from.ListAllAsync(CancellationToken.None);
        List<AccountLink> missing = [];
        List<string> conflicts = [];
        foreach (AccountLink link in links)
        {
            AccountLink? there = await to.FindAsync(link.Person, CancellationToken.None);
            if (there is null)
            {
                missing.Add(link);
            }
            else if (IsAnother(there, link))
            {
                conflicts.Add(Conflict(there, link));
            }
        }

        foreach (AccountLink link in conflicts.Count > 0 ? [] : missing)
        {
            // Somebody may have signed in meanwhile.
            AccountLink now = (await to.AddAsync(link, onlyToFreeUser: false, CancellationToken.None))!;
            if (IsAnother(now, link))
            {
                conflicts.Add(Conflict(now, link));
            }
        }

        IReadOnlyDictionary<string, int> names = await to.ListHeaderNamesAsync(CancellationToken.None);
        foreach ((string name, int userId) in (await from.ListHeaderNamesAsync(CancellationToken.None)).Where(named => !names.ContainsKey(named.Key)))
        {
            await to.SaveHeaderNameAsync(name, userId, CancellationToken.None);
        }

        if (conflicts.Count > 0)
        {
            await Console.Error.WriteLineAsync(Terminal.ReplaceControlCharacters("Not everything was copied, and nothing overwritten: "
                + $"{string.Join(", ", conflicts)}. Remove the wrong links with \"accounts unlink\", then run the command again."));
            return 1;
        }

        await Console.Out.WriteLineAsync($"{missing.Count} links copied {where}; {links.Count - missing.Count} were there already.");
        return 0;
    }

    /// <summary>The same person, and another user.</summary>
    private static bool IsAnother(AccountLink there, AccountLink link) => there.UserId != link.UserId || there.Joined != link.Joined;

    private static string Conflict(AccountLink there, AccountLink link)
        => $"{link.Subject} of {link.Issuer} is user {link.UserId} here and user {there.UserId} there";
}
