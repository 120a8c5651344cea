using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Reads single account links in Redis, and removes unreadable entries that would prevent writing a link.</summary>
internal sealed class RedisLinkRecords(RedisConnection redis, TimeProvider time)
{
    /// <summary>The highest valid number of a link. Scores of sorted sets are doubles, which are exact up to 2^53.</summary>
    private const long MaxId = 1L << 52;

    public async Task<AccountLink?> FindAsync(string name, CancellationToken cancellationToken) => Read(name, await redis.ReadAsync(
        database => database.HashGetAllAsync(RedisNames.Link + name, flags: CommandFlags.DemandMaster),
        RedisAccounts.LinkKind,
        RedisNames.Link + name,
        [],
        cancellationToken));

    /// <summary>Removes or rebuilds the unreadable entries that a script would write to, so that the script cannot fail.</summary>
    public async Task RepairAsync(string name, int? userId, CancellationToken cancellationToken)
    {
        RedisKey[] sets = userId is null ? [RedisNames.AllLinks] : [RedisNames.AllLinks, RedisNames.LinksOfUser + userId];
        (RedisKey, string)[] types =
        [
            (RedisNames.Link + name, "hash"),
            (RedisNames.Reservation + name, "hash"),
            (RedisNames.LastLinkId, "string"),
            .. sets.Select(set => (set, "zset")),
        ];
        bool[] freed = await redis.ExecuteAsync(database => RemoveWrongTypeAsync(database, types), cancellationToken);
        foreach (RedisKey set in sets.Where((_, place) => freed[3 + place]))
        {
            await RebuildAsync(set, cancellationToken);
        }

        await RemoveUnreadableLinkAsync(name, cancellationToken);
        await RepairNumbersAsync(cancellationToken);
        RedisType claimed = await redis.ExecuteAsync(database => database.KeyTypeAsync(RedisNames.ClaimedUsers, CommandFlags.DemandMaster), cancellationToken);
        if (claimed is not (RedisType.None or RedisType.Set))
        {
            // It is unknown which users were linked before. Until the operator deletes the key, no user counts as free.
            redis.Unreadable.Report(
                "set of users that were linked once",
                RedisNames.ClaimedUsers,
                "no account is matched by user name until the operator deletes it");
        }
    }

    /// <summary>Removes a link that cannot be read, so that a new link of the person can be written.</summary>
    private async Task RemoveUnreadableLinkAsync(string name, CancellationToken cancellationToken)
    {
        RedisKey key = RedisNames.Link + name;
        HashEntry[] entries = await redis.ExecuteAsync(database => database.HashGetAllAsync(key, CommandFlags.DemandMaster), cancellationToken);
        if (entries.Length > 0 && Read(name, entries) is null)
        {
            await redis.ExecuteAsync(database => database.KeyDeleteAsync(key), cancellationToken);
            await redis.ExecuteAsync(database => database.SortedSetRemoveAsync(RedisNames.AllLinks, name), cancellationToken);
        }
    }

    /// <summary>No number may be used twice. If the last number is unreadable, the counter continues above all numbers that may have been used.</summary>
    private async Task RepairNumbersAsync(CancellationToken cancellationToken)
    {
        RedisValue last = await redis.ExecuteAsync(database => database.StringGetAsync(RedisNames.LastLinkId, CommandFlags.DemandMaster), cancellationToken);
        SortedSetEntry[] highest = await redis.ExecuteAsync(
            database => database.SortedSetRangeByRankWithScoresAsync(RedisNames.AllLinks, -1, -1, flags: CommandFlags.DemandMaster),
            cancellationToken);
        long atLeast = highest is [{ Score: > 0 and < MaxId } link] ? (long)link.Score : 0;
        if ((last.IsNull && atLeast == 0) || (last.TryParse(out long number) && number >= atLeast && number < MaxId))
        {
            return;
        }

        redis.Unreadable.Report("number of the last account link", RedisNames.LastLinkId, "new numbers are higher than all earlier ones");
        await redis.ExecuteAsync(
            database => database.StringSetAsync(RedisNames.LastLinkId, Math.Max(atLeast, time.GetUtcNow().ToUnixTimeMilliseconds())),
            cancellationToken);
    }

    /// <summary>Rebuilds a set of links from the links themselves.</summary>
    public async Task RebuildAsync(RedisKey set, CancellationToken cancellationToken)
    {
        redis.Unreadable.Report(RedisAccounts.IndexKind, set.ToString(), "it is rebuilt from the links");
        await redis.ExecuteAsync(database => RemoveWrongTypeAsync(database, (set, "zset")), cancellationToken);
        await using IAsyncEnumerator<RedisKey> keys = redis.KeysAsync(RedisNames.Link + "*").GetAsyncEnumerator(cancellationToken);
        while (await redis.ExecuteAsync(_ => keys.MoveNextAsync().AsTask(), cancellationToken))
        {
            string name = keys.Current.ToString()[RedisNames.Link.Length..];
            if (RedisFields.Hash(name) is null || await FindAsync(name, cancellationToken) is not { } link)
            {
                continue;
            }

            if (set == RedisNames.AllLinks || set == RedisNames.LinksOfUser + link.UserId)
            {
                await redis.ExecuteAsync(database => database.SortedSetAddAsync(set, name, link.Id), cancellationToken);
            }
        }
    }

    /// <summary>Removes keys that have another type than the gateway gives them.</summary>
    /// <returns>For each key, whether it was removed.</returns>
    public static async Task<bool[]> RemoveWrongTypeAsync(IDatabase database, params (RedisKey Key, string Type)[] keys)
    {
        RedisKey[] names = [.. keys.Select(key => key.Key)];
        RedisValue[] types = [.. keys.Select(key => (RedisValue)key.Type)];
        int[] places = (int[])(await database.ScriptEvaluateAsync(RedisScripts.RemoveWrongType, names, types, CommandFlags.DemandMaster))!;
        return [.. Enumerable.Range(1, keys.Length).Select(places.Contains)];
    }

    /// <returns>Null if there is no link, or if it cannot be read.</returns>
    public AccountLink? Read(string name, HashEntry[] entries)
    {
        if (entries.Length == 0)
        {
            return null;
        }

        if (new RedisFields(entries).Link() is { } link)
        {
            return link;
        }

        redis.Unreadable.Report(RedisAccounts.LinkKind, name);
        return null;
    }
}
