using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Account links in Redis: a hash for each person. Sorted sets (by number) and sets (by issuer and subject) contain their names.</summary>
internal sealed class RedisAccounts(RedisConnection redis, TimeProvider time) : IAccountLinkStore
{
    public const string LinkKind = "account link";
    public const string IndexKind = "set of account links";
    private const string ReservationKind = "reservation of an account";
    private const string PendingKind = "hash of pending account links";
    private const string NamesKind = "hash of names that the user header has carried";

    /// <summary>The user of a name whose entry cannot be read. It differs from every user id, so nobody is matched by that name.</summary>
    private const int UnknownUser = 0;

    private const int MaxAttempts = 3;

    /// <summary>Longer than any caller of <see cref="IsReservedByAnotherAsync"/> looks back.</summary>
    private static readonly TimeSpan ReservedUsernameTtl = TimeSpan.FromHours(1);

    /// <summary>How far the clocks of a gateway and of Redis may differ: Redis must not remove what has not expired.</summary>
    private static readonly TimeSpan PendingLinkTolerance = TimeSpan.FromDays(1);

    private readonly RedisLinkRecords _records = new(redis, time);

    public Task<AccountLink?> FindAsync(PersonKey person, CancellationToken cancellationToken) =>
        RunAsync(RedisLinkScripts.Find, [.. LinkKeys(person)], [.. Prefixes, .. Names(person)], cancellationToken);

    public Task<AccountLink?> AdoptOrphanAsync(PersonKey person, IReadOnlyCollection<string> configured, CancellationToken cancellationToken) =>
        RunAsync(
            RedisLinkScripts.AdoptOrphan,
            [.. LinkKeys(person), RedisNames.LinksOfSubject + LegacyName(person)],
            [.. Prefixes, .. Names(person), .. configured.Select(provider => (RedisValue)provider)],
            cancellationToken);

    /// <remarks>The set may contain a person whose unreadable link was replaced by a link to another user.</remarks>
    public async Task<IReadOnlyList<AccountLink>> FindByUserAsync(int userId, CancellationToken cancellationToken) =>
        [.. (await ListAsync(RedisNames.LinksOfUser + userId, cancellationToken)).Where(link => link.UserId == userId)];

    public Task<IReadOnlyList<AccountLink>> ListAllAsync(CancellationToken cancellationToken) => ListAsync(RedisNames.AllLinks, cancellationToken);

    public async Task<AccountLink?> AddAsync(AccountLink link, bool onlyToFreeUser, CancellationToken cancellationToken)
    {
        PersonKey person = link.Person;
        await _records.RepairAsync(Name(person), link.UserId, cancellationToken);
        return await RunAsync(
            RedisLinkScripts.Add,
            [
                .. LinkKeys(person),
                RedisNames.Reservation + Name(person),
                RedisNames.Reservation + LegacyName(person),
                RedisNames.LinksOfUser + link.UserId,
                RedisNames.LastLinkId,
                RedisNames.ClaimedUsers,
                RedisNames.LinksOfSubject + LegacyName(person),
            ],
            [
                .. Prefixes, .. Names(person), onlyToFreeUser ? 1 : 0, $"{link.UserId} {link.Joined}",
                "issuer", link.Issuer, "subject", link.Subject, "provider", link.Provider, "label", link.Label, "user_id", link.UserId, "joined", link.Joined,
                "linked_at", link.LinkedAt.ToUnixTimeSeconds(), "heard_at", link.AssertedAt.ToUnixTimeMilliseconds(),
            ],
            cancellationToken);
    }

    public Task<AccountLink?> RemoveAsync(long id, int userId, CancellationToken cancellationToken) =>
        RunAsync(RedisLinkScripts.RemoveById, [RedisNames.LinksOfUser + userId, RedisNames.AllLinks], [.. Prefixes, id, userId], cancellationToken);

    public async Task<AccountLink?> RemoveAsync(PersonKey person, CancellationToken cancellationToken)
    {
        await _records.RepairAsync(Name(person), userId: null, cancellationToken);
        return await RunAsync(RedisLinkScripts.RemoveOfPerson, [.. LinkKeys(person)], [.. Prefixes, .. Names(person)], cancellationToken);
    }

