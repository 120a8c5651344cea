using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace Gateway.Storage;

/// <summary>Random keys that outlive the process. None of them opens a session by itself.</summary>
internal sealed class StoredSecrets(Database database)
{
    /// <summary>The key of that name, made where there is none yet.</summary>
    public byte[] GetOrCreate(string name, int bytes)
    {
        using SqliteConnection connection = database.Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = """
            INSERT INTO secrets (name, value) VALUES ($name, $value) ON CONFLICT (name) DO NOTHING;
            SELECT value FROM secrets WHERE name = $name;
            """;
        command.Parameters.AddWithValue("$name", name);
        command.Parameters.AddWithValue("$value", RandomNumberGenerator.GetBytes(bytes));
        return (byte[])command.ExecuteScalar()!;
    }
}
