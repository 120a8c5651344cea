using Microsoft.Data.Sqlite;

namespace Gateway.Storage;

/// <summary>Copies a database that may be in use, consistently and into one file.</summary>
internal static class DatabaseCopy
{
    /// <summary>Ends the name of a copy that is not complete; SQLite appends more for its files beside it.</summary>
    public const string PartialSuffix = ".partial";

    /// <param name="source">A connection without an open transaction.</param>
    /// <param name="target">A file that does not exist yet. It is complete, or it is not there.</param>
    /// <exception cref="SqliteException">The copy could not be made, such as on a full disk.</exception>
    public static void Make(SqliteConnection source, string target)
    {
        string partial = target + PartialSuffix;
        try
        {
            File.Delete(partial);
            PrivateFile.Open(partial, FileMode.CreateNew).Dispose();
            using (SqliteConnection copy = Open(partial, SqliteOpenMode.ReadWrite))
            {
                source.BackupDatabase(copy);

                // The copy would otherwise need two more files beside it.
                Sql.Execute(copy, "PRAGMA journal_mode = DELETE;");
            }

            EnsureIntact(partial);
            using (FileStream file = new(partial, FileMode.Open, FileAccess.ReadWrite))
            {
                file.Flush(flushToDisk: true);
            }

            File.Move(partial, target);
        }
        catch
        {
            foreach (string file in Database.WithCompanions(partial))
            {
                TryDelete(file);
            }

            throw;
        }
    }

    /// <summary>Reads the whole file.</summary>
    /// <returns>Its schema.</returns>
    /// <exception cref="SqliteException">It is no database, or a damaged one.</exception>
    public static long EnsureIntact(string file)
    {
        using SqliteConnection connection = Open(file, SqliteOpenMode.ReadOnly);
        string found = Sql.Read(connection, "PRAGMA integrity_check(1);", row => row.GetString(0))[0];
        return found == "ok"
            ? DatabaseSchema.Read(connection)
            : throw new SqliteException($"The database is damaged ({found}).", SQLitePCL.raw.SQLITE_CORRUPT);
    }

    public static SqliteConnection Open(string file, SqliteOpenMode mode)
    {
        SqliteConnectionStringBuilder options = new() { DataSource = file, Mode = mode, Pooling = false, DefaultTimeout = 10 };
        SqliteConnection connection = new(options.ToString());
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

    /// <summary>Deletes a copy that nobody needs. One that stays takes room, and nothing fails because of it.</summary>
    public static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A failure that is already under way says what is wrong.
        }
    }
}
