using Microsoft.Data.Sqlite;

namespace Gateway.Storage;

/// <summary>The table of refused sign-ins in the SQLite file.</summary>
internal sealed class SqliteRefusedSignIns(Database database) : IRefusedSignInStore
{
    public Task SaveAsync(RefusedSignIn refused, CancellationToken cancellationToken) => database.WriteAsync(
        connection =>
        {
            Sql.Execute(
                connection,
                "INSERT OR REPLACE INTO refused_sign_ins (provider, issuer, subject, label, code, reason, refused_at) VALUES ($provider, $issuer, "
                    + "$subject, $label, $code, $reason, $refused_at);",
                ("$provider", refused.Person.Provider),
                ("$issuer", refused.Person.Issuer),
                ("$subject", refused.Person.Subject),
                ("$label", refused.Label),
                ("$code", refused.Code),
                ("$reason", refused.Reason),
                ("$refused_at", refused.RefusedAt.ToUnixTimeMilliseconds()));
            return Sql.Execute(
                connection,
                "DELETE FROM refused_sign_ins WHERE refused_at <= $oldest OR refused_at < (SELECT refused_at FROM refused_sign_ins "
                    + "ORDER BY refused_at DESC LIMIT 1 OFFSET $last);",
                ("$oldest", (refused.RefusedAt - IRefusedSignInStore.Ttl).ToUnixTimeMilliseconds()),
                ("$last", IRefusedSignInStore.MaxEntries - 1));
        },
        cancellationToken);

    public Task<IReadOnlyList<RefusedSignIn>> ListAsync(DateTimeOffset now, CancellationToken cancellationToken) => Task.FromResult(database.Read(connection =>
    {
        List<RefusedSignIn?> rows = Sql.Read(
            connection,
            "SELECT provider, issuer, subject, label, code, reason, refused_at FROM refused_sign_ins WHERE refused_at > $oldest "
                + "ORDER BY refused_at DESC LIMIT $most;",
            Refused,
            ("$oldest", (now - IRefusedSignInStore.Ttl).ToUnixTimeMilliseconds()),
            ("$most", IRefusedSignInStore.MaxEntries));
        return (IReadOnlyList<RefusedSignIn>)[.. rows.OfType<RefusedSignIn>()];
    }));

    private RefusedSignIn? Refused(SqliteDataReader row)
    {
        if (Sql.Text(row, 0) is { } provider
            && Sql.Text(row, 1) is { } issuer
            && Sql.Text(row, 2) is { } subject
            && Sql.Text(row, 3) is { } label
            && Sql.Text(row, 4) is { } code
            && Sql.Text(row, 5) is { } reason
            && Sql.Integer(row, 6) is { } refused && StoredTime.FromMilliseconds(refused) is { } refusedAt)
        {
            return new RefusedSignIn(new PersonKey(provider, issuer, subject), label, code, reason, refusedAt);
        }

        database.Unreadable.Report("refused sign-in", "?");
        return null;
    }
}
