using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Storage;

/// <summary>The copies of the database that the gateway makes before it changes the schema: one of each schema, and the latest ones of them.</summary>
internal sealed partial class SchemaCopies(string dataDirectory, TimeProvider time, ILogger? logger)
{
    public const string DirectoryName = "backups";

    public const int MaxKept = 3;

    private const string Prefix = "gateway-schema-";

    private readonly ILogger _logger = logger ?? NullLogger.Instance;
    private readonly string _directory = Path.Combine(dataDirectory, DirectoryName);

    /// <param name="source">A connection without an open transaction.</param>
    /// <exception cref="SqliteException">The copy could not be made, such as on a full disk.</exception>
    public void Make(SqliteConnection source, long schema)
    {
        PrivateDirectory.Create(_directory);
        string name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{schema}-{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}.db");
        string file = Path.Combine(_directory, name);

        // Left by a start that was killed during its copy.
        foreach (string incomplete in Directory.EnumerateFiles(_directory, $"{Prefix}*{DatabaseCopy.PartialSuffix}*").ToArray())
        {
            File.Delete(incomplete);
        }

        // A start that failed after its copy is repeated within the second.
        if (!File.Exists(file))
        {
            DatabaseCopy.Make(source, file);
        }

        Copied(file, schema, DatabaseSchema.Current);
        string[] replaced = [.. All().Where(other => SchemaOf(other) == schema && other != file)];
        foreach (string old in replaced.Concat(All().Except(replaced).SkipLast(MaxKept)).ToArray())
        {
            File.Delete(old);
        }
    }

    /// <summary>The latest copy that this program can read; null if there is none.</summary>
    public string? FindReadable() => All().LastOrDefault(file => SchemaOf(file) <= DatabaseSchema.Current);

    private static int SchemaOf(string file) => int.Parse(Path.GetFileName(file).Split('-')[2], CultureInfo.InvariantCulture);

    /// <summary>In the order of their times.</summary>
    private string[] All() => Directory.Exists(_directory)
        ? [
            .. Directory.EnumerateFiles(_directory, Prefix + "*.db")
                .Where(file => Path.GetFileName(file).Split('-') is [_, _, { } schema, _] && int.TryParse(schema, out _))
                .OrderBy(file => Path.GetFileName(file).Split('-')[3], StringComparer.Ordinal),
        ]
        : [];

    [LoggerMessage(
        EventId = 8200,
        EventName = "DatabaseCopied",
        Level = LogLevel.Information,
        Message = "Copied the database to {File} before its schema changes from {Schema} to {NewSchema}")]
    private partial void Copied(string file, long schema, int newSchema);
}
