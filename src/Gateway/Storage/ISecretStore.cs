using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Random keys that outlive the process. None of them opens a session by itself.</summary>
internal interface ISecretStore
{
    /// <summary>Binds Paperless's session to nobody's of the gateway's.</summary>
    public const string PasswordSessionBinding = "local-session-binding";

    public const int PasswordSessionBindingBytes = 32;

    /// <summary>The key of that name, made where there is none yet.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public byte[] GetOrCreate(string name, int bytes);
}

/// <summary>In the SQLite file.</summary>
internal sealed class SqliteSecrets(Database database) : ISecretStore
{
    public byte[] GetOrCreate(string name, int bytes)
    {
        try
        {
            using SqliteConnection connection = database.Connect();
            List<byte[]?> kept = Sql.Read(connection, "SELECT value FROM secrets WHERE name = $name;", row => Sql.Blob(row, 0, bytes), ("$name", name));
            if (kept is [{ } secret])
            {
                return secret;
            }

            if (kept.Count > 0)
            {
                database.Unreadable.Report("secret", name, "a new one takes its place");
            }

            // Of several that come at once the first one's is everybody's.
            return Sql.Read(
                connection,
                """
                INSERT INTO secrets (name, value) VALUES ($name, $value)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE typeof(value) <> 'blob' OR length(value) <> length(excluded.value);
                SELECT value FROM secrets WHERE name = $name;
                """,
                row => row.GetFieldValue<byte[]>(0),
                ("$name", name),
                ("$value", RandomNumberGenerator.GetBytes(bytes))).Single();
        }
        catch (SqliteException error)
        {
            throw new StoreUnavailableException(error.Message, error);
        }
    }
}

/// <summary>In Redis, the same for all replicas.</summary>
internal sealed class RedisSecrets(RedisConnection redis) : ISecretStore
{
    private readonly ConcurrentDictionary<string, byte[]> _known = new();

    /// <summary>What requests ask for is asked for at start: none of them waits for Redis with its thread.</summary>
    public byte[] GetOrCreate(string name, int bytes) =>
        _known.TryGetValue(name, out byte[]? known) ? known : GetOrCreateAsync(name, bytes).GetAwaiter().GetResult();

    public async Task<byte[]> GetOrCreateAsync(string name, int bytes)
    {
        RedisKey key = RedisNames.Secret + name;
        RedisResult[] kept = (RedisResult[])(await redis.AskAsync(
            database => database.ScriptEvaluateAsync(RedisScripts.KeepSecret, [key], [RandomNumberGenerator.GetBytes(bytes)], CommandFlags.DemandMaster),
            CancellationToken.None))!;
        if ((int)kept[1] == 1)
        {
            redis.Unreadable.Report("secret", name, "a new one takes its place");
        }

        if ((byte[]?)kept[0] is not { } secret || secret.Length != bytes)
        {
            throw new StoreUnavailableException("Redis does not keep what it is given");
        }

        return _known[name] = secret;
    }
}
