using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Account links in Redis: a hash for each person, sorted sets by number and sets by (issuer, subject) that lead to them.</summary>
internal sealed class RedisAccounts(RedisConnection redis) : StoredAccounts
{
    private const string LinkKeys = RedisConnection.Prefix + "link:";
    private const string LinksAt = RedisConnection.Prefix + "links-at:";
    private const string LinksOfUser = RedisConnection.Prefix + "links-of:";
    private const string AllLinks = RedisConnection.Prefix + "links";
    private const string LastId = RedisConnection.Prefix + "last-link";
    private const string ReservationKeys = RedisConnection.Prefix + "reservation:";
    private const string ReservedNameKeys = RedisConnection.Prefix + "reserved-name:";

    /// <summary>Whoever was linked once is never found by name again.</summary>
    private const string ClaimedUsers = RedisConnection.Prefix + "claimed-users";

    /// <summary>The names that the user header has carried, and whom each meant.</summary>
    private const string NamedUsers = RedisConnection.Prefix + "named-users";

    private const int MostTries = 3;

    /// <summary>Longer than anybody asks for.</summary>
    private static readonly TimeSpan ReservedNamesKept = TimeSpan.FromHours(1);

    public override Task<AccountLink?> FindAsync(PersonKey person, CancellationToken cancellationToken) =>
        RunAsync(RedisScripts.FindLink, [.. Places(person)], [.. Names(person)], cancellationToken);

    public override Task<AccountLink?> TakeOverAsync(PersonKey person, IReadOnlyCollection<string> configured, CancellationToken cancellationToken) =>
        RunAsync(RedisScripts.TakeOverLink, [.. Places(person), LinksAt + NameBefore(person)], [.. Names(person), .. configured.Select(provider => (RedisValue)provider)], cancellationToken);

    public override Task<IReadOnlyList<AccountLink>> OfUserAsync(int userId, CancellationToken cancellationToken) => ListAsync(LinksOfUser + userId, cancellationToken);

    public override Task<IReadOnlyList<AccountLink>> AllAsync(CancellationToken cancellationToken) => ListAsync(AllLinks, cancellationToken);

    public override async Task<AccountLink?> AddAsync(AccountLink link, bool onlyToFreeUser, CancellationToken cancellationToken)
    {
        PersonKey person = link.Person;
        return await RunAsync(
            RedisScripts.AddLink,
            [
                .. Places(person), ReservationKeys + Name(person), ReservationKeys + NameBefore(person), LinksOfUser + link.UserId, LastId, ClaimedUsers,
                LinksAt + NameBefore(person),
            ],
            [
                .. Names(person), onlyToFreeUser ? 1 : 0, $"{link.UserId} {link.Joined}",
                "issuer", link.Issuer, "subject", link.Subject, "provider", link.Provider, "label", link.Label, "user_id", link.UserId, "joined", link.Joined,
                "linked_at", link.LinkedAt.ToUnixTimeSeconds(), "heard_at", link.HeardAt.ToUnixTimeMilliseconds(),
            ],
            cancellationToken);
    }

    public override Task<AccountLink?> RemoveAsync(long id, int userId, CancellationToken cancellationToken) =>
        RunAsync(RedisScripts.RemoveLinkByNumber, [LinksOfUser + userId, AllLinks], [id, userId], cancellationToken);

    public override Task<AccountLink?> RemoveAsync(PersonKey person, CancellationToken cancellationToken) =>
        RunAsync(RedisScripts.RemoveLinkOfPerson, [.. Places(person)], [.. Names(person)], cancellationToken);

    public override Task NoteAsync(AccountLink link, string label, DateTimeOffset heardAt, CancellationToken cancellationToken) => redis.AskAsync(
        database => database.ScriptEvaluateAsync(
            RedisScripts.NoteLink, [.. Places(link.Person)], [.. Names(link.Person), link.Id, heardAt.ToUnixTimeMilliseconds(), label], CommandFlags.DemandMaster),
        cancellationToken);

    public override Task ReserveAsync(AccountReservation reservation, CancellationToken cancellationToken) => redis.AskAsync(
        async database =>
        {
            string name = Name(reservation.Person);
            await database.HashSetAsync(
                ReservationKeys + name,
                [
                    new HashEntry("username", reservation.Username),
                    new HashEntry("profile", reservation.Profile),
                    new HashEntry("reserved_at", reservation.ReservedAt.ToUnixTimeSeconds()),
                ]);
            await database.HashSetAsync(ReservedName(reservation.Username), name, reservation.ReservedAt.ToUnixTimeSeconds());
            await database.KeyExpireAsync(ReservedName(reservation.Username), ReservedNamesKept);
            return true;
        },
        cancellationToken);

    public override Task DropReservationAsync(PersonKey person, CancellationToken cancellationToken) => redis.AskAsync(
        async database =>
        {
            foreach (string name in ReservationNames(person))
            {
                RedisValue username = await database.HashGetAsync(ReservationKeys + name, "username");
                await database.KeyDeleteAsync(ReservationKeys + name);
                if (!username.IsNull)
                {
                    await database.HashDeleteAsync(ReservedName(username.ToString()), name);
                }
            }

            return true;
        },
        cancellationToken);

