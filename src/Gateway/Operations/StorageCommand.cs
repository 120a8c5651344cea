using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>
/// `Gateway storage copy`: copies the account links between SQLite and Redis, and moves the pending links. Each of those is for one sign-in, so that it
/// stands in one store only. Refusals are a log of the last week and stay where they are.
/// </summary>
internal static class StorageCommand
{
    public static async Task<int> CopyAsync(WebApplication app, bool toRedis)
    {
        if (app.Services.GetService<RedisAccounts>() is not { } redis)
        {
            throw new SettingsException(
                [new("GATEWAY_REDIS_URL", "is not set, so there is no Redis to copy to or from.", "Set it, also to copy from Redis to SQLite.")]);
        }

        await app.OpenStorageAsync();
        app.Services.GetRequiredService<Database>().Open();
        SqliteAccounts sqlite = app.Services.GetRequiredService<SqliteAccounts>();
        try
        {
            DateTimeOffset now = app.Services.GetRequiredService<TimeProvider>().GetUtcNow();
            return toRedis ? await CopyAsync(sqlite, redis, "to Redis", now) : await CopyAsync(redis, sqlite, "to the database", now);
        }
        catch (StoreUnavailableException unavailable)
        {
            await Console.Error.WriteLineAsync($"A store cannot be used: {unavailable.Message}. Links copied so far are kept. Run the command again.");
            return 1;
        }
    }

    private static async Task<int> CopyAsync(IAccountLinkStore from, IAccountLinkStore to, string where, DateTimeOffset now)
    {
        IReadOnlyList<AccountLink> links = await from.ListAllAsync(CancellationToken.None);
        List<AccountLink> missing = [];
        List<string> conflicts = [];
        foreach (AccountLink link in links)
        {
            AccountLink? existing = await to.FindAsync(link.Person, CancellationToken.None);
            if (existing is null)
            {
                missing.Add(link);
            }
            else if (IsConflict(existing, link))
            {
                conflicts.Add(DescribeConflict(existing, link));
            }
        }

        foreach (AccountLink link in conflicts.Count > 0 ? [] : missing)
        {
            // A sign-in may have added another link in the meantime.
            AccountLink added = (await to.AddAsync(link, onlyToFreeUser: false, CancellationToken.None))!;
            if (IsConflict(added, link))
            {
                conflicts.Add(DescribeConflict(added, link));
            }
        }

        IReadOnlyDictionary<string, int> names = await to.ListHeaderNamesAsync(CancellationToken.None);
        foreach ((string name, int userId) in (await from.ListHeaderNamesAsync(CancellationToken.None)).Where(entry => !names.ContainsKey(entry.Key)))
        {
            await to.SaveHeaderNameAsync(name, userId, CancellationToken.None);
        }

        int pending = conflicts.Count > 0 ? 0 : await MovePendingAsync(from, to, now, conflicts);
        if (conflicts.Count > 0)
        {
            await Console.Error.WriteLineAsync(Terminal.ReplaceControlCharacters("Not everything was copied, and nothing overwritten: "
                + $"{string.Join(", ", conflicts)}. Remove the wrong links with \"accounts unlink\", then run the command again."));
            return 1;
        }

        string moved = pending > 0 ? $" Pending links moved: {pending}." : "";
        await Console.Out.WriteLineAsync($"{missing.Count} links copied {where}; {links.Count - missing.Count} were there already.{moved}");
        return 0;
    }

    /// <returns>How many were moved.</returns>
    private static async Task<int> MovePendingAsync(IAccountLinkStore from, IAccountLinkStore to, DateTimeOffset now, List<string> conflicts)
    {
        int moved = 0;
        foreach (PendingLink pending in await from.ListPendingAsync(now, CancellationToken.None))
        {
            PendingLink? existing = await to.FindPendingAsync(pending.Provider, pending.ProviderUser, now, CancellationToken.None);
            if (existing is not null && existing != pending)
            {
                conflicts.Add($"{pending.ProviderUser} at {pending.Provider} has another pending link in the target");
                continue;
            }

            // Removed first: it is never in two stores, where two people could use it.
            if (await from.RemovePendingAsync(pending, CancellationToken.None))
            {
                await to.AddPendingAsync(pending, CancellationToken.None);
                moved++;
            }
        }

        return moved;
    }

    /// <summary>Whether the same person is linked to different users.</summary>
    private static bool IsConflict(AccountLink existing, AccountLink link) => existing.UserId != link.UserId || existing.Joined != link.Joined;

    private static string DescribeConflict(AccountLink existing, AccountLink link)
        => $"{link.Subject} of {link.Issuer} is linked to user {link.UserId} in the source and to user {existing.UserId} in the target";
}
