using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Reads single account links in Redis, and repairs what stands in the way of writing one because it cannot be read.</summary>
internal sealed class RedisLinkRecords(RedisConnection redis, TimeProvider time)
{
    /// <summary>Numbers of links stay far below what Redis and the sets can count.</summary>
    private const long HighestId = 1L << 52;

    public async Task<AccountLink?> FindAsync(string name, CancellationToken cancellationToken) => Read(name, await redis.ReadAsync(
        database => database.HashGetAllAsync(RedisNames.Link + name, flags: CommandFlags.DemandMaster),
        RedisAccounts.LinkKind,
        RedisNames.Link + name,
        [],
        cancellationToken));

    /// <summary>Makes room for what is to be written where something stands that cannot be read; no script fails at it after that.</summary>
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
        bool[] freed = await redis.AskAsync(database => FreeAsync(database, types), cancellationToken);
        foreach (RedisKey set in sets.Where((_, place) => freed[3 + place]))
        {
            await RebuildAsync(set, cancellationToken);
        }

        await FreeLinkAsync(name, cancellationToken);
        await RepairNumbersAsync(cancellationToken);
        RedisType claimed = await redis.AskAsync(database => database.KeyTypeAsync(RedisNames.ClaimedUsers, CommandFlags.DemandMaster), cancellationToken);
        if (claimed is not (RedisType.None or RedisType.Set))
        {
            // Nobody knows any more who was linked once: until the operator removes it, every user counts as taken.
            redis.Unreadable.Report("set of users that were linked once", RedisNames.ClaimedUsers, "nobody is linked by name while it stands");
        }
    }

    /// <summary>A link that cannot be read leads nobody anywhere: it makes room for the person's new one.</summary>
    private async Task FreeLinkAsync(string name, CancellationToken cancellationToken)
    {
        RedisKey key = RedisNames.Link + name;
        HashEntry[] entries = await redis.AskAsync(database => database.HashGetAllAsync(key, CommandFlags.DemandMaster), cancellationToken);
        if (entries.Length > 0 && Read(name, entries) is null)
        {
            await redis.AskAsync(database => database.KeyDeleteAsync(key), cancellationToken);
            await redis.AskAsync(database => database.SortedSetRemoveAsync(RedisNames.AllLinks, name), cancellationToken);
        }
    }

    /// <summary>No number is given twice: where nobody knows the last one, the next is higher than any that can have been.</summary>
    private async Task RepairNumbersAsync(CancellationToken cancellationToken)
    {
        RedisValue last = await redis.AskAsync(database => database.StringGetAsync(RedisNames.LastLinkId, CommandFlags.DemandMaster), cancellationToken);
        SortedSetEntry[] highest = await redis.AskAsync(
            database => database.SortedSetRangeByRankWithScoresAsync(RedisNames.AllLinks, -1, -1, flags: CommandFlags.DemandMaster),
            cancellationToken);
        long atLeast = highest is [{ Score: > 0 and < HighestId } link] ? (long)link.Score : 0;
        if ((last.IsNull && atLeast == 0) || (last.TryParse(out long number) && number >= atLeast && number < HighestId))
        {
            return;
        }

        redis.Unreadable.Report("number of the last account link", RedisNames.LastLinkId, "the next ones are higher than any before");
        await redis.AskAsync(
            database => database.StringSetAsync(RedisNames.LastLinkId, Math.Max(atLeast, time.GetUtcNow().ToUnixTimeMilliseconds())),
            cancellationToken);
    }

    /// <summary>Makes a set of links anew from the links themselves.</summary>
    public async Task RebuildAsync(RedisKey set, CancellationToken cancellationToken)
    {
        redis.Unreadable.Report(RedisAccounts.IndexKind, set.ToString(), "it is made anew");
        await redis.AskAsync(database => FreeAsync(database, (set, "zset")), cancellationToken);
        await using IAsyncEnumerator<RedisKey> keys = redis.KeysAsync(RedisNames.Link + "*").GetAsyncEnumerator(cancellationToken);
        while (await redis.AskAsync(_ => keys.MoveNextAsync().AsTask(), cancellationToken))
        {
            string name = keys.Current.ToString()[RedisNames.Link.Length..];
            if (RedisFields.Hash(name) is null || await FindAsync(name, cancellationToken) is not { } link)
            {
                continue;
            }

            if (set == RedisNames.AllLinks || set == RedisNames.LinksOfUser + link.UserId)
            {
                await redis.AskAsync(database => database.SortedSetAddAsync(set, name, link.Id), cancellationToken);
            }
        }
    }

    /// <returns>For each key whether it had another type, and is gone.</returns>
    public static async Task<bool[]> FreeAsync(IDatabase database, params (RedisKey Key, string Type)[] keys)
    {
        RedisKey[] names = [.. keys.Select(key => key.Key)];
        RedisValue[] types = [.. keys.Select(key => (RedisValue)key.Type)];
        int[] places = (int[])(await database.ScriptEvaluateAsync(RedisScripts.Free, names, types, CommandFlags.DemandMaster))!;
        return [.. Enumerable.Range(1, keys.Length).Select(places.Contains)];
    }

    /// <returns>Null for what is not there, and for what cannot be read.</returns>
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
