using Gateway.Settings;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Storage;

/// <summary>The SQLite file in `GATEWAY_DATA_DIR`. It is opened and migrated at start and has one writer at a time.</summary>
internal sealed class Database(StorageSettings settings, ILogger<Database>? logger = null, StoreMetrics? metrics = null) : IDisposable
{
    public const string FileName = "gateway.db";

    private static readonly string[] CompanionSuffixes = ["-wal", "-shm"];

    /// <summary>Each entry migrates the schema by one version. Never change or remove an entry. `PRAGMA user_version` counts them.</summary>
    private static readonly string[] Migrations =
    [
        """
        CREATE TABLE sessions (
            key        BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the cookie's value
            used_at    INTEGER NOT NULL,             -- seconds since 1970
            expires_at INTEGER NOT NULL,             -- seconds since 1970
            record     BLOB    NOT NULL              -- encrypted under a key that only the cookie's value gives
        ) WITHOUT ROWID;
        CREATE INDEX sessions_by_expiry ON sessions (expires_at);
        """,
        """
        CREATE TABLE account_links (
            id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            issuer    TEXT    NOT NULL,
            subject   TEXT    NOT NULL,
            provider  TEXT    NOT NULL, -- provider_id, for people to read
            label     TEXT    NOT NULL, -- what the person is called at the provider, for people to read
            user_id   INTEGER NOT NULL, -- Paperless's
            joined    TEXT    NOT NULL, -- date_joined of that user: another one may get the id in another database
            linked_at INTEGER NOT NULL, -- seconds since 1970
            heard_at  INTEGER NOT NULL, -- milliseconds since 1970: when the provider said what was last taken over
            UNIQUE (issuer, subject)
        );
        CREATE INDEX account_links_by_user ON account_links (user_id);
        CREATE TABLE account_reservations (
            issuer      TEXT    NOT NULL,
            subject     TEXT    NOT NULL,
            username    TEXT    NOT NULL,
            profile     TEXT    NOT NULL, -- email and names that the user was to have
            reserved_at INTEGER NOT NULL, -- seconds since 1970
            PRIMARY KEY (issuer, subject)
        ) WITHOUT ROWID;
        CREATE TABLE claimed_users ( -- whoever was linked once is never found by name again
            user_id INTEGER NOT NULL,
            joined  TEXT    NOT NULL,
            PRIMARY KEY (user_id, joined)
        ) WITHOUT ROWID;
        CREATE TABLE secrets (
            name  TEXT NOT NULL PRIMARY KEY,
            value BLOB NOT NULL
        ) WITHOUT ROWID;
        """,
        """
        DROP TABLE sessions; -- Everybody signs in once more: without a person's index no logout of the provider's would find them.
        CREATE TABLE sessions (
            key           BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the cookie's value
            sid_index     BLOB,                         -- SHA-256 over provider_id and sid
            person_index  BLOB    NOT NULL,             -- SHA-256 over issuer and subject
            used_at       INTEGER NOT NULL,             -- seconds since 1970
            expires_at    INTEGER NOT NULL,             -- seconds since 1970
            record        BLOB    NOT NULL,             -- encrypted under a key that only the cookie's value gives
            info          BLOB    NOT NULL,             -- for lists, encrypted under the gateway's own key
            version       INTEGER NOT NULL,
            claimed_until INTEGER NOT NULL DEFAULT 0    -- milliseconds since 1970: until then one replica rechecks it
        ) WITHOUT ROWID;
        CREATE INDEX sessions_by_expiry ON sessions (expires_at);
        CREATE INDEX sessions_by_sid ON sessions (sid_index) WHERE sid_index IS NOT NULL;
        CREATE INDEX sessions_by_person ON sessions (person_index);
        CREATE TABLE ended (
            hash     BLOB    NOT NULL PRIMARY KEY, -- a sid_index or a person_index
            ended_at INTEGER NOT NULL,             -- milliseconds since 1970
            until    INTEGER NOT NULL              -- seconds since 1970
        ) WITHOUT ROWID;
        CREATE TABLE taken (
            hash  BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of what counts once
            until INTEGER NOT NULL              -- seconds since 1970
        ) WITHOUT ROWID;
        """,
        """
        ALTER TABLE sessions ADD COLUMN heard_at INTEGER NOT NULL DEFAULT 0; -- milliseconds since 1970: when the provider's answer came
        """,
        """
        -- A person is (provider, issuer, subject): links and reservations are copied, and a number is still never given twice.
        DROP INDEX account_links_by_user;
        ALTER TABLE account_links RENAME TO links_before;
        CREATE TABLE account_links (
            id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            provider  TEXT    NOT NULL, -- provider_id
            issuer    TEXT    NOT NULL,
            subject   TEXT    NOT NULL,
            label     TEXT    NOT NULL, -- what the person is called at the provider, for people to read
            user_id   INTEGER NOT NULL, -- Paperless's
            joined    TEXT    NOT NULL, -- date_joined of that user: another one may get the id in another database
            linked_at INTEGER NOT NULL, -- seconds since 1970
            heard_at  INTEGER NOT NULL, -- milliseconds since 1970: when the provider said what was last taken over
            UNIQUE (provider, issuer, subject)
        );
        CREATE INDEX account_links_by_user ON account_links (user_id);
        INSERT INTO account_links (id, provider, issuer, subject, label, user_id, joined, linked_at, heard_at)
        SELECT id, provider, issuer, subject, label, user_id, joined, linked_at, heard_at FROM links_before;
        DELETE FROM sqlite_sequence WHERE name = 'account_links';
        INSERT INTO sqlite_sequence (name, seq) SELECT 'account_links', seq FROM sqlite_sequence WHERE name = 'links_before';
        DROP TABLE links_before;
        ALTER TABLE account_reservations RENAME TO reservations_before;
        CREATE TABLE account_reservations (
            provider    TEXT    NOT NULL, -- provider_id; empty in a row of before
            issuer      TEXT    NOT NULL,
            subject     TEXT    NOT NULL,
            username    TEXT    NOT NULL,
            profile     TEXT    NOT NULL, -- email and names that the user was to have
            reserved_at INTEGER NOT NULL, -- seconds since 1970
            PRIMARY KEY (provider, issuer, subject)
        ) WITHOUT ROWID;
        INSERT INTO account_reservations (provider, issuer, subject, username, profile, reserved_at)
        SELECT '', issuer, subject, username, profile, reserved_at FROM reservations_before;
        DROP TABLE reservations_before;
        CREATE TABLE named_users ( -- the names that the user header has carried
            name    TEXT    NOT NULL PRIMARY KEY,
            user_id INTEGER NOT NULL -- the user that was meant
        ) WITHOUT ROWID;
        DELETE FROM sessions; -- Everybody signs in once more: their indexes do not know the provider.
        DELETE FROM ended;
        """,
        """
        CREATE TABLE pending_links ( -- for people who have not signed in yet
            provider      TEXT    NOT NULL, -- provider_id
            provider_user TEXT    NOT NULL, -- the user name, as the provider sends it
            user_id       INTEGER NOT NULL, -- Paperless's
            joined        TEXT    NOT NULL, -- date_joined of that user
            created_at    INTEGER NOT NULL, -- seconds since 1970
            expires_at    INTEGER NOT NULL, -- seconds since 1970
            PRIMARY KEY (provider, provider_user)
        ) WITHOUT ROWID;
        CREATE TABLE refused_sign_ins ( -- one row for each person
            provider   TEXT    NOT NULL, -- provider_id
            issuer     TEXT    NOT NULL,
            subject    TEXT    NOT NULL,
            label      TEXT    NOT NULL, -- the name of the person at the provider, for display
            code       TEXT    NOT NULL,
            reason     TEXT    NOT NULL,
            refused_at INTEGER NOT NULL, -- milliseconds since 1970
            PRIMARY KEY (provider, issuer, subject)
        ) WITHOUT ROWID;
        CREATE INDEX refused_sign_ins_by_time ON refused_sign_ins (refused_at);
        """,
        """
        ALTER TABLE sessions ADD COLUMN has_idle_timeout INTEGER NOT NULL DEFAULT 1; -- 0 for a device password
        """,
    ];

