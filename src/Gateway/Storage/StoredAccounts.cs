using Microsoft.Data.Sqlite;

namespace Gateway.Storage;

/// <summary>A person at a provider, (issuer, subject), and the Paperless user that it is.</summary>
/// <param name="Id">The link's own number; 0 for one that is not stored yet.</param>
/// <param name="Provider">The `provider_id`, for people to read.</param>
/// <param name="Label">What the person is called at the provider, for people to read.</param>
/// <param name="UserId">Paperless's id of the user.</param>
/// <param name="Joined">`date_joined` of that user, as Paperless wrote it: another user may have the id in another database.</param>
/// <param name="HeardAt">When the provider said what was last taken over.</param>
internal sealed record AccountLink(
    long Id,
    string Issuer,
    string Subject,
    string Provider,
    string Label,
    int UserId,
    string Joined,
    DateTimeOffset LinkedAt,
    DateTimeOffset HeardAt);

/// <summary>The name under which an account is being made for somebody, noted before Paperless is asked to make it.</summary>
/// <param name="Profile">Email and names that the user was to have: by them it is known again.</param>
internal sealed record AccountReservation(string Issuer, string Subject, string Username, string Profile, DateTimeOffset ReservedAt);

/// <summary>The table of account links.</summary>
internal sealed class StoredAccounts(Database database)
{
    private const string Columns = "id, issuer, subject, provider, label, user_id, joined, linked_at, heard_at";

    public AccountLink? Find(string issuer, string subject) =>
        Read($"SELECT {Columns} FROM account_links WHERE issuer = $issuer AND subject = $subject;", ("$issuer", issuer), ("$subject", subject)).SingleOrDefault();

    /// <summary>The links of one Paperless user, the oldest first.</summary>
    public IReadOnlyList<AccountLink> OfUser(int userId) =>
        Read($"SELECT {Columns} FROM account_links WHERE user_id = $user_id ORDER BY id;", ("$user_id", userId));

    public IReadOnlyList<AccountLink> All() => Read($"SELECT {Columns} FROM account_links ORDER BY id;");

    /// <summary>Adds a link and takes away the person's reservation.</summary>
    /// <param name="onlyToFreeUser">
    /// Not where anybody is linked to that user, or ever was: whoever had it before may have left a password or a token behind.
    /// </param>
    /// <returns>The person's link as it stands now: this one, or one that was there before; null where the user was not free.</returns>
    public Task<AccountLink?> AddAsync(AccountLink link, bool onlyToFreeUser, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
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

    /// <returns>What was taken away; null where there is no such link of that user.</returns>
    public Task<AccountLink?> RemoveAsync(long id, int userId, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Read(connection, $"DELETE FROM account_links WHERE id = $id AND user_id = $user_id RETURNING {Columns};", ("$id", id), ("$user_id", userId)).SingleOrDefault(),
        cancellationToken);

    /// <returns>What was taken away; null where nobody was linked.</returns>
    public Task<AccountLink?> RemoveAsync(string issuer, string subject, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Read(connection, $"DELETE FROM account_links WHERE issuer = $issuer AND subject = $subject RETURNING {Columns};", ("$issuer", issuer), ("$subject", subject)).SingleOrDefault(),
        cancellationToken);

    /// <summary>Notes when the provider said what was taken over, and what it calls the person; never an older time than is there.</summary>
    public Task NoteAsync(AccountLink link, string label, DateTimeOffset heardAt, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Execute(
            connection,
            "UPDATE account_links SET heard_at = $heard_at, label = $label WHERE id = $id AND heard_at <= $heard_at;",
            ("$heard_at", heardAt.ToUnixTimeMilliseconds()),
            ("$label", label),
            ("$id", link.Id)),
        cancellationToken);

    public Task ReserveAsync(AccountReservation reservation, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Execute(
            connection,
            "INSERT OR REPLACE INTO account_reservations (issuer, subject, username, profile, reserved_at) VALUES ($issuer, $subject, $username, $profile, $reserved_at);",
            ("$issuer", reservation.Issuer),
            ("$subject", reservation.Subject),
            ("$username", reservation.Username),
            ("$profile", reservation.Profile),
            ("$reserved_at", reservation.ReservedAt.ToUnixTimeSeconds())),
        cancellationToken);

    /// <summary>Paperless has said that it made nothing.</summary>
    public Task DropReservationAsync(string issuer, string subject, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Execute(connection, "DELETE FROM account_reservations WHERE issuer = $issuer AND subject = $subject;", ("$issuer", issuer), ("$subject", subject)),
        cancellationToken);

    /// <summary>Whether somebody else's account is being made under that name since <paramref name="since"/>.</summary>
    public bool IsReservedByAnother(string username, string issuer, string subject, DateTimeOffset since)
    {
        using SqliteConnection connection = database.Connect();
        using SqliteCommand select = Command(
            connection,
            "SELECT 1 FROM account_reservations WHERE username = $username COLLATE NOCASE AND reserved_at >= $since AND NOT (issuer = $issuer AND subject = $subject);",
            [("$username", username), ("$since", since.ToUnixTimeSeconds()), ("$issuer", issuer), ("$subject", subject)]);
        return select.ExecuteScalar() is not null;
    }

    public AccountReservation? FindReservation(string issuer, string subject)
    {
        using SqliteConnection connection = database.Connect();
        using SqliteCommand select = Command(connection, "SELECT username, profile, reserved_at FROM account_reservations WHERE issuer = $issuer AND subject = $subject;", [("$issuer", issuer), ("$subject", subject)]);
        using SqliteDataReader row = select.ExecuteReader();
        return row.Read() ? new AccountReservation(issuer, subject, row.GetString(0), row.GetString(1), DateTimeOffset.FromUnixTimeSeconds(row.GetInt64(2))) : null;
    }

    private List<AccountLink> Read(string sql, params (string Name, object Value)[] parameters)
    {
        using SqliteConnection connection = database.Connect();
        return Read(connection, sql, parameters);
    }

    private static List<AccountLink> Read(SqliteConnection connection, string sql, params (string Name, object Value)[] parameters)
    {
        using SqliteCommand command = Command(connection, sql, parameters);
        using SqliteDataReader row = command.ExecuteReader();
        List<AccountLink> links = [];
        while (row.Read())
        {
            links.Add(new AccountLink(
                row.GetInt64(0),
                row.GetString(1),
                row.GetString(2),
                row.GetString(3),
                row.GetString(4),
                row.GetInt32(5),
                row.GetString(6),
                DateTimeOffset.FromUnixTimeSeconds(row.GetInt64(7)),
                DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(8))));
        }

        return links;
    }

    private static int Execute(SqliteConnection connection, string sql, params (string Name, object Value)[] parameters)
    {
        using SqliteCommand command = Command(connection, sql, parameters);
        return command.ExecuteNonQuery();
    }

    private static SqliteCommand Command(SqliteConnection connection, string sql, (string Name, object Value)[] parameters)
    {
        SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Every text that comes here is a constant of this class.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach ((string name, object value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command;
    }
}
