using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Gateway.Storage;

/// <summary>The tables of account links and reservations in the SQLite file.</summary>
internal sealed class SqliteAccounts(Database database) : IAccountLinkStore
{
    private const string Columns = "id, issuer, subject, provider, label, user_id, joined, linked_at, heard_at";

    private const string OfPerson = "provider = $provider AND issuer = $issuer AND subject = $subject";

    /// <summary>Reservations that an older version wrote have an empty provider.</summary>
    private const string ReservedFor = "provider IN ($provider, '') AND issuer = $issuer AND subject = $subject";

    public async Task<AccountLink?> FindAsync(PersonKey person, CancellationToken cancellationToken) =>
        (await ReadAsync($"SELECT {Columns} FROM account_links WHERE {OfPerson};", Parameters(person))).SingleOrDefault();

    public async Task<AccountLink?> AdoptOrphanAsync(PersonKey person, IReadOnlyCollection<string> configured, CancellationToken cancellationToken)
    {
        List<AccountLink> Candidates(SqliteConnection connection) =>
        [
            .. Read(connection, $"SELECT {Columns} FROM account_links WHERE issuer = $issuer AND subject = $subject;", Parameters(person))
                .Where(link => link.Person == person || !configured.Contains(link.Provider)),
        ];

        bool any = database.Read(connection =>
        {
            return Candidates(connection).Count > 0;
        });
        return !any ? null : await database.WriteAsync(
            connection =>
            {
                List<AccountLink> candidates = Candidates(connection);
                if (candidates.Find(link => link.Person == person) is { } own)
                {
                    return own;
                }

                if (candidates is not [{ } only])
                {
                    return null;
                }

                Sql.Execute(connection, "UPDATE account_links SET provider = $provider WHERE id = $id;", ("$provider", person.Provider), ("$id", only.Id));
                return only with { Provider = person.Provider };
            },
            cancellationToken);
    }

    public Task<IReadOnlyList<AccountLink>> FindByUserAsync(int userId, CancellationToken cancellationToken) =>
        ReadAsync($"SELECT {Columns} FROM account_links WHERE user_id = $user_id ORDER BY id;", ("$user_id", userId));

    public Task<IReadOnlyList<AccountLink>> ListAllAsync(CancellationToken cancellationToken)
        => ReadAsync($"SELECT {Columns} FROM account_links ORDER BY id;");