    public Task UpdateAssertionAsync(AccountLink link, string label, DateTimeOffset assertedAt, CancellationToken cancellationToken) => redis.ExecuteAsync(
        database => database.ScriptEvaluateAsync(
            RedisLinkScripts.UpdateAssertion, [.. LinkKeys(link.Person)], [.. Prefixes, .. Names(link.Person), link.Id, assertedAt
                .ToUnixTimeMilliseconds(), label], CommandFlags.DemandMaster),
        cancellationToken);

    public Task AddPendingAsync(PendingLink pending, CancellationToken cancellationToken) => redis.ExecuteAsync(
        async database =>
        {
            await RedisLinkRecords.RemoveWrongTypeAsync(database, (RedisNames.PendingLinks, "hash"));
            await database.HashSetAsync(RedisNames.PendingLinks, PendingName(pending), Serialize(pending));
            return await database.KeyExpireAsync(RedisNames.PendingLinks, PendingLink.Ttl + PendingLinkTolerance);
        },
        cancellationToken);

    public async Task<PendingLink?> FindPendingAsync(string provider, string providerUser, DateTimeOffset now, CancellationToken cancellationToken) =>
        (await ListPendingAsync(now, cancellationToken)).FirstOrDefault(pending => pending.Provider == provider && pending.ProviderUser == providerUser);

