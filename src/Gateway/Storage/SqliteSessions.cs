using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;

namespace Gateway.Storage;

/// <summary>Sessions in the SQLite file, for a single gateway.</summary>
internal sealed class SqliteSessions(Database database) : ISessionStore
{
    private const string Columns = "key, sid_index, person_index, used_at, expires_at, record, info, version, has_idle_timeout";

    private const int HashBytes = 32;

    /// <summary>A tombstone with a later expiry is unreadable: gateways write tombstones of at most a day.</summary>
    private static readonly TimeSpan MaxTombstoneTtl = TimeSpan.FromDays(2);

    /// <summary>For more keys than this, all keys of the table are read at once.</summary>
    private const int MaxLookups = 500;

    public bool IsShared => false;

    /// <summary>Never raised: there is no other gateway.</summary>
    public event Action<IReadOnlyList<byte[]>>? EndedElsewhere
    {
        add { }
        remove { }
    }

    /// <summary>Never raised: there is no connection that can be lost.</summary>
    public event Action? MessagesLost
    {
        add { }
        remove { }
    }

    public Task<bool> AddAsync(StoredSession session, DateTimeOffset assertedAt, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Sql.Execute(
            connection,
            $"""
            INSERT INTO sessions ({Columns}, heard_at)
            SELECT $key, $sid_index, $person_index, $used_at, $expires_at, $record, $info, $version, $has_idle_timeout, $heard_at
            WHERE NOT EXISTS (SELECT 1 FROM ended WHERE ended.hash = $sid_index)
              AND NOT EXISTS (SELECT 1 FROM ended WHERE ended.hash = $person_index AND ended.ended_at >= $heard_at);
            """,
            ("$key", session.Key),
            ("$sid_index", session.SidIndex),
            ("$person_index", session.PersonIndex),
            ("$used_at", session.UsedAt.ToUnixTimeSeconds()),
            ("$expires_at", session.ExpiresAt.ToUnixTimeSeconds()),
            ("$record", session.Record),
            ("$info", session.Info),
            ("$version", session.Version),
            ("$has_idle_timeout", session.HasIdleTimeout ? 1 : 0),
            ("$heard_at", assertedAt.ToUnixTimeMilliseconds())) > 0,
        cancellationToken);

    public ValueTask<StoredSession?> FindAsync(byte[] key, CancellationToken cancellationToken) => new(database.Read(
        connection => Sql.Read(connection, $"SELECT {Columns} FROM sessions WHERE key = $key;", Session, ("$key", key)).FirstOrDefault()));

    public Task<bool> ReplaceAsync(byte[] key, long version, byte[] record, byte[] info, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Sql.Execute(
            connection,
            "UPDATE sessions SET record = $record, info = $info, version = version + 1 WHERE key = $key AND version = $version;",
            ("$key", key),
            ("$version", version),
            ("$record", record),
            ("$info", info)) > 0,
        cancellationToken);

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

    public Task SetInfoAsync(byte[] key, byte[] info, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Sql.Execute(connection, "UPDATE sessions SET info = $info WHERE key = $key;", ("$key", key), ("$info", info)),
        cancellationToken);

    public Task<bool> RemoveAsync(byte[] key, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Sql.Execute(connection, "DELETE FROM sessions WHERE key = $key;", ("$key", key)) > 0,
        cancellationToken);

    public Task<IReadOnlyList<byte[]>> EndAllAsync(byte[] index, DateTimeOffset at, DateTimeOffset until, bool late, CancellationToken cancellationToken) =>
        database.WriteAsync<IReadOnlyList<byte[]>>(
        connection =>
        {
            Sql.Execute(
                connection,
                """
                INSERT INTO ended (hash, ended_at, until) VALUES ($hash, $ended_at, $until)
                ON CONFLICT (hash) DO UPDATE SET ended_at = MAX(ended_at, excluded.ended_at), until = MAX(until, excluded.until);
                """,
                ("$hash", index),
                ("$ended_at", at.ToUnixTimeMilliseconds()),
                ("$until", until.ToUnixTimeSeconds()));
            return Sql.Read(
                connection,
                """
                DELETE FROM sessions
                WHERE sid_index = $hash OR (person_index = $hash AND (NOT $late OR heard_at <= $at OR typeof(heard_at) <> 'integer'))
                RETURNING key;
                """,
                Key,
                ("$hash", index),
                ("$late", late),
                ("$at", at.ToUnixTimeMilliseconds())).OfType<byte[]>().ToList();
        },
        cancellationToken);

    public Task<IReadOnlyList<StoredSession>> FindByPersonAsync(byte[] personIndex, CancellationToken cancellationToken)
    {
        const string Rows = $"SELECT {Columns} FROM sessions WHERE person_index = $person_index ORDER BY used_at DESC;";
        List<StoredSession?> read = database.Read(connection => Sql.Read(connection, Rows, Session, ("$person_index", personIndex)));
        return Task.FromResult<IReadOnlyList<StoredSession>>([.. read.OfType<StoredSession>()]);
    }

    public Task<bool> AnyAsync(byte[] index, CancellationToken cancellationToken)
    {
        const string Rows = "SELECT 1 FROM sessions WHERE sid_index = $hash OR person_index = $hash LIMIT 1;";
        return Task.FromResult(database.Read(connection => Sql.Read(connection, Rows, row => true, ("$hash", index)).Count > 0));
    }

