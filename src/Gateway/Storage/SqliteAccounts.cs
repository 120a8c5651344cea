using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Gateway.Storage;

/// <summary>The tables of account links and reservations in the SQLite file.</summary>
internal sealed class SqliteAccounts(Database database) : StoredAccounts
{
    private const string Columns = "id, issuer, subject, provider, label, user_id, joined, linked_at, heard_at";

    public override async Task<AccountLink?> FindAsync(string issuer, string subject, CancellationToken cancellationToken) =>
        (await ReadAsync($"SELECT {Columns} FROM account_links WHERE issuer = $issuer AND subject = $subject;", ("$issuer", issuer), ("$subject", subject))).SingleOrDefault();

    public override Task<IReadOnlyList<AccountLink>> OfUserAsync(int userId, CancellationToken cancellationToken) =>
        ReadAsync($"SELECT {Columns} FROM account_links WHERE user_id = $user_id ORDER BY id;", ("$user_id", userId));

    public override Task<IReadOnlyList<AccountLink>> AllAsync(CancellationToken cancellationToken) => ReadAsync($"SELECT {Columns} FROM account_links ORDER BY id;");

    public override Task<AccountLink?> AddAsync(AccountLink link, bool onlyToFreeUser, CancellationToken cancellationToken) => WriteAsync(
        connection =>
        {
            RemoveUnreadable(connection, link);
            using SqliteCommand insert = connection.CreateCommand();
            insert.CommandText = """
                INSERT INTO account_links (issuer, subject, provider, label, user_id, joined, linked_at, heard_at)
                SELECT $issuer, $subject, $provider, $label, $user_id, $joined, $linked_at, $heard_at
                WHERE NOT $only_to_free_user OR NOT EXISTS (
                    SELECT 1 FROM account_links WHERE user_id = $user_id
                    UNION ALL SELECT 1 FROM claimed_users WHERE user_id = $user_id AND joined = $joined)
                ON CONFLICT (issuer, subject) DO NOTHING;
                INSERT OR IGNORE INTO claimed_users (user_id, joined)
                SELECT user_id, joined FROM account_links WHERE issuer = $issuer AND subject = $subject;
                DELETE FROM account_reservations WHERE issuer = $issuer AND subject = $subject
                    AND EXISTS (SELECT 1 FROM account_links WHERE issuer = $issuer AND subject = $subject);
                """;
            insert.Parameters.AddWithValue("$issuer", link.Issuer);
            insert.Parameters.AddWithValue("$subject", link.Subject);
            insert.Parameters.AddWithValue("$provider", link.Provider);
            insert.Parameters.AddWithValue("$label", link.Label);
            insert.Parameters.AddWithValue("$user_id", link.UserId);
            insert.Parameters.AddWithValue("$joined", link.Joined);
            insert.Parameters.AddWithValue("$linked_at", link.LinkedAt.ToUnixTimeSeconds());
            insert.Parameters.AddWithValue("$heard_at", link.HeardAt.ToUnixTimeMilliseconds());
            insert.Parameters.AddWithValue("$only_to_free_user", onlyToFreeUser);
            insert.ExecuteNonQuery();
            return Read(connection, $"SELECT {Columns} FROM account_links WHERE issuer = $issuer AND subject = $subject;", ("$issuer", link.Issuer), ("$subject", link.Subject)).SingleOrDefault();
        },
        cancellationToken);

    public override Task<AccountLink?> RemoveAsync(long id, int userId, CancellationToken cancellationToken) => WriteAsync(
        connection => Read(connection, $"DELETE FROM account_links WHERE id = $id AND user_id = $user_id RETURNING {Columns};", ("$id", id), ("$user_id", userId)).SingleOrDefault(),
        cancellationToken);

    public override Task<AccountLink?> RemoveAsync(string issuer, string subject, CancellationToken cancellationToken) => WriteAsync(
        connection => Read(connection, $"DELETE FROM account_links WHERE issuer = $issuer AND subject = $subject RETURNING {Columns};", ("$issuer", issuer), ("$subject", subject)).SingleOrDefault(),
        cancellationToken);

    public override Task NoteAsync(AccountLink link, string label, DateTimeOffset heardAt, CancellationToken cancellationToken) => WriteAsync(
        connection => Sql.Execute(
            connection,
            "UPDATE account_links SET heard_at = $heard_at, label = $label WHERE id = $id AND heard_at <= $heard_at;",
            ("$heard_at", heardAt.ToUnixTimeMilliseconds()),
            ("$label", label),
            ("$id", link.Id)),
        cancellationToken);

