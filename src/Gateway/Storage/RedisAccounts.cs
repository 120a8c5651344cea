using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Account links in Redis: a hash for each person, and sorted sets by number that lead to them.</summary>
internal sealed class RedisAccounts(RedisConnection redis) : StoredAccounts
{
    private const string LinkKeys = RedisConnection.Prefix + "link:";
    private const string LinksOfUser = RedisConnection.Prefix + "links-of:";
    private const string AllLinks = RedisConnection.Prefix + "links";
    private const string LastId = RedisConnection.Prefix + "last-link";
    private const string ReservationKeys = RedisConnection.Prefix + "reservation:";
    private const string ReservedNameKeys = RedisConnection.Prefix + "reserved-name:";

    /// <summary>Whoever was linked once is never found by name again.</summary>
    private const string ClaimedUsers = RedisConnection.Prefix + "claimed-users";

    /// <summary>Longer than anybody asks for.</summary>
    private static readonly TimeSpan ReservedNamesKept = TimeSpan.FromHours(1);

    public override async Task<AccountLink?> FindAsync(string issuer, string subject, CancellationToken cancellationToken) =>
        await FindAsync(Name(issuer, subject), cancellationToken);

    public override Task<IReadOnlyList<AccountLink>> OfUserAsync(int userId, CancellationToken cancellationToken) => ListAsync(LinksOfUser + userId, cancellationToken);

    public override Task<IReadOnlyList<AccountLink>> AllAsync(CancellationToken cancellationToken) => ListAsync(AllLinks, cancellationToken);

    public override async Task<AccountLink?> AddAsync(AccountLink link, bool onlyToFreeUser, CancellationToken cancellationToken)
    {
        string name = Name(link.Issuer, link.Subject);
        return await RunAsync(
            RedisScripts.AddLink,
            [LinkKeys + name, ReservationKeys + name, AllLinks, LinksOfUser + link.UserId, LastId, ClaimedUsers],
            [
                name, onlyToFreeUser ? 1 : 0, $"{link.UserId} {link.Joined}",
                "issuer", link.Issuer, "subject", link.Subject, "provider", link.Provider, "label", link.Label, "user_id", link.UserId, "joined", link.Joined,
                "linked_at", link.LinkedAt.ToUnixTimeSeconds(), "heard_at", link.HeardAt.ToUnixTimeMilliseconds(),
            ],
            cancellationToken);
    }

    public override async Task<AccountLink?> RemoveAsync(long id, int userId, CancellationToken cancellationToken)
    {
        RedisValue[] names = await redis.AskAsync(database => database.SortedSetRangeByScoreAsync(LinksOfUser + userId, id, id, flags: CommandFlags.DemandMaster), cancellationToken);
        return names is [RedisValue name] ? await RunAsync(RedisScripts.RemoveLink, [LinkKeys + name.ToString(), AllLinks], [name, id, userId], cancellationToken) : null;
    }

    public override async Task<AccountLink?> RemoveAsync(string issuer, string subject, CancellationToken cancellationToken)
    {
        string name = Name(issuer, subject);
        return await RunAsync(RedisScripts.RemoveLink, [LinkKeys + name, AllLinks], [name, "", ""], cancellationToken);
    }

    public override Task NoteAsync(AccountLink link, string label, DateTimeOffset heardAt, CancellationToken cancellationToken) => redis.AskAsync(
        database => database.ScriptEvaluateAsync(RedisScripts.NoteLink, [LinkKeys + Name(link.Issuer, link.Subject)], [link.Id, heardAt.ToUnixTimeMilliseconds(), label], CommandFlags.DemandMaster),
        cancellationToken);

    public override Task ReserveAsync(AccountReservation reservation, CancellationToken cancellationToken) => redis.AskAsync(
        async database =>
        {
            string name = Name(reservation.Issuer, reservation.Subject);
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

    public override Task DropReservationAsync(string issuer, string subject, CancellationToken cancellationToken) => redis.AskAsync(
        async database =>
        {
            string name = Name(issuer, subject);
            RedisValue username = await database.HashGetAsync(ReservationKeys + name, "username");
            await database.KeyDeleteAsync(ReservationKeys + name);
            if (!username.IsNull)
            {
                await database.HashDeleteAsync(ReservedName(username.ToString()), name);
            }

            return true;
        },
        cancellationToken);

    public override async Task<bool> IsReservedByAnotherAsync(string username, string issuer, string subject, DateTimeOffset since, CancellationToken cancellationToken)
    {
        string name = Name(issuer, subject);
        HashEntry[] all = await redis.AskAsync(database => database.HashGetAllAsync(ReservedName(username), flags: CommandFlags.DemandMaster), cancellationToken);
        return all.Any(entry => entry.Name != name && (long)entry.Value >= since.ToUnixTimeSeconds());
    }

    public override async Task<AccountReservation?> FindReservationAsync(string issuer, string subject, CancellationToken cancellationToken)
    {
        RedisValue[] fields = await redis.AskAsync(database => database.HashGetAsync(ReservationKeys + Name(issuer, subject), ["username", "profile", "reserved_at"], flags: CommandFlags.DemandMaster), cancellationToken);
        return fields[0].IsNull ? null : new AccountReservation(issuer, subject, fields[0].ToString(), fields[1].ToString(), DateTimeOffset.FromUnixTimeSeconds((long)fields[2]));
    }

    private async Task<AccountLink?> FindAsync(string name, CancellationToken cancellationToken) =>
        Read(await redis.AskAsync(database => database.HashGetAllAsync(LinkKeys + name, flags: CommandFlags.DemandMaster), cancellationToken));

    private async Task<IReadOnlyList<AccountLink>> ListAsync(string set, CancellationToken cancellationToken)
    {
        RedisValue[] names = await redis.AskAsync(database => database.SortedSetRangeByRankAsync(set, flags: CommandFlags.DemandMaster), cancellationToken);
        AccountLink?[] links = await Task.WhenAll(names.Select(name => FindAsync(name.ToString(), cancellationToken)));
        return [.. links.OfType<AccountLink>()];
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
        ReservedNameKeys + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(username.ToUpperInvariant())));

    /// <summary>A person is (issuer, subject).</summary>
    private static string Name(string issuer, string subject) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{issuer}\0{subject}")));
}