    /// <summary>Never disposed: it holds no resources, and a stopping host may still wait for it.</summary>
    private readonly SemaphoreSlim _writer = new(1, 1);
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

    /// <summary>The schemas at whose migration all sessions are deleted.</summary>
    private static readonly int[] SchemasWithoutEarlierSessions = [3, 5];

    /// <summary>The database file and the two files that SQLite creates beside it.</summary>
    public static IEnumerable<string> Files(string directory) => CompanionSuffixes.Prepend("").Select(suffix => Path.Combine(directory, FileName + suffix));

    /// <summary>The schema that this program writes.</summary>
    public static int CurrentSchema => Migrations.Length;

    /// <summary>Whether the migration from this schema deletes all sessions.</summary>
    public static bool EndsSessions(long schema) => SchemasWithoutEarlierSessions.Any(without => schema < without);

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
            using SqliteConnection connection = ConnectReadOnly(file);
            return ReadSchema(connection);
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
        if (ReadSchema() is not { } schema || schema >= CurrentSchema)
        {
            OpenExisting();
            return CurrentSchema;
        }

        try
        {
            using SqliteConnection file = ConnectReadOnly(Path.Combine(settings.DataDirectory, FileName));
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
        if (schema > CurrentSchema)
        {
            throw WrittenByNewer(schema);
        }

        if (schema < CurrentSchema)
        {
            throw Unusable(
                $"the database in \"{settings.DataDirectory}\" was written by an older gateway (schema {schema}, this one needs {CurrentSchema}), which may "
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
            Migrate(connection);
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

    private void Migrate(SqliteConnection connection)
    {
        using SqliteTransaction transaction = connection.BeginTransaction();
        long version = ReadSchema(connection);
        if (version > Migrations.Length)
        {
            throw WrittenByNewer(version);
        }

        for (long next = version; next < Migrations.Length; next++)
        {
            Execute(connection, Migrations[next]);
            Execute(connection, $"PRAGMA user_version = {next + 1};");
        }

        transaction.Commit();
    }

    private static SqliteConnection ConnectReadOnly(string file)
    {
        SqliteConnectionStringBuilder readOnly = new() { DataSource = file, DefaultTimeout = 10, Mode = SqliteOpenMode.ReadOnly, Pooling = false };
        SqliteConnection connection = new(readOnly.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static long ReadSchema(SqliteConnection connection)
    {
        using SqliteCommand read = connection.CreateCommand();
        read.CommandText = "PRAGMA user_version;";
        return (long)read.ExecuteScalar()!;
    }

    private SettingsException WrittenByNewer(long schema) => Unusable(
        $"the database in \"{settings.DataDirectory}\" was written by a newer gateway (schema {schema}, this one knows {Migrations.Length}).",
        "Run that version, or set an empty directory (everybody must then sign in again, and account links are lost).");

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
