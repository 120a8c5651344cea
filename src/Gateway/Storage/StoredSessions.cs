using Microsoft.Data.Sqlite;

namespace Gateway.Storage;

/// <summary>One row: nothing in it opens a session without the cookie's value.</summary>
internal sealed record StoredSession(byte[] Key, DateTimeOffset UsedAt, DateTimeOffset ExpiresAt, byte[] Record);

/// <summary>The table of sessions. Only <see cref="AddAsync"/> makes a row, so no later write brings back one that was ended.</summary>
internal sealed class StoredSessions(Database database)
{
    public Task AddAsync(StoredSession session, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            using SqliteCommand insert = connection.CreateCommand();
            insert.CommandText = "INSERT INTO sessions (key, used_at, expires_at, record) VALUES ($key, $used_at, $expires_at, $record);";
            insert.Parameters.AddWithValue("$key", session.Key);
            insert.Parameters.AddWithValue("$used_at", session.UsedAt.ToUnixTimeSeconds());
            insert.Parameters.AddWithValue("$expires_at", session.ExpiresAt.ToUnixTimeSeconds());
            insert.Parameters.AddWithValue("$record", session.Record);
            return insert.ExecuteNonQuery();
        },
        cancellationToken);

    public StoredSession? Find(ReadOnlySpan<byte> key)
    {
        using SqliteConnection connection = database.Connect();
        using SqliteCommand select = connection.CreateCommand();
        select.CommandText = "SELECT used_at, expires_at, record FROM sessions WHERE key = $key;";
        byte[] keyBytes = key.ToArray();
        select.Parameters.AddWithValue("$key", keyBytes);
        using SqliteDataReader row = select.ExecuteReader();
        return row.Read()
            ? new StoredSession(keyBytes, DateTimeOffset.FromUnixTimeSeconds(row.GetInt64(0)), DateTimeOffset.FromUnixTimeSeconds(row.GetInt64(1)), row.GetFieldValue<byte[]>(2))
            : null;
    }

    /// <summary>Notes when sessions were last used; rows that are gone stay gone.</summary>
    public Task TouchAsync(IReadOnlyCollection<(byte[] Key, DateTimeOffset UsedAt)> uses, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            using SqliteCommand update = connection.CreateCommand();
            update.CommandText = "UPDATE sessions SET used_at = MAX(used_at, $used_at) WHERE key = $key;";
            SqliteParameter key = update.Parameters.Add("$key", SqliteType.Blob);
            SqliteParameter usedAt = update.Parameters.Add("$used_at", SqliteType.Integer);
            int rows = 0;
            foreach ((byte[] sessionKey, DateTimeOffset at) in uses)
            {
                key.Value = sessionKey;
                usedAt.Value = at.ToUnixTimeSeconds();
                rows += update.ExecuteNonQuery();
            }

            return rows;
        },
        cancellationToken);

    /// <returns>Whether there was such a session.</returns>
    public Task<bool> RemoveAsync(byte[] key, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            using SqliteCommand delete = connection.CreateCommand();
            delete.CommandText = "DELETE FROM sessions WHERE key = $key;";
            delete.Parameters.AddWithValue("$key", key);
            return delete.ExecuteNonQuery() > 0;
        },
        cancellationToken);

    /// <summary>Removes what no request may use any more.</summary>
    /// <returns>How many rows went.</returns>
    public Task<int> SweepAsync(DateTimeOffset now, TimeSpan idle, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            using SqliteCommand delete = connection.CreateCommand();
            delete.CommandText = "DELETE FROM sessions WHERE expires_at <= $now OR used_at <= $idle;";
            delete.Parameters.AddWithValue("$now", now.ToUnixTimeSeconds());
            delete.Parameters.AddWithValue("$idle", (now - idle).ToUnixTimeSeconds());
            return delete.ExecuteNonQuery();
        },
        cancellationToken);

    /// <exception cref="SqliteException">The store does not answer.</exception>
    public void Check()
    {
        using SqliteConnection connection = database.Connect();
        using SqliteCommand select = connection.CreateCommand();
        select.CommandText = "SELECT COUNT(*) FROM (SELECT 1 FROM sessions LIMIT 1);";
        select.ExecuteScalar();
    }
}