    public async IAsyncEnumerable<StoredSession> ListAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        byte[] last = [];
        while (true)
        {
            // In pages, so that memory does not hold all sessions at once.
            const string Rows = $"SELECT {Columns} FROM sessions WHERE key > $last ORDER BY key LIMIT 1000;";
            List<(byte[] Key, StoredSession? Session)> page =
                database.Read(connection => Sql.Read(connection, Rows, row => (Sql.Blob(row, 0)!, Session(row)), ("$last", last)));
            foreach (StoredSession session in page.Select(row => row.Session).OfType<StoredSession>())
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return session;
            }

            if (page.Count == 0)
            {
                yield break;
            }

            last = page[^1].Key;
        }
    }

    public Task<IReadOnlyList<byte[]>> FindMissingAsync(IReadOnlyCollection<byte[]> keys, CancellationToken cancellationToken) =>
        Task.FromResult(database.Read<IReadOnlyList<byte[]>>(
        connection =>
        {
            if (keys.Count > MaxLookups)
            {
                // Reads only the index by expiry, which contains the keys. That is far less than this many look-ups read.
                HashSet<byte[]> missing = new(keys, ByteArrayComparer.Comparer);
                foreach (byte[] stored in Sql.Read(connection, "SELECT key FROM sessions ORDER BY expires_at;", Key).OfType<byte[]>())
                {
                    missing.Remove(stored);
                }

                return [.. missing];
            }

            using SqliteCommand find = connection.CreateCommand();
            find.CommandText = "SELECT 1 FROM sessions WHERE key = $key;";
            SqliteParameter key = find.Parameters.Add("$key", SqliteType.Blob);
            List<byte[]> notFound = [];
            foreach (byte[] sessionKey in keys)
            {
                key.Value = sessionKey;
                if (find.ExecuteScalar() is null)
                {
                    notFound.Add(sessionKey);
                }
            }

            return notFound;
        }));

    public Task<int> SweepAsync(DateTimeOffset now, TimeSpan idle, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            (string, object?) seconds = ("$now", now.ToUnixTimeSeconds());
            RepairTombstones(connection, now);
            Sql.Execute(connection, "DELETE FROM ended WHERE until <= $now;", seconds);
            Sql.Execute(connection, "DELETE FROM taken WHERE until <= $now;", seconds);
            return Sql.Execute(
                connection,
                "DELETE FROM sessions WHERE expires_at <= $now OR (used_at <= $idle AND has_idle_timeout <> 0);",
                seconds,
                ("$idle", (now - idle).ToUnixTimeSeconds()));
        },
        cancellationToken);

    public Task CheckAsync(CancellationToken cancellationToken)
    {
        database.Read(connection => Sql.Read(connection, "SELECT COUNT(*) FROM (SELECT 1 FROM sessions LIMIT 1);", row => row.GetInt64(0)));
        return Task.CompletedTask;
    }

    /// <summary>Compares SHA-256 hashes by content. The first four bytes are distributed evenly.</summary>
    private sealed class ByteArrayComparer : IEqualityComparer<byte[]>
    {
        public static readonly ByteArrayComparer Comparer = new();

        public bool Equals(byte[]? one, byte[]? other) => one.AsSpan().SequenceEqual(other);

        public int GetHashCode(byte[] bytes) => BitConverter.ToInt32(bytes, 0);
    }

    /// <summary>
    /// Replaces unreadable tombstones by tombstones of this moment that last a day: the person must sign in once more. Without the repair they would
    /// lock the person out, because SQLite sorts text after all numbers.
    /// </summary>
    private void RepairTombstones(SqliteConnection connection, DateTimeOffset now)
    {
        (string, object?)[] times =
        [
            ("$now", now.ToUnixTimeMilliseconds()),
            ("$until", (now + TimeSpan.FromDays(1)).ToUnixTimeSeconds()),
            ("$longest", (now + MaxTombstoneTtl).ToUnixTimeSeconds()),
        ];
        foreach (byte[]? hash in Sql.Read(
            connection,
            """
            UPDATE ended SET ended_at = $now, until = $until
            WHERE typeof(ended_at) <> 'integer' OR typeof(until) <> 'integer' OR ended_at NOT BETWEEN 0 AND $now + 600000 OR until > $longest RETURNING hash;
            """,
            Key,
            times))
        {
            database.Unreadable.Report("tombstone", Name(hash), "it counts as a logout at this moment");
        }

        Sql.Execute(connection, "UPDATE taken SET until = $until WHERE typeof(until) <> 'integer';", times);
    }

    /// <returns>Null if the row cannot be read. It is removed when its person or `sid` is signed out.</returns>
    private StoredSession? Session(SqliteDataReader row)
    {
        byte[]? key = Key(row);
        bool hasSid = !row.IsDBNull(1);
        byte[]? sid = Sql.Blob(row, 1, HashBytes);
        if (key is not null && (sid is not null || !hasSid)
            && Sql.Blob(row, 2, HashBytes) is { } person
            && Sql.Integer(row, 3) is { } used && StoredTime.FromSeconds(used) is { } usedAt
            && Sql.Integer(row, 4) is { } expires && StoredTime.FromSeconds(expires) is { } expiresAt
            && Sql.Blob(row, 5) is { } record
            && Sql.Blob(row, 6) is { } info
            && Sql.Integer(row, 7) is { } version and >= 1 and < long.MaxValue)
        {
            return new StoredSession(key, sid, person, usedAt, expiresAt, record, info, version) { HasIdleTimeout = Sql.Integer(row, 8) != 0 };
        }

        database.Unreadable.Report("session", Name(key));
        return null;
    }

    private static byte[]? Key(SqliteDataReader row) => Sql.Blob(row, 0, HashBytes);

    private static string Name(byte[]? hash) => hash is null ? "?" : Convert.ToHexStringLower(hash);
}
