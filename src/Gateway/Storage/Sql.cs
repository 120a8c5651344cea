using Microsoft.Data.Sqlite;

namespace Gateway.Storage;

/// <summary>Runs single SQL statements with parameters.</summary>
internal static class Sql
{
    /// <returns>The number of changed rows.</returns>
    public static int Execute(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteCommand command = Command(connection, sql, parameters);
        return command.ExecuteNonQuery();
    }

    public static List<T> Read<T>(
        SqliteConnection connection,
        string sql,
        Func<SqliteDataReader, T> row,
        params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteCommand command = Command(connection, sql, parameters);
        using SqliteDataReader reader = command.ExecuteReader();
        List<T> rows = [];
        while (reader.Read())
        {
            rows.Add(row(reader));
        }

        return rows;
    }

    /// <returns>Null if the value is no BLOB or has another length.</returns>
    public static byte[]? Blob(SqliteDataReader row, int column, int? length = null) =>
        row.GetValue(column) is byte[] bytes && (length is null || bytes.Length == length) ? bytes : null;

    /// <returns>Null if the value is no integer.</returns>
    public static long? Integer(SqliteDataReader row, int column) => row.GetValue(column) as long?;

    /// <returns>Null if the value is no text.</returns>
    public static string? Text(SqliteDataReader row, int column) => row.GetValue(column) as string;

    private static SqliteCommand Command(SqliteConnection connection, string sql, ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The SQL is always a constant of a store.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach ((string name, object? value) in parameters)
        {
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        }

        return command;
    }
}