    public Task<AccountLink?> AddAsync(AccountLink link, bool onlyToFreeUser, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            RemoveUnreadable(connection, link);
            using SqliteCommand insert = connection.CreateCommand();
            insert.CommandText = $"""
                INSERT INTO account_links (provider, issuer, subject, label, user_id, joined, linked_at, heard_at)
                SELECT $provider, $issuer, $subject, $label, $user_id, $joined, $linked_at, $heard_at
                WHERE NOT $only_to_free_user OR NOT EXISTS (
                    SELECT 1 FROM account_links WHERE user_id = $user_id
                    UNION ALL SELECT 1 FROM claimed_users WHERE user_id = $user_id AND joined = $joined)
                ON CONFLICT (provider, issuer, subject) DO NOTHING;
                INSERT OR IGNORE INTO claimed_users (user_id, joined)
                SELECT user_id, joined FROM account_links WHERE {OfPerson};
                DELETE FROM account_reservations WHERE {ReservedFor} AND EXISTS (SELECT 1 FROM account_links WHERE {OfPerson});
                """;
            insert.Parameters.AddWithValue("$issuer", link.Issuer);
            insert.Parameters.AddWithValue("$subject", link.Subject);
            insert.Parameters.AddWithValue("$provider", link.Provider);
            insert.Parameters.AddWithValue("$label", link.Label);
            insert.Parameters.AddWithValue("$user_id", link.UserId);
            insert.Parameters.AddWithValue("$joined", link.Joined);
            insert.Parameters.AddWithValue("$linked_at", link.LinkedAt.ToUnixTimeSeconds());
            insert.Parameters.AddWithValue("$heard_at", link.AssertedAt.ToUnixTimeMilliseconds());
            insert.Parameters.AddWithValue("$only_to_free_user", onlyToFreeUser);
            insert.ExecuteNonQuery();
            return Read(connection, $"SELECT {Columns} FROM account_links WHERE {OfPerson};", Parameters(link.Person)).SingleOrDefault();
        },
        cancellationToken);

    public Task<AccountLink?> RemoveAsync(long id, int userId, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Read(
            connection,
            $"DELETE FROM account_links WHERE id = $id AND user_id = $user_id RETURNING {Columns};",
            ("$id", id),
            ("$user_id", userId)).SingleOrDefault(),
        cancellationToken);

    public Task<AccountLink?> RemoveAsync(PersonKey person, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Read(connection, $"DELETE FROM account_links WHERE {OfPerson} RETURNING {Columns};", Parameters(person)).SingleOrDefault(),
        cancellationToken);

    public Task UpdateAssertionAsync(AccountLink link, string label, DateTimeOffset assertedAt, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Sql.Execute(
            connection,
            "UPDATE account_links SET heard_at = $heard_at, label = $label WHERE id = $id AND heard_at <= $heard_at;",
            ("$heard_at", assertedAt.ToUnixTimeMilliseconds()),
            ("$label", label),
            ("$id", link.Id)),
        cancellationToken);

    public Task AddPendingAsync(PendingLink pending, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            Sql.Execute(connection, "DELETE FROM pending_links WHERE expires_at <= $now;", ("$now", pending.CreatedAt.ToUnixTimeSeconds()));
            return Sql.Execute(
                connection,
                "INSERT OR REPLACE INTO pending_links (provider, provider_user, user_id, joined, created_at, expires_at) VALUES ($provider, "
                    + "$provider_user, $user_id, $joined, $created_at, $expires_at);",
                [("$created_at", pending.CreatedAt.ToUnixTimeSeconds()), .. Parameters(pending)]);
        },
        cancellationToken);

    public Task<PendingLink?> FindPendingAsync(string provider, string providerUser, DateTimeOffset now, CancellationToken cancellationToken) =>
        Task.FromResult(ListPending(now).Find(pending => pending.Provider == provider && pending.ProviderUser == providerUser));

    public Task<IReadOnlyList<PendingLink>> ListPendingAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<PendingLink>>(ListPending(now));

    public Task<bool> RemovePendingAsync(PendingLink pending, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Sql.Execute(
            connection,
            "DELETE FROM pending_links WHERE provider = $provider AND provider_user = $provider_user AND user_id = $user_id AND joined = $joined "
                + "AND expires_at = $expires_at;",
            Parameters(pending)) > 0,
        cancellationToken);

    public Task ReserveAsync(AccountReservation reservation, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Sql.Execute(
            connection,
            "INSERT OR REPLACE INTO account_reservations (provider, issuer, subject, username, profile, reserved_at) VALUES ($provider, $issuer, "
                + "$subject, $username, $profile, $reserved_at);",
            ("$provider", reservation.Person.Provider),
            ("$issuer", reservation.Person.Issuer),
            ("$subject", reservation.Person.Subject),
            ("$username", reservation.Username),
            ("$profile", reservation.Profile),
            ("$reserved_at", reservation.ReservedAt.ToUnixTimeSeconds())),
        cancellationToken);

    public Task RemoveReservationAsync(PersonKey person, CancellationToken cancellationToken) => database.WriteAsync(
        connection => Sql.Execute(connection, $"DELETE FROM account_reservations WHERE {ReservedFor};", Parameters(person)),
        cancellationToken);

    public Task<bool> IsReservedByAnotherAsync(string username, PersonKey person, DateTimeOffset since, CancellationToken cancellationToken) =>
        Task.FromResult(database.Read(connection =>
    {
        return Sql.Read(
            connection,
            $"SELECT 1 FROM account_reservations WHERE username = $username COLLATE NOCASE AND reserved_at >= $since AND NOT ({ReservedFor});",
            row => row.GetInt64(0),
            [("$username", username), ("$since", since.ToUnixTimeSeconds()), .. Parameters(person)]).Count > 0;
    }));

    public Task<AccountReservation?> FindReservationAsync(PersonKey person, CancellationToken cancellationToken) => Task.FromResult(database.Read(connection =>
    {
        return Sql.Read(
            connection,
            $"SELECT username, profile, reserved_at FROM account_reservations WHERE {ReservedFor} ORDER BY provider DESC;",
            row => Reservation(row, person),
            Parameters(person)).FirstOrDefault(reservation => reservation is not null);
    }));

    public async Task SaveHeaderNameAsync(string username, int userId, CancellationToken cancellationToken)
    {
        // The name is nearly always stored already, and a read is faster than a write.
        if (await FindHeaderUserAsync(username, cancellationToken) != userId)
        {
            await database.WriteAsync(
                connection => Sql.Execute(
                    connection,
                    "INSERT INTO named_users (name, user_id) VALUES ($name, $user_id) ON CONFLICT (name) DO UPDATE SET user_id = excluded.user_id;",
                    ("$name", username),
                    ("$user_id", userId)),
                cancellationToken);
        }
    }

    public Task<int?> FindHeaderUserAsync(string username, CancellationToken cancellationToken) => Task.FromResult(database.Read(connection =>
    {
        return Sql.Read(connection, "SELECT user_id FROM named_users WHERE name = $name;", row => (int?)NamedUser(row, 0), ("$name", username))
            .SingleOrDefault();
    }));

    public Task<IReadOnlyDictionary<string, int>> ListHeaderNamesAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyDictionary<string, int>>(database.Read(connection =>
    {
        return Sql.Read(connection, "SELECT name, user_id FROM named_users;", row => KeyValuePair.Create(row.GetString(0), NamedUser(row, 1)))
            .ToDictionary(StringComparer.Ordinal);
    }));

    /// <summary>The user that a name meant; 0 if the row cannot be read. 0 differs from every user id, so nobody is matched by that name.</summary>
    private static int NamedUser(SqliteDataReader row, int column) => Sql.Integer(row, column) is { } id and > 0 and <= int.MaxValue ? (int)id : 0;

    private static (string Name, object? Value)[] Parameters(PersonKey person) =>
        [("$provider", person.Provider), ("$issuer", person.Issuer), ("$subject", person.Subject)];

    private Task<IReadOnlyList<AccountLink>> ReadAsync(
        string sql,
        params (string Name, object? Value)[] parameters) => Task.FromResult<IReadOnlyList<AccountLink>>(database.Read(connection =>
    {
        return Read(connection, sql, parameters);
    }));

    private static (string, object?)[] Parameters(PendingLink pending) =>
    [
        ("$provider", pending.Provider),
        ("$provider_user", pending.ProviderUser),
        ("$user_id", pending.UserId),
        ("$joined", pending.Joined),
        ("$expires_at", pending.ExpiresAt.ToUnixTimeSeconds()),
    ];

    /// <summary>There are a few at most: the operator makes each of them.</summary>
    private List<PendingLink> ListPending(DateTimeOffset now) => database.Read(connection =>
    {
        List<PendingLink?> all = Sql.Read(
            connection,
            "SELECT provider, provider_user, user_id, joined, created_at, expires_at FROM pending_links ORDER BY provider, provider_user;",
            Pending);
        return all.OfType<PendingLink>().Where(pending => pending.ExpiresAt > now).ToList();
    });

    /// <returns>Null if the row cannot be read.</returns>
    private PendingLink? Pending(SqliteDataReader row)
    {
        if (Sql.Text(row, 0) is { } provider
            && Sql.Text(row, 1) is { } providerUser
            && Sql.Integer(row, 2) is { } user and > 0 and <= int.MaxValue
            && Sql.Text(row, 3) is { } joined
            && Sql.Integer(row, 4) is { } created && StoredTime.FromSeconds(created) is { } createdAt
            && Sql.Integer(row, 5) is { } expires && StoredTime.FromSeconds(expires) is { } expiresAt)
        {
            return new PendingLink(provider, providerUser, (int)user, joined, createdAt, expiresAt);
        }

        database.Unreadable.Report("pending account link", "?");
        return null;
    }

    private List<AccountLink> Read(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        [.. Sql.Read(connection, sql, Link, parameters).OfType<AccountLink>()];

    /// <summary>Removes an unreadable link, so that a new link of the person can be written.</summary>
    private void RemoveUnreadable(SqliteConnection connection, AccountLink link)
    {
        string sql = $"SELECT {Columns} FROM account_links WHERE {OfPerson};";
        List<long> ids = Sql.Read(connection, sql, row => Link(row) is null ? row.GetInt64(0) : 0, Parameters(link.Person));
        foreach (long id in ids.Where(id => id != 0))
        {
            Sql.Execute(connection, "DELETE FROM account_links WHERE id = $id;", ("$id", id));
        }
    }

    /// <returns>Null if the row cannot be read.</returns>
    private AccountLink? Link(SqliteDataReader row)
    {
        if (Sql.Integer(row, 0) is { } id
            && Sql.Text(row, 1) is { } issuer
            && Sql.Text(row, 2) is { } subject
            && Sql.Text(row, 3) is { } provider
            && Sql.Text(row, 4) is { } label
            && Sql.Integer(row, 5) is { } user and > 0 and <= int.MaxValue
            && Sql.Text(row, 6) is { } joined
            && Sql.Integer(row, 7) is { } linked && StoredTime.FromSeconds(linked) is { } linkedAt
            && Sql.Integer(row, 8) is { } heard && StoredTime.FromMilliseconds(heard) is { } assertedAt)
        {
            return new AccountLink(id, issuer, subject, provider, label, (int)user, joined, linkedAt, assertedAt);
        }

        database.Unreadable.Report("account link", Sql.Integer(row, 0)?.ToString(CultureInfo.InvariantCulture) ?? "?");
        return null;
    }

    private AccountReservation? Reservation(SqliteDataReader row, PersonKey person)
    {
        if (Sql.Text(row, 0) is { } username
            && Sql.Text(row, 1) is { } profile
            && Sql.Integer(row, 2) is { } reserved && StoredTime.FromSeconds(reserved) is { } reservedAt)
        {
            return new AccountReservation(person, username, profile, reservedAt);
        }

        database.Unreadable.Report("reservation of an account", "?");
        return null;
    }
}
