using Microsoft.Data.Sqlite;

namespace Gateway.Storage;

/// <summary>The schema of <see cref="Database"/>, and how each earlier one becomes it.</summary>
internal static class DatabaseSchema
{
    /// <summary>Each entry migrates the schema by one version. Never change or remove an entry. `PRAGMA user_version` counts them.</summary>
    public static readonly string[] Migrations =
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

    /// <summary>The schemas at whose migration all sessions are deleted.</summary>
    private static readonly int[] WithoutEarlierSessions = [3, 5];

    /// <summary>The schema that this program writes.</summary>
    public static int Current => Migrations.Length;

    /// <summary>The schema of a file; 0 where nothing is in it.</summary>
    public static long Read(SqliteConnection connection) => Sql.Read(connection, "PRAGMA user_version;", row => row.GetInt64(0))[0];

    /// <summary>Whether the migration from this schema deletes all sessions.</summary>
    public static bool EndsSessions(long schema) => WithoutEarlierSessions.Any(without => schema < without);
}
