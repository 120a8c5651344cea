namespace Gateway.Storage;

/// <summary>The replay cache in the SQLite file. <see cref="SqliteSessions.SweepAsync"/> removes expired tokens.</summary>
internal sealed class SqliteReplayCache(Database database) : IReplayCache
{
    public Task<bool> WasUsedAsync(byte[] hash, CancellationToken cancellationToken) => Task.FromResult(database.Read(
        connection => Sql.Read(connection, "SELECT 1 FROM taken WHERE hash = $hash;", row => row.GetInt64(0), ("$hash", hash)).Count > 0));

    public Task<bool> TryMarkUsedAsync(byte[] hash, DateTimeOffset until, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Sql.Execute(
            connection,
            "INSERT INTO taken (hash, until) VALUES ($hash, $until) ON CONFLICT (hash) DO NOTHING;",
            ("$hash", hash),
            ("$until", until.ToUnixTimeSeconds())) > 0,
        cancellationToken);
}
