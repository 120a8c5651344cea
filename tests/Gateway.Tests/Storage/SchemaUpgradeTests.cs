using System.Runtime.Versioning;
using Gateway.Settings;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.Storage;

/// <summary>Databases of every earlier schema, as `Schemas` has them with data: the upgrade keeps the data, and makes a copy first.</summary>
/// <remarks>
/// Each file of `Schemas` is a frozen copy of what a release wrote: written out in full although the files repeat each other, and never changed.
/// </remarks>
public sealed class SchemaUpgradeTests : IDisposable
{
    private const string Issuer = "https://authentik.example.com/";

    private static readonly DateTimeOffset Then = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    private readonly string _directory = Path.Combine(Path.GetTempPath(), "gateway-tests-" + Guid.NewGuid().ToString("N"));

    public static TheoryData<int> Earlier => [.. Enumerable.Range(1, DatabaseSchema.Current - 1)];

    private string Copies => Path.Combine(_directory, SchemaCopies.DirectoryName);

    [Theory]
    [MemberData(nameof(Earlier))]
    public async Task A_database_of_each_earlier_schema_keeps_its_data(int schema)
    {
        Write(_directory, schema);
        using Database database = Open();

        using Database fresh = new(new StorageSettings(Path.Combine(_directory, "fresh"), Redis: null));
        fresh.Open();
        Assert.Equal(Objects(fresh), Objects(database));
        Assert.Equal(schema >= 5 ? 1 : 0, await new SqliteSessions(database).ListAllAsync(World.Ct).CountAsync(World.Ct));
        Assert.Equal(schema >= 3, await new SqliteReplayCache(database).WasUsedAsync([.. Enumerable.Repeat((byte)0xEE, 32)], World.Ct));
        Assert.Equal(schema >= 5 ? 1L : 0L, Ask(database, "SELECT COUNT(*) FROM ended;"));
        if (schema >= 2)
        {
            await AssertAccountsAsync(database, schema);
        }

        Assert.Equal(schema >= 6, (await new SqliteRefusedSignIns(database).ListAsync(Then, World.Ct)).Count == 1);
    }

    [Theory]
    [MemberData(nameof(Earlier))]
    public void Before_the_schema_changes_a_copy_of_the_database_is_made(int schema)
    {
        Write(_directory, schema);

        Open().Dispose();

        string copy = Assert.Single(Directory.GetFiles(Copies));
        Assert.Matches($@"\Agateway-schema-{schema}-\d{{8}}T\d{{6}}Z\.db\z", Path.GetFileName(copy));
        Assert.Equal(schema, DatabaseCopy.EnsureIntact(copy));
        using SqliteConnection connection = DatabaseCopy.Open(copy, SqliteOpenMode.ReadOnly);
        Assert.Equal(1, Sql.Read(connection, "SELECT COUNT(*) FROM sessions;", row => row.GetInt64(0))[0]);
        if (!OperatingSystem.IsWindows())
        {
            AssertPrivate(copy);
        }
    }

    [Fact]
    public void Without_a_change_of_the_schema_no_copy_is_made()
    {
        Open().Dispose();
        Open().Dispose();

        Assert.False(Directory.Exists(Copies));
    }

    [Fact]
    public void Only_the_latest_copies_are_kept()
    {
        Directory.CreateDirectory(Copies);
        string[] earlier = [.. Enumerable.Range(1, 5).Select(day => Path.Combine(Copies, $"gateway-schema-{6 - day}-2026010{day}T000000Z.db"))];
        foreach (string file in (string[])[.. earlier, Path.Combine(Copies, "gateway-schema-of-mine.db")])
        {
            File.WriteAllText(file, "");
        }

        Write(_directory, schema: 6);
        Open().Dispose();

        string[] kept = [.. Directory.GetFiles(Copies).Order(StringComparer.Ordinal)];
        Assert.Equal(SchemaCopies.MaxKept + 1, kept.Length);
        Assert.Subset(kept.ToHashSet(), earlier[^2..].ToHashSet());
        Assert.Contains(kept, file => Path.GetFileName(file).StartsWith("gateway-schema-6-", StringComparison.Ordinal));
    }

    /// <summary>A start that fails after its copy is repeated by systemd or Docker.</summary>
    [Fact]
    public void Repeated_starts_replace_the_copy_of_their_schema_and_leave_those_of_earlier_ones()
    {
        Directory.CreateDirectory(Copies);
        string earlier = Path.Combine(Copies, "gateway-schema-5-20260101T000000Z.db");
        string[] repeated = [.. Enumerable.Range(1, 3).Select(second => Path.Combine(Copies, $"gateway-schema-6-20260102T00000{second}Z.db"))];
        foreach (string file in (string[])[earlier, .. repeated, repeated[0] + DatabaseCopy.PartialSuffix])
        {
            File.WriteAllText(file, "");
        }

        Write(_directory, schema: 6);
        Open().Dispose();

        string[] kept = [.. Directory.GetFiles(Copies).Order(StringComparer.Ordinal)];
        Assert.Equal((2, earlier), (kept.Length, kept[0]));
        Assert.Equal(6, DatabaseCopy.EnsureIntact(kept[1]));
    }