    public override async Task<bool> IsReservedByAnotherAsync(string username, PersonKey person, DateTimeOffset since, CancellationToken cancellationToken)
    {
        string[] own = ReservationNames(person);
        HashEntry[] all = await redis.AskAsync(database => database.HashGetAllAsync(ReservedName(username), flags: CommandFlags.DemandMaster), cancellationToken);
        return all.Any(entry => !own.Contains(entry.Name.ToString()) && (long)entry.Value >= since.ToUnixTimeSeconds());
    }

    public override async Task<AccountReservation?> FindReservationAsync(PersonKey person, CancellationToken cancellationToken)
    {
        foreach (string name in ReservationNames(person))
        {
            RedisValue[] fields = await redis.AskAsync(database => database.HashGetAsync(ReservationKeys + name, ["username", "profile", "reserved_at"], flags: CommandFlags.DemandMaster), cancellationToken);
            if (!fields[0].IsNull)
            {
                return new AccountReservation(person, fields[0].ToString(), fields[1].ToString(), DateTimeOffset.FromUnixTimeSeconds((long)fields[2]));
            }
        }

        return null;
    }

    public override async Task NoteNameAsync(string username, int userId, CancellationToken cancellationToken)
    {
        if (await FindNameAsync(username, cancellationToken) != userId)
        {
            await redis.AskAsync(database => database.HashSetAsync(NamedUsers, username, userId), cancellationToken);
        }
    }

    public override async Task<int?> FindNameAsync(string username, CancellationToken cancellationToken) =>
        (int?)await redis.AskAsync(database => database.HashGetAsync(NamedUsers, username, CommandFlags.DemandMaster), cancellationToken);

    public override async Task<IReadOnlyDictionary<string, int>> NamesAsync(CancellationToken cancellationToken) =>
        (await redis.AskAsync(database => database.HashGetAllAsync(NamedUsers, CommandFlags.DemandMaster), cancellationToken))
            .ToDictionary(entry => entry.Name.ToString(), entry => (int)entry.Value, StringComparer.Ordinal);

    private async Task<AccountLink?> FindAsync(string name, CancellationToken cancellationToken) =>
        Read(await redis.AskAsync(database => database.HashGetAllAsync(LinkKeys + name, flags: CommandFlags.DemandMaster), cancellationToken));

    private async Task<IReadOnlyList<AccountLink>> ListAsync(string set, CancellationToken cancellationToken)
    {
        for (int tries = 1; ; tries++)
        {
            RedisValue[] names = await redis.AskAsync(database => database.SortedSetRangeByRankAsync(set, flags: CommandFlags.DemandMaster), cancellationToken);
            AccountLink?[] links = await Task.WhenAll(names.Select(name => FindAsync(name.ToString(), cancellationToken)));

            // A link may be moved to its new name between the two questions.
            if (tries == MostTries || !links.Contains(null))
            {
                return [.. links.OfType<AccountLink>()];
            }
        }
    }

    private async Task<AccountLink?> RunAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken)
    {
        RedisValue[] flat = (RedisValue[])(await redis.AskAsync(database => database.ScriptEvaluateAsync(script, keys, values, CommandFlags.DemandMaster), cancellationToken))!;
        return Read([.. flat.Chunk(2).Select(pair => new HashEntry(pair[0], pair[1]))]);
    }

    private static AccountLink? Read(HashEntry[] entries)
    {
        Dictionary<string, RedisValue> fields = entries.ToDictionary(entry => entry.Name.ToString(), entry => entry.Value);
        return fields.Count == 0 ? null : new AccountLink(
            (long)fields["id"],
            fields["issuer"].ToString(),
            fields["subject"].ToString(),
            fields["provider"].ToString(),
            fields["label"].ToString(),
            (int)fields["user_id"],
            fields["joined"].ToString(),
            DateTimeOffset.FromUnixTimeSeconds((long)fields["linked_at"]),
            DateTimeOffset.FromUnixTimeMilliseconds((long)fields["heard_at"]));
    }

    private static string ReservedName(string username) =>
        ReservedNameKeys + Hash(username.ToUpperInvariant());

    /// <summary>Where a person's link is, where the version before kept it, and the list of all: what every script about one link begins with.</summary>
    private static RedisKey[] Places(PersonKey person) => [LinkKeys + Name(person), LinkKeys + NameBefore(person), AllLinks];

    private static RedisValue[] Names(PersonKey person) => [Name(person), NameBefore(person), person.Provider];

    /// <summary>A reservation of the version before names no provider.</summary>
    private static string[] ReservationNames(PersonKey person) => [Name(person), NameBefore(person)];

    private static string Name(PersonKey person) => Hash($"{person.Provider}\0{person.Issuer}\0{person.Subject}");

    /// <summary>The name of the version before, which did not tell providers apart. It still names what is the same for all of them.</summary>
    private static string NameBefore(PersonKey person) => Hash($"{person.Issuer}\0{person.Subject}");

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
