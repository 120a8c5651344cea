using Gateway.Settings;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Storage;

/// <summary>The SQLite file in `GATEWAY_DATA_DIR`. It is opened and migrated at start and has one writer at a time.</summary>
internal sealed class Database(StorageSettings settings, ILogger<Database>? logger = null, StoreMetrics? metrics = null, TimeProvider? time = null)
    : IDisposable
{
    public const string FileName = "gateway.db";

    private static readonly string[] CompanionSuffixes = ["-wal", "-shm", "-journal"];

    /// <summary>Never disposed: it holds no resources, and a stopping host may still wait for it.</summary>
    private readonly SemaphoreSlim _writer = new(1, 1);
    private readonly SchemaCopies _copies = new(settings.DataDirectory, time ?? TimeProvider.System, logger);
    private bool _closed;

    /// <summary>Keeps the copy in memory that <see cref="OpenForReading"/> makes of a file of an older gateway.</summary>
    private SqliteConnection? _copy;

    private string _connectionString = new SqliteConnectionStringBuilder
    {
        DataSource = Path.Combine(settings.DataDirectory, FileName),
        DefaultTimeout = 10,
    }.ToString();

    /// <summary>Reports rows that cannot be read.</summary>
    public UnreadableEntries Unreadable { get; } = new(logger ?? NullLogger<Database>.Instance);

    /// <summary>The database file and the files that SQLite creates beside it.</summary>
    public static IEnumerable<string> Files(string directory) => WithCompanions(Path.Combine(directory, FileName));

    public static IEnumerable<string> WithCompanions(string file) => CompanionSuffixes.Prepend("").Select(suffix => file + suffix);

    /// <summary>Reads the schema of the file without changing or creating it.</summary>
    /// <returns>Null where there is no file yet.</returns>
    /// <exception cref="SettingsException">The file cannot be read.</exception>
    public long? ReadSchema()
    {
        string file = Path.Combine(settings.DataDirectory, FileName);
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            using SqliteConnection connection = DatabaseCopy.Open(file, SqliteOpenMode.ReadOnly);
            return DatabaseSchema.Read(connection);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw CannotBeOpened(error);
        }
    }

    /// <summary>
    /// As <see cref="OpenExisting"/>, for a command that only reads: a file of an older gateway, which may still run, is copied into memory, and the copy
    /// is migrated.
    /// </summary>
    /// <returns>The schema of the file.</returns>
    /// <exception cref="SettingsException">There is no file, it cannot be read, or a newer version of the gateway wrote it.</exception>
    public long OpenForReading()
    {
        if (ReadSchema() is not { } schema || schema >= DatabaseSchema.Current)
        {
            OpenExisting();
            return DatabaseSchema.Current;
        }

        try
        {
            using SqliteConnection file = DatabaseCopy.Open(Path.Combine(settings.DataDirectory, FileName), SqliteOpenMode.ReadOnly);
            _connectionString = new SqliteConnectionStringBuilder
            {
                DataSource = $"copy-{Guid.NewGuid():N}",
                Mode = SqliteOpenMode.Memory,
                Cache = SqliteCacheMode.Shared,
            }.ToString();
            _copy = new(_connectionString);
            _copy.Open();
            file.BackupDatabase(_copy);
            Migrate(_copy);
            return schema;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw CannotBeOpened(error);
        }
    }

    /// <summary>For a command beside a running gateway: neither creates the file nor migrates it.</summary>
    /// <exception cref="SettingsException">There is no file, or another version of the gateway wrote it.</exception>
    public void OpenExisting()
    {
        long schema = ReadSchema() ?? throw Unusable(
            $"there is no database in \"{settings.DataDirectory}\" yet.",
            "Start the gateway once, or set the directory that the running gateway uses.");
        if (schema > DatabaseSchema.Current)
        {
            throw WrittenByNewer(schema);
        }

        if (schema < DatabaseSchema.Current)
        {
            throw Unusable(
                $"the database in \"{settings.DataDirectory}\" was written by an older gateway "
                    + $"(schema {schema}, this one needs {DatabaseSchema.Current}), which may "
                    + "still run.",
                "Run the command with that version, or start this version of the gateway, which updates the database.");
        }
    }

    /// <exception cref="SettingsException">The directory cannot be used, or a newer gateway wrote the file.</exception>
    public void Open()
    {
        try
        {
            PrivateDirectory.Create(settings.DataDirectory);
            MakePrivate();
            using SqliteConnection connection = Connect();
            Execute(connection, "PRAGMA journal_mode = WAL;");
            Migrate(connection, CopyBeforeChange);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw CannotBeOpened(error);
        }
    }

    /// <summary>A connection for reading, from the pool.</summary>
    public SqliteConnection Connect()
    {
        SqliteConnection connection = new(_connectionString);
        connection.Open();

        // FULL: an acknowledged write, above all an ended session, survives a power cut.
        Execute(connection, "PRAGMA synchronous = FULL;");
        return connection;
    }

    /// <exception cref="StoreUnavailableException">The file cannot be read.</exception>
    public T Read<T>(Func<SqliteConnection, T> read)
    {
        long begun = metrics?.Begin() ?? 0;
        try
        {
            using SqliteConnection connection = Connect();
            T result = read(connection);
            metrics?.Answered(begun);
            return result;
        }
        catch (SqliteException error)
        {
            metrics?.Failed(begun);
            throw Unavailable(error);
        }
    }

    private StoreUnavailableException Unavailable(SqliteException error) =>
        new($"{Path.Combine(settings.DataDirectory, FileName)}: {error.Message.TrimEnd('.')}", error);

    /// <summary>Runs <paramref name="write"/> in a transaction, when all earlier writes are done.</summary>
    /// <exception cref="StoreUnavailableException">The file cannot be written.</exception>
    public async Task<T> WriteAsync<T>(Func<SqliteConnection, T> write, CancellationToken cancellationToken)
    {
        long begun = metrics?.Begin() ?? 0;
        await _writer.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            using SqliteConnection connection = Connect();
            using SqliteTransaction transaction = connection.BeginTransaction();
            T result = write(connection);
            transaction.Commit();
            metrics?.Answered(begun);
            return result;
        }
        catch (SqliteException error)
        {
            metrics?.Failed(begun);
            throw Unavailable(error);
        }
        finally
        {
            _writer.Release();
        }
    }

    public void Dispose()
    {
        // Waits for the current write. Later writes fail.
        _writer.Wait();
        _closed = true;
        using (SqliteConnection connection = new(_connectionString))
        {
            SqliteConnection.ClearPool(connection);
        }

        _copy?.Dispose();
        _writer.Release();
    }

    /// <summary>SQLite would create the file with the permissions of the umask, and the other files with the permissions of this file.</summary>
    private void MakePrivate()
    {
        string file = Path.Combine(settings.DataDirectory, FileName);
        if (!File.Exists(file))
        {
            PrivateFile.Open(file, FileMode.OpenOrCreate).Dispose();
        }

        foreach (string path in Files(settings.DataDirectory))
        {
            PrivateFile.Restrict(path);
        }
    }

    /// <param name="beforeChange">Gets the schema that is going to change, unless the database is new.</param>
    private void Migrate(SqliteConnection connection, Action<long>? beforeChange = null)
    {
        using SqliteTransaction transaction = connection.BeginTransaction();
        long version = DatabaseSchema.Read(connection);
        if (version > DatabaseSchema.Current)
        {
            throw WrittenByNewer(version);
        }

        if (version > 0 && version < DatabaseSchema.Current && beforeChange is not null)
        {
            beforeChange(version);
        }

        for (long next = version; next < DatabaseSchema.Current; next++)
        {
            Execute(connection, DatabaseSchema.Migrations[(int)next]);
            Execute(connection, $"PRAGMA user_version = {next + 1};");
        }

        transaction.Commit();
    }

    /// <summary>By a second connection: SQLite copies nothing by a connection that writes. The first one's transaction keeps other writers out.</summary>
    private void CopyBeforeChange(long schema)
    {
        try
        {
            using SqliteConnection reader = DatabaseCopy.Open(Path.Combine(settings.DataDirectory, FileName), SqliteOpenMode.ReadOnly);
            _copies.Make(reader, schema);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw Unusable(
                $"the database in \"{settings.DataDirectory}\" cannot be copied before its schema changes from {schema} to {DatabaseSchema.Current} "
                    + $"({error.Message.TrimEnd('.')}). Nothing was changed.",
                $"Make room on that disk for a second copy, and let the gateway's user write to the directory \"{SchemaCopies.DirectoryName}\" in it.");
        }
    }

    private SettingsException WrittenByNewer(long schema) => Unusable(
        $"the database in \"{settings.DataDirectory}\" was written by a newer gateway (schema {schema}, this one knows {DatabaseSchema.Current}).",
        _copies.FindReadable() is { } copy
            ? $"Run that version, or restore the copy of before the upgrade: stop the gateway, and run \"restore {copy}\"."
            : "Run that version, or set an empty directory (everybody must then sign in again, and account links are lost).");

    private SettingsException CannotBeOpened(Exception error) => Unusable(
        $"the database in \"{settings.DataDirectory}\" cannot be opened ({error.Message.TrimEnd('.')}).",
        "Set a directory that the gateway's user can write to, on a disk with free space.");

    private static SettingsException Unusable(string wrong, string remedy) => new([new("GATEWAY_DATA_DIR", wrong, remedy)]);

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The SQL is always a constant of this class.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