    /// <summary>A file in the place of the directory of copies stands for every disk that does not take the copy.</summary>
    [Fact]
    public void Without_a_copy_the_schema_does_not_change()
    {
        Write(_directory, schema: 6);
        File.WriteAllText(Copies, "");

        SettingsException refused = Assert.Throws<SettingsException>(Open);

        Assert.Contains("cannot be copied before its schema changes from 6 to 7", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed. Make room on that disk", refused.Message, StringComparison.Ordinal);
        using Database database = new(new StorageSettings(_directory, Redis: null));
        Assert.Equal(6, database.ReadSchema());
    }

    [Fact]
    public void An_older_gateway_refuses_the_upgraded_database_and_names_the_copy_that_it_can_read()
    {
        Write(_directory, DatabaseSchema.Current - 1);
        using (Database database = Open())
        {
            // As the next version would leave it, from this one's point of view.
            Ask(database, $"PRAGMA user_version = {DatabaseSchema.Current + 1};");
        }

        SettingsException refused = Assert.Throws<SettingsException>(Open);

        string copy = Assert.Single(Directory.GetFiles(Copies));
        Assert.Contains(
            $"newer gateway (schema {DatabaseSchema.Current + 1}, this one knows {DatabaseSchema.Current})",
            refused.Message,
            StringComparison.Ordinal);
        Assert.Contains($"run \"restore {copy}\"", refused.Message, StringComparison.Ordinal);
        using Database left = new(new StorageSettings(_directory, Redis: null));
        Assert.Equal(DatabaseSchema.Current + 1, left.ReadSchema());
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    /// <summary>Writes a database of that schema, in WAL mode as a gateway leaves it.</summary>
    internal static void Write(string directory, int schema)
    {
        Directory.CreateDirectory(directory);
        using SqliteConnection connection = DatabaseCopy.Open(Path.Combine(directory, Database.FileName), SqliteOpenMode.ReadWriteCreate);
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own file.
        command.CommandText = "PRAGMA journal_mode = WAL;\n"
            + File.ReadAllText(Path.Combine(Repository.Root, "tests", "Gateway.Tests", "Storage", "Schemas", $"schema-{schema}.sql"));
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static async Task AssertAccountsAsync(Database database, int schema)
    {
        SqliteAccounts accounts = new(database);
        Assert.Equal(
            [new AccountLink(3, Issuer, "alice", "authentik", "Alice", 7, "2026-01-01T00:00:00Z", Then, Then.AddMilliseconds(1))],
            await accounts.ListAllAsync(World.Ct));
        Assert.Equal("carol2", (await accounts.FindReservationAsync(new("authentik", Issuer, "carol"), World.Ct))?.Username);
        Assert.Equal(1L, Ask(database, "SELECT COUNT(*) FROM claimed_users WHERE user_id = 9 AND joined = '2026-01-03T00:00:00Z';"));
        byte[] secret = new SqliteSecrets(database).GetOrCreate(ISecretStore.PasswordSessionBinding, ISecretStore.PasswordSessionBindingBytes);
        Assert.Equal(Enumerable.Repeat((byte)0x0F, 32), secret);
        Assert.Equal(schema >= 5 ? 7 : null, await accounts.FindHeaderUserAsync("alice", World.Ct));
        Assert.Equal(schema >= 6 ? 1 : 0, (await accounts.ListPendingAsync(Then, World.Ct)).Count);
    }

    [UnsupportedOSPlatform("windows")]
    private void AssertPrivate(string copy)
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(copy));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Copies));
    }

    private Database Open()
    {
        Database database = new(new StorageSettings(_directory, Redis: null));
        try
        {
            database.Open();
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Tables with their columns, and indexes.</summary>
    private static string[] Objects(Database database) => database.Read(connection => Sql.Read(
        connection,
        """
        SELECT object.type || ' ' || object.name || ' '
            || coalesce(group_concat(field.name || ' ' || field.type || ' ' || field."notnull" || ' ' || field.pk), '')
        FROM sqlite_master AS object LEFT JOIN pragma_table_xinfo(object.name) AS field
        WHERE object.name NOT LIKE 'sqlite_%' GROUP BY object.name ORDER BY object.name;
        """,
        row => row.GetString(0))).ToArray();

    private static object? Ask(Database database, string sql)
    {
        using SqliteConnection connection = database.Connect();
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar();
    }
}