    public override Task ReserveAsync(AccountReservation reservation, CancellationToken cancellationToken) => WriteAsync(
        connection => Sql.Execute(
            connection,
            "INSERT OR REPLACE INTO account_reservations (issuer, subject, username, profile, reserved_at) VALUES ($issuer, $subject, $username, $profile, $reserved_at);",
            ("$issuer", reservation.Issuer),
            ("$subject", reservation.Subject),
            ("$username", reservation.Username),
            ("$profile", reservation.Profile),
            ("$reserved_at", reservation.ReservedAt.ToUnixTimeSeconds())),
        cancellationToken);

    public override Task DropReservationAsync(string issuer, string subject, CancellationToken cancellationToken) => WriteAsync(
        connection => Sql.Execute(connection, "DELETE FROM account_reservations WHERE issuer = $issuer AND subject = $subject;", ("$issuer", issuer), ("$subject", subject)),
        cancellationToken);

    public override Task<bool> IsReservedByAnotherAsync(string username, string issuer, string subject, DateTimeOffset since, CancellationToken cancellationToken) => Task.FromResult(Guarded(() =>
    {
        using SqliteConnection connection = database.Connect();
        return Sql.Read(
            connection,
            "SELECT 1 FROM account_reservations WHERE username = $username COLLATE NOCASE AND reserved_at >= $since AND NOT (issuer = $issuer AND subject = $subject);",
            row => row.GetInt64(0),
            ("$username", username),
            ("$since", since.ToUnixTimeSeconds()),
            ("$issuer", issuer),
            ("$subject", subject)).Count > 0;
    }));

    public override Task<AccountReservation?> FindReservationAsync(string issuer, string subject, CancellationToken cancellationToken) => Task.FromResult(Guarded(() =>
    {
        using SqliteConnection connection = database.Connect();
        return Sql.Read(
            connection,
            "SELECT username, profile, reserved_at FROM account_reservations WHERE issuer = $issuer AND subject = $subject;",
            row => Reservation(row, issuer, subject),
            ("$issuer", issuer),
            ("$subject", subject)).SingleOrDefault();
    }));

    private Task<IReadOnlyList<AccountLink>> ReadAsync(string sql, params (string Name, object? Value)[] parameters) => Task.FromResult<IReadOnlyList<AccountLink>>(Guarded(() =>
    {
        using SqliteConnection connection = database.Connect();
        return Read(connection, sql, parameters);
    }));

    private async Task<T> WriteAsync<T>(Func<SqliteConnection, T> write, CancellationToken cancellationToken)
    {
        try
        {
            return await database.WriteAsync(write, cancellationToken);
        }
        catch (SqliteException error)
        {
            throw new StoreUnavailableException(error.Message, error);
        }
    }

    private static T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SqliteException error)
        {
            throw new StoreUnavailableException(error.Message, error);
        }
    }

    private List<AccountLink> Read(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        [.. Sql.Read(connection, sql, Link, parameters).OfType<AccountLink>()];

    /// <summary>What nobody can read leads nobody anywhere: it makes room for the person's new link.</summary>
    private void RemoveUnreadable(SqliteConnection connection, AccountLink link)
    {
        List<long> ids = Sql.Read(
            connection,
            $"SELECT {Columns} FROM account_links WHERE issuer = $issuer AND subject = $subject;",
            row => Link(row) is null ? row.GetInt64(0) : 0,
            ("$issuer", link.Issuer),
            ("$subject", link.Subject));
        foreach (long id in ids.Where(id => id != 0))
        {
            Sql.Execute(connection, "DELETE FROM account_links WHERE id = $id;", ("$id", id));
        }
    }

    /// <returns>Null for a row that cannot be read.</returns>
    private AccountLink? Link(SqliteDataReader row)
    {
        if (Sql.Integer(row, 0) is { } id
            && Sql.Text(row, 1) is { } issuer
            && Sql.Text(row, 2) is { } subject
            && Sql.Text(row, 3) is { } provider
            && Sql.Text(row, 4) is { } label
            && Sql.Integer(row, 5) is { } user and > 0 and <= int.MaxValue
            && Sql.Text(row, 6) is { } joined
            && Sql.Integer(row, 7) is { } linked && StoredTime.OfSeconds(linked) is { } linkedAt
            && Sql.Integer(row, 8) is { } heard && StoredTime.OfMilliseconds(heard) is { } heardAt)
        {
            return new AccountLink(id, issuer, subject, provider, label, (int)user, joined, linkedAt, heardAt);
        }

        database.Unreadable.Report("account link", Sql.Integer(row, 0)?.ToString(CultureInfo.InvariantCulture) ?? "?");
        return null;
    }

    private AccountReservation? Reservation(SqliteDataReader row, string issuer, string subject)
    {
        if (Sql.Text(row, 0) is { } username
            && Sql.Text(row, 1) is { } profile
            && Sql.Integer(row, 2) is { } reserved && StoredTime.OfSeconds(reserved) is { } reservedAt)
        {
            return new AccountReservation(issuer, subject, username, profile, reservedAt);
        }

        database.Unreadable.Report("reservation of an account", "?");
        return null;
    }
}
