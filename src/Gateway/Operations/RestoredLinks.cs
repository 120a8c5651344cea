using System.Globalization;
using Gateway.Storage;
using Microsoft.Data.Sqlite;

namespace Gateway.Operations;

/// <summary>The account links that a restore brings back: they are in the backup and not in the present database.</summary>
internal static class RestoredLinks
{
    private const string Always = "Account links are those of the backup: a link that was removed after it counts again.";

    private static readonly string[] Head = ["USER", "PROVIDER", "LABEL", "ISSUER", "SUBJECT"];

    /// <returns>What the operator is told.</returns>
    /// <exception cref="SqliteException">The restored database cannot be read.</exception>
    public static string Describe(string restoredFile, string presentFile)
    {
        List<(Link Link, string Label)> restored = Read(restoredFile);
        HashSet<Link> present;
        try
        {
            if (!File.Exists(presentFile))
            {
                return $"{Always} There is no present database to compare: look at \"accounts list\".";
            }

            present = [.. Read(presentFile).Select(one => one.Link)];
        }
        catch (Exception error) when (error is SqliteException or IOException or UnauthorizedAccessException)
        {
            return $"{Always} The present database cannot be read, so nothing was compared: look at \"accounts list\".";
        }

        string[][] back =
        [
            .. restored.Where(one => !present.Contains(one.Link))
                .Select(one => new[] { one.Link.UserId, one.Link.Provider, one.Label, one.Link.Issuer, one.Link.Subject }),
        ];
        return back.Length == 0
            ? $"{Always} The present database has all of them, too."
            : $"{Always} These are not in the present database (\"accounts unlink\" removes them again):\n{Terminal.Table(Head, back)}";
    }

    /// <summary>Reads links, and those that wait for a first sign-in. The columns have their names since there are these tables.</summary>
    private static List<(Link Link, string Label)> Read(string file)
    {
        using SqliteConnection connection = DatabaseCopy.Open(file, SqliteOpenMode.ReadOnly);
        HashSet<string> tables = [.. Sql.Read(connection, "SELECT name FROM sqlite_master WHERE type = 'table';", row => row.GetString(0))];
        List<(Link, string)> links = [];
        if (tables.Contains("account_links"))
        {
            links.AddRange(Sql.Read(
                connection,
                "SELECT user_id, joined, provider, issuer, subject, label FROM account_links ORDER BY id;",
                row => (new Link(Value(row, 0), Value(row, 1), Value(row, 2), Value(row, 3), Value(row, 4)), Value(row, 5))));
        }

        if (tables.Contains("pending_links"))
        {
            links.AddRange(Sql.Read(
                connection,
                "SELECT user_id, joined, provider, provider_user FROM pending_links ORDER BY provider, provider_user;",
                row => (new Link(Value(row, 0), Value(row, 1), Value(row, 2), "", $"(user name {Value(row, 3)})"), "(waits for a first sign-in)")));
        }

        return links;
    }

    /// <summary>Also of a damaged row: it is no reason to restore nothing.</summary>
    private static string Value(SqliteDataReader row, int column) => Convert.ToString(row.GetValue(column), CultureInfo.InvariantCulture) ?? "";

    /// <param name="Joined">`date_joined` of the Paperless user, which tells two users of the same number apart.</param>
    private sealed record Link(string UserId, string Joined, string Provider, string Issuer, string Subject);
}
