using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Account links in Redis: a hash for each person, sorted sets by number and sets by (issuer, subject) that lead to them.</summary>
internal sealed class RedisAccounts(RedisConnection redis, TimeProvider time) : IAccountLinkStore
{
    public const string LinkKind = "account link";
    public const string IndexKind = "set of account links";
    private const string ReservationKind = "reservation of an account";
    private const string NamesKind = "hash of names that the user header has carried";

    /// <summary>Whom a name meant, where that cannot be read: it was somebody, so nobody is found by it.</summary>
    private const int Somebody = 0;

    private const int MaxAttempts = 3;

    /// <summary>Longer than anybody asks for.</summary>
    private static readonly TimeSpan ReservedUsernameTtl = TimeSpan.FromHours(1);

    private readonly RedisLinkRecords _records = new(redis, time);

    public Task<AccountLink?> FindAsync(PersonKey person, CancellationToken cancellationToken) =>
        RunAsync(RedisScripts.FindLink, [.. Places(person)], [.. Prefixes, .. Names(person)], cancellationToken);

    public Task<AccountLink?> TakeOverAsync(PersonKey person, IReadOnlyCollection<string> configured, CancellationToken cancellationToken) =>
        RunAsync(
            RedisScripts.TakeOverLink,
            [.. Places(person), RedisNames.LinksOfSubject + NameBefore(person)],
            [.. Prefixes, .. Names(person), .. configured.Select(provider => (RedisValue)provider)],
            cancellationToken);

    /// <remarks>A set may still name a person whose link could not be read and leads to another user now.</remarks>
    public async Task<IReadOnlyList<AccountLink>> OfUserAsync(int userId, CancellationToken cancellationToken) =>
        [.. (await ListAsync(RedisNames.LinksOfUser + userId, cancellationToken)).Where(link => link.UserId == userId)];

    public Task<IReadOnlyList<AccountLink>> AllAsync(CancellationToken cancellationToken) => ListAsync(RedisNames.AllLinks, cancellationToken);

    public async Task<AccountLink?> AddAsync(AccountLink link, bool onlyToFreeUser, CancellationToken cancellationToken)
    {
        PersonKey person = link.Person;
        await _records.RepairAsync(Name(person), link.UserId, cancellationToken);
        return await RunAsync(
            RedisScripts.AddLink,
            [
                .. Places(person),
                RedisNames.Reservation + Name(person),
                RedisNames.Reservation + NameBefore(person),
                RedisNames.LinksOfUser + link.UserId,
                RedisNames.LastLinkId,
                RedisNames.ClaimedUsers,
                RedisNames.LinksOfSubject + NameBefore(person),
            ],
            [
                .. Prefixes, .. Names(person), onlyToFreeUser ? 1 : 0, $"{link.UserId} {link.Joined}",
                "issuer", link.Issuer, "subject", link.Subject, "provider", link.Provider, "label", link.Label, "user_id", link.UserId, "joined", link.Joined,
                "linked_at", link.LinkedAt.ToUnixTimeSeconds(), "heard_at", link.AssertedAt.ToUnixTimeMilliseconds(),
            ],
            cancellationToken);
    }

    public Task<AccountLink?> RemoveAsync(long id, int userId, CancellationToken cancellationToken) =>
        RunAsync(RedisScripts.RemoveLinkById, [RedisNames.LinksOfUser + userId, RedisNames.AllLinks], [.. Prefixes, id, userId], cancellationToken);

    public async Task<AccountLink?> RemoveAsync(PersonKey person, CancellationToken cancellationToken)
    {
        await _records.RepairAsync(Name(person), userId: null, cancellationToken);
        return await RunAsync(RedisScripts.RemoveLinkOfPerson, [.. Places(person)], [.. Prefixes, .. Names(person)], cancellationToken);
    }

    public Task NoteAsync(AccountLink link, string label, DateTimeOffset assertedAt, CancellationToken cancellationToken) => redis.AskAsync(
        database => database.ScriptEvaluateAsync(
            RedisScripts.NoteLink, [.. Places(link.Person)], [.. Prefixes, .. Names(link.Person), link.Id, assertedAt
                .ToUnixTimeMilliseconds(), label], CommandFlags.DemandMaster),
        cancellationToken);