    /// <remarks>There are a few at most: the operator makes each of them.</remarks>
    public async Task<IReadOnlyList<PendingLink>> ListPendingAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        HashEntry[] entries = await redis.ReadAsync(
            database => database.HashGetAllAsync(RedisNames.PendingLinks, CommandFlags.DemandMaster),
            PendingKind,
            RedisNames.PendingLinks,
            [],
            cancellationToken);
        return [.. entries
            .Select(ParsePending)
            .OfType<PendingLink>()
            .Where(pending => pending.ExpiresAt > now)
            .OrderBy(pending => pending.Provider, StringComparer.Ordinal)
            .ThenBy(pending => pending.ProviderUser, StringComparer.Ordinal)];
    }

    public Task<bool> RemovePendingAsync(PendingLink pending, CancellationToken cancellationToken) => redis.ReadAsync(
        async database => (bool)await database.ScriptEvaluateAsync(
            RedisScripts.RemoveEntry,
            [RedisNames.PendingLinks],
            [PendingName(pending), Serialize(pending)],
            CommandFlags.DemandMaster),
        PendingKind,
        RedisNames.PendingLinks,
        absent: false,
        cancellationToken);

    public Task ReserveAsync(AccountReservation reservation, CancellationToken cancellationToken) => redis.ExecuteAsync(
        async database =>
        {
            string name = Name(reservation.Person);
            await RedisLinkRecords.RemoveWrongTypeAsync(database, (RedisNames.Reservation + name, "hash"), (ReservedName(reservation.Username), "hash"));
            await database.HashSetAsync(
                RedisNames.Reservation + name,
                [
                    new HashEntry("username", reservation.Username),
                    new HashEntry("profile", reservation.Profile),
                    new HashEntry("reserved_at", reservation.ReservedAt.ToUnixTimeSeconds()),
                ]);
            await database.HashSetAsync(ReservedName(reservation.Username), name, reservation.ReservedAt.ToUnixTimeSeconds());
            await database.KeyExpireAsync(ReservedName(reservation.Username), ReservedUsernameTtl);
            return true;
        },
        cancellationToken);

    public Task RemoveReservationAsync(PersonKey person, CancellationToken cancellationToken) => redis.ExecuteAsync(
        async database =>
        {
            foreach (string name in ReservationNames(person))
            {
                await RedisLinkRecords.RemoveWrongTypeAsync(database, (RedisNames.Reservation + name, "hash"));
                RedisValue username = await database.HashGetAsync(RedisNames.Reservation + name, "username");
                await database.KeyDeleteAsync(RedisNames.Reservation + name);
                if (!username.IsNull)
                {
                    await RedisLinkRecords.RemoveWrongTypeAsync(database, (ReservedName(username.ToString()), "hash"));
                    await database.HashDeleteAsync(ReservedName(username.ToString()), name);
                }
            }

            return true;
        },
        cancellationToken);

    public async Task<bool> IsReservedByAnotherAsync(string username, PersonKey person, DateTimeOffset since, CancellationToken cancellationToken)
    {
        string[] own = ReservationNames(person);
        RedisKey key = ReservedName(username);
        HashEntry[]? all = await redis.ReadAsync(QueryAsync, ReservationKind, key, absent: null, cancellationToken);
        if (all is null)
        {
            // The name counts as reserved once. The next look-up finds it free.
            await redis.ExecuteAsync(database => database.KeyDeleteAsync(key), cancellationToken);
            return true;
        }

        return all.Any(entry => !own.Contains(entry.Name.ToString()) && !(entry.Value.TryParse(out long at) && at < since.ToUnixTimeSeconds()));

        async Task<HashEntry[]?> QueryAsync(IDatabase database) => await database.HashGetAllAsync(key, CommandFlags.DemandMaster);
    }

    public async Task<AccountReservation?> FindReservationAsync(PersonKey person, CancellationToken cancellationToken)
    {
        foreach (string name in ReservationNames(person))
        {
            if (await FindReservationAsync(RedisNames.Reservation + name, person, cancellationToken) is { } reservation)
            {
                return reservation;
            }
        }

        return null;
    }

    private async Task<AccountReservation?> FindReservationAsync(RedisKey key, PersonKey person, CancellationToken cancellationToken)
    {
        HashEntry[] entries = await redis.ReadAsync(
            database => database.HashGetAllAsync(key, CommandFlags.DemandMaster), ReservationKind, key, [], cancellationToken);
        RedisFields fields = new(entries);
        if (fields.Text("username") is { } username && fields.Text("profile") is { } profile && fields.Seconds("reserved_at") is { } reservedAt)
        {
            return new AccountReservation(person, username, profile, reservedAt);
        }

        if (entries.Length > 0)
        {
            redis.Unreadable.Report(ReservationKind, key.ToString());
        }

        return null;
    }

    public async Task SaveHeaderNameAsync(string username, int userId, CancellationToken cancellationToken)
    {
        if (await FindHeaderUserAsync(username, cancellationToken) != userId)
        {
            await redis.ReadAsync(
                database => database.HashSetAsync(RedisNames.NamedUsers, username, userId),
                NamesKind,
                RedisNames.NamedUsers,
                absent: false,
                cancellationToken);
        }
    }

    public async Task<int?> FindHeaderUserAsync(string username, CancellationToken cancellationToken) => NamedUser(
        await redis.ReadAsync(
            database => database.HashGetAsync(RedisNames.NamedUsers, username, CommandFlags.DemandMaster),
            NamesKind,
            RedisNames.NamedUsers,
            absent: UnknownUser,
            cancellationToken));

    public async Task<IReadOnlyDictionary<string, int>> ListHeaderNamesAsync(CancellationToken cancellationToken) =>
        (await redis.ReadAsync(
            database => database.HashGetAllAsync(RedisNames.NamedUsers, CommandFlags.DemandMaster),
            NamesKind,
            RedisNames.NamedUsers,
            [],
            cancellationToken))
            .ToDictionary(entry => entry.Name.ToString(), entry => NamedUser(entry.Value) ?? UnknownUser, StringComparer.Ordinal);

    private static string PendingName(PendingLink pending) => Hash($"{pending.Provider}\0{pending.ProviderUser}");

    private static string Serialize(PendingLink pending) => JsonSerializer.Serialize(pending, PendingLinkJson.Default.PendingLink);

    /// <returns>Null if the entry cannot be read, or is not under its own name.</returns>
    private PendingLink? ParsePending(HashEntry entry)
    {
        try
        {
            if (JsonSerializer.Deserialize(entry.Value.ToString(), PendingLinkJson.Default.PendingLink) is { UserId: > 0 } pending
                && entry.Name == PendingName(pending))
            {
                return pending;
            }
        }
        catch (JsonException)
        {
            // Reported below.
        }

        redis.Unreadable.Report(PendingKind, RedisNames.PendingLinks);
        return null;
    }

    private static int? NamedUser(RedisValue value)
    {
        if (value.IsNull)
        {
            return null;
        }

        return value.TryParse(out int id) ? id : UnknownUser;
    }

    private async Task<IReadOnlyList<AccountLink>> ListAsync(string set, CancellationToken cancellationToken)
    {
        for (int tries = 1; ; tries++)
        {
            RedisValue[] names = await ReadMembersAsync(set, cancellationToken);
            AccountLink?[] links = await Task.WhenAll(names.Select(name => _records.FindAsync(name.ToString(), cancellationToken)));

            // A link may be moved to its new name between the two reads.
            if (tries == MaxAttempts || !links.Contains(null))
            {
                return [.. links.OfType<AccountLink>()];
            }
        }
    }

    private async Task<RedisValue[]> ReadMembersAsync(string set, CancellationToken cancellationToken)
    {
        RedisValue[]? names = await redis.ReadAsync(QueryAsync, IndexKind, set, absent: null, cancellationToken);
        if (names is null)
        {
            await _records.RebuildAsync(set, cancellationToken);
            names = await redis.ReadAsync(QueryAsync, IndexKind, set, absent: null, cancellationToken);
        }

        foreach (RedisValue name in (names ?? []).Where(name => RedisFields.Hash(name.ToString()) is null))
        {
            redis.Unreadable.Report("name in a set of account links", set, "it is removed");
            await redis.ExecuteAsync(database => database.SortedSetRemoveAsync(set, name), cancellationToken);
        }

        return [.. (names ?? []).Where(name => RedisFields.Hash(name.ToString()) is not null)];

        async Task<RedisValue[]?> QueryAsync(IDatabase database) => await database.SortedSetRangeByRankAsync(set, flags: CommandFlags.DemandMaster);
    }

    private async Task<AccountLink?> RunAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken)
    {
        RedisValue[] flat = await redis.ReadAsync(QueryAsync, LinkKind, keys[0], [], cancellationToken);
        return _records.Read(values[0].ToString(), [.. flat.Chunk(2).Select(pair => new HashEntry(pair[0], pair[1]))]);

        async Task<RedisValue[]> QueryAsync(IDatabase database) =>
            (RedisValue[])(await database.ScriptEvaluateAsync(script, keys, values, CommandFlags.DemandMaster))!;
    }

    private static string ReservedName(string username) =>
        RedisNames.ReservedUsername + Hash(username.ToUpperInvariant());

    /// <summary>The first keys of every script about one link: the link, the link under its legacy name, and all links.</summary>
    private static RedisKey[] LinkKeys(PersonKey person) => [RedisNames.Link + Name(person), RedisNames.Link + LegacyName(person), RedisNames.AllLinks];

    /// <summary>The first arguments of every script about links: scripts build further keys from the links that they read.</summary>
    private static RedisValue[] Prefixes => [RedisNames.Link, RedisNames.LinksOfUser, RedisNames.LinksOfSubject];

    private static RedisValue[] Names(PersonKey person) => [Name(person), LegacyName(person), person.Provider];

    /// <summary>An older version wrote reservations under names without the provider.</summary>
    private static string[] ReservationNames(PersonKey person) => [Name(person), LegacyName(person)];

    private static string Name(PersonKey person) => Hash($"{person.Provider}\0{person.Issuer}\0{person.Subject}");

    /// <summary>The name without the provider. Older versions used it for links. It still names the set of links of one issuer and subject.</summary>
    private static string LegacyName(PersonKey person) => Hash($"{person.Issuer}\0{person.Subject}");

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PendingLink))]
internal sealed partial class PendingLinkJson : JsonSerializerContext;
