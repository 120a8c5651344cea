using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Stores random keys of the gateway permanently. None of them gives access to a session.</summary>
internal interface ISecretStore
{
    /// <summary>The key that binds Paperless's cookies to a password sign-in, which has no session of the gateway.</summary>
    public const string PasswordSessionBinding = "local-session-binding";

    public const int PasswordSessionBindingBytes = 32;

    /// <summary>Reads the key of that name, or creates it.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public byte[] GetOrCreate(string name, int bytes);
}

/// <summary>Keys in the SQLite file.</summary>
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
                database.Unreadable.Report("secret", name, "a new secret replaces it, and Paperless cookies of password sign-ins become invalid");
            }

            // If several processes insert a key at once, all of them get the first one.
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

/// <summary>Keys in Redis, shared by all gateways.</summary>
internal sealed class RedisSecrets(RedisConnection redis) : ISecretStore
{
    private readonly ConcurrentDictionary<string, byte[]> _known = new();

    /// <summary>The keys that requests need are read at start, so that no request blocks its thread while it waits for Redis.</summary>
    public byte[] GetOrCreate(string name, int bytes) =>
        _known.TryGetValue(name, out byte[]? known) ? known : GetOrCreateAsync(name, bytes).GetAwaiter().GetResult();

    public async Task<byte[]> GetOrCreateAsync(string name, int bytes)
    {
        RedisKey key = RedisNames.Secret + name;
        RedisResult[] kept = (RedisResult[])(await redis.ExecuteAsync(
            database => database.ScriptEvaluateAsync(RedisScripts.GetOrAddSecret, [key], [RandomNumberGenerator.GetBytes(bytes)], CommandFlags.DemandMaster),
            CancellationToken.None))!;
        if ((int)kept[1] == 1)
        {
            redis.Unreadable.Report("secret", name, "a new secret replaces it, and Paperless cookies of password sign-ins become invalid");
        }

        if ((byte[]?)kept[0] is not { } secret || secret.Length != bytes)
        {
            throw new StoreUnavailableException("Redis did not store a secret of the gateway");
        }

        return _known[name] = secret;
    }
}