    public Task ReserveAsync(AccountReservation reservation, CancellationToken cancellationToken) => redis.AskAsync(
        async database =>
        {
            string name = Name(reservation.Person);
            await RedisLinkRecords.FreeAsync(database, (RedisNames.Reservation + name, "hash"), (ReservedName(reservation.Username), "hash"));
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

    public Task DropReservationAsync(PersonKey person, CancellationToken cancellationToken) => redis.AskAsync(
        async database =>
        {
            foreach (string name in ReservationNames(person))
            {
                await RedisLinkRecords.FreeAsync(database, (RedisNames.Reservation + name, "hash"));
                RedisValue username = await database.HashGetAsync(RedisNames.Reservation + name, "username");
                await database.KeyDeleteAsync(RedisNames.Reservation + name);
                if (!username.IsNull)
                {
                    await RedisLinkRecords.FreeAsync(database, (ReservedName(username.ToString()), "hash"));
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
        HashEntry[]? all = await redis.ReadAsync(AskAsync, ReservationKind, key, absent: null, cancellationToken);
        if (all is null)
        {
            // Somebody's, this once: the next one who asks finds it free.
            await redis.AskAsync(database => database.KeyDeleteAsync(key), cancellationToken);
            return true;
        }

        return all.Any(entry => !own.Contains(entry.Name.ToString()) && !(entry.Value.TryParse(out long at) && at < since.ToUnixTimeSeconds()));

        async Task<HashEntry[]?> AskAsync(IDatabase database) => await database.HashGetAllAsync(key, CommandFlags.DemandMaster);
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

    public async Task NoteNameAsync(string username, int userId, CancellationToken cancellationToken)
    {
        if (await FindNameAsync(username, cancellationToken) != userId)
        {
            await redis.ReadAsync(
                database => database.HashSetAsync(RedisNames.NamedUsers, username, userId),
                NamesKind,
                RedisNames.NamedUsers,
                absent: false,
                cancellationToken);
        }
    }

    public async Task<int?> FindNameAsync(string username, CancellationToken cancellationToken) => NamedUser(
        await redis.ReadAsync(
            database => database.HashGetAsync(RedisNames.NamedUsers, username, CommandFlags.DemandMaster),
            NamesKind,
            RedisNames.NamedUsers,
            absent: Somebody,
            cancellationToken));

    public async Task<IReadOnlyDictionary<string, int>> NamesAsync(CancellationToken cancellationToken) =>
        (await redis.ReadAsync(
            database => database.HashGetAllAsync(RedisNames.NamedUsers, CommandFlags.DemandMaster),
            NamesKind,
            RedisNames.NamedUsers,
            [],
            cancellationToken))
            .ToDictionary(entry => entry.Name.ToString(), entry => NamedUser(entry.Value) ?? Somebody, StringComparer.Ordinal);

    private static int? NamedUser(RedisValue value)
    {
        if (value.IsNull)
        {
            return null;
        }

        return value.TryParse(out int id) ? id : Somebody;
    }

    private async Task<IReadOnlyList<AccountLink>> ListAsync(string set, CancellationToken cancellationToken)
    {
        for (int tries = 1; ; tries++)
        {
            RedisValue[] names = await NamesInAsync(set, cancellationToken);
            AccountLink?[] links = await Task.WhenAll(names.Select(name => _records.FindAsync(name.ToString(), cancellationToken)));

            // A link may be moved to its new name between the two questions.
            if (tries == MaxAttempts || !links.Contains(null))
            {
                return [.. links.OfType<AccountLink>()];
            }
        }
    }

    private async Task<RedisValue[]> NamesInAsync(string set, CancellationToken cancellationToken)
    {
        RedisValue[]? names = await redis.ReadAsync(AskAsync, IndexKind, set, absent: null, cancellationToken);
        if (names is null)
        {
            await _records.RebuildAsync(set, cancellationToken);
            names = await redis.ReadAsync(AskAsync, IndexKind, set, absent: null, cancellationToken);
        }

        foreach (RedisValue name in (names ?? []).Where(name => RedisFields.Hash(name.ToString()) is null))
        {
            redis.Unreadable.Report("name in a set of account links", set, "it is taken out");
            await redis.AskAsync(database => database.SortedSetRemoveAsync(set, name), cancellationToken);
        }

        return [.. (names ?? []).Where(name => RedisFields.Hash(name.ToString()) is not null)];

        async Task<RedisValue[]?> AskAsync(IDatabase database) => await database.SortedSetRangeByRankAsync(set, flags: CommandFlags.DemandMaster);
    }

    private async Task<AccountLink?> RunAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken)
    {
        RedisValue[] flat = await redis.ReadAsync(AskAsync, LinkKind, keys[0], [], cancellationToken);
        return _records.Read(values[0].ToString(), [.. flat.Chunk(2).Select(pair => new HashEntry(pair[0], pair[1]))]);

        async Task<RedisValue[]> AskAsync(IDatabase database) =>
            (RedisValue[])(await database.ScriptEvaluateAsync(script, keys, values, CommandFlags.DemandMaster))!;
    }

    private static string ReservedName(string username) =>
        RedisNames.ReservedUsername + Hash(username.ToUpperInvariant());

    /// <summary>Where a person's link is, where the version before kept it, and the list of all: what every script about one link begins with.</summary>
    private static RedisKey[] Places(PersonKey person) => [RedisNames.Link + Name(person), RedisNames.Link + NameBefore(person), RedisNames.AllLinks];

    /// <summary>What every script about links begins its arguments with: scripts find further keys in the links that they read.</summary>
    private static RedisValue[] Prefixes => [RedisNames.Link, RedisNames.LinksOfUser, RedisNames.LinksOfSubject];

    private static RedisValue[] Names(PersonKey person) => [Name(person), NameBefore(person), person.Provider];

    /// <summary>A reservation of the version before names no provider.</summary>
    private static string[] ReservationNames(PersonKey person) => [Name(person), NameBefore(person)];

    private static string Name(PersonKey person) => Hash($"{person.Provider}\0{person.Issuer}\0{person.Subject}");

    /// <summary>The name of the version before, which did not tell providers apart. It still names what is the same for all of them.</summary>
    private static string NameBefore(PersonKey person) => Hash($"{person.Issuer}\0{person.Subject}");

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
