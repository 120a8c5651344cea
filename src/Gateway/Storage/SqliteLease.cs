namespace Gateway.Storage;

/// <summary>Leases in the SQLite file, in the row of the session. They prevent the only gateway from rechecking a session twice at a time.</summary>
internal sealed class SqliteLease(Database database, TimeProvider time) : ILease
{
    /// <summary>A lease with a later expiry was not written by a gateway and counts as free.</summary>
    private static readonly TimeSpan MaxTtl = TimeSpan.FromMinutes(10);

    private const string IsFree = "(claimed_until NOT BETWEEN $now + 1 AND $longest OR typeof(claimed_until) <> 'integer')";

    public Task<bool> TryAcquireLeaseAsync(byte[] session, TimeSpan ttl, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        return database.WriteAsync(
            connection => Sql.Execute(
                connection,
                $"UPDATE sessions SET claimed_until = $until WHERE key = $key AND {IsFree};",
                [.. Parameters(session, now), ("$until", (now + ttl).ToUnixTimeMilliseconds())]) > 0,
            cancellationToken);
    }

    public Task ReleaseLeaseAsync(byte[] session, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Sql.Execute(connection, "UPDATE sessions SET claimed_until = 0 WHERE key = $key;", ("$key", session)),
        cancellationToken);

    public Task<bool> IsLeaseFreeAsync(byte[] session, CancellationToken cancellationToken) => Task.FromResult(database.Read(
        connection => Sql.Read(
            connection,
            $"SELECT 1 FROM sessions WHERE key = $key AND NOT {IsFree};",
            row => row.GetInt64(0),
            [.. Parameters(session, time.GetUtcNow())]).Count == 0));

    private static (string Name, object? Value)[] Parameters(byte[] session, DateTimeOffset now) =>
        [("$key", session), ("$now", now.ToUnixTimeMilliseconds()), ("$longest", (now + MaxTtl).ToUnixTimeMilliseconds())];
}
