using System.Globalization;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Checks;

/// <summary>The store, without changing it: SQLite in the data directory, or Redis.</summary>
internal sealed class StoreCheck(StorageSettings settings, IServiceProvider services) : ICheck
{
    private const long LowSpaceBytes = 100L * 1024 * 1024;

    public string Subject { get; } = settings.Redis is { } redis ? $"Redis at {redis}" : $"data directory {settings.DataDirectory}";

    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel) =>
        settings.Redis is null ? CheckDirectory() : [.. await CheckRedisAsync(services.GetRequiredService<RedisConnection>(), cancel)];

    private Finding DescribeRisk(RedisRisk risk) => risk.EvictionPolicy is { } policy
        ? Finding.Warning(Subject, $"it removes keys when its memory is full ({policy})", "Set \"maxmemory-policy noeviction\" in the Redis configuration")
        : Finding.Warning(
            Subject,
            "it has no append-only file, so a restart can lose sign-outs and account links",
            "Set \"appendonly yes\" in the Redis configuration");

    private List<Finding> CheckDirectory()
    {
        List<Finding> findings = [CheckDatabase()];
        if (!Directory.Exists(settings.DataDirectory))
        {
            return findings;
        }

        if (PrivateDirectory.IsOpenToOthers(settings.DataDirectory))
        {
            findings.Add(Finding.Warning(Subject, "other users of this machine can list or write it", "Run \"chmod 700\" on it"));
        }

        long free = new DriveInfo(Path.GetFullPath(settings.DataDirectory)).AvailableFreeSpace;
        if (free < LowSpaceBytes)
        {
            string megabytes = (free / 1024 / 1024).ToString(CultureInfo.InvariantCulture);
            findings.Add(Finding.Problem(Subject, $"only {megabytes} MiB are free", "Free space on that disk, or set GATEWAY_DATA_DIR to another one"));
        }

        return findings;
    }

    private Finding CheckDatabase()
    {
        const string remedy = "Set GATEWAY_DATA_DIR to a directory that the gateway's user can write to";
        try
        {
            if (services.GetRequiredService<Database>().ReadSchema() is not { } schema)
            {
                return CanWrite()
                    ? Finding.Good(Subject, "no database yet; the start makes one")
                    : Finding.Problem(Subject, "the gateway's user cannot write there", remedy);
            }

            if (!CanWrite())
            {
                return Finding.Problem(Subject, "the gateway's user cannot write there", remedy);
            }

            if (schema > DatabaseSchema.Current)
            {
                return Finding.Problem(
                    Subject,
                    $"a newer gateway wrote the database (schema {schema}, this one knows {DatabaseSchema.Current})",
                    "Run that version, or set GATEWAY_DATA_DIR to an empty directory");
            }

            return schema < DatabaseSchema.Current
                ? Finding.Good(Subject, DescribeUpdate(schema))
                : Finding.Good(Subject, $"the database is readable (schema {schema})");
        }
        catch (SettingsException wrong)
        {
            SettingsProblem problem = wrong.Problems[0];
            return Finding.Problem(Subject, $"{problem.Variable}: {problem.Wrong.TrimEnd('.')}", problem.Remedy.TrimEnd('.'));
        }
    }

    private static string DescribeUpdate(long schema)
    {
        string sessions = DatabaseSchema.EndsSessions(schema) ? "everybody signs in once more" : "people stay signed in";
        return $"the start of this version updates the database from schema {schema} to {DatabaseSchema.Current}; {sessions}, and an older version cannot "
            + "read it then, so make a backup first (\"backup\"); the start also copies the present database";
    }

    /// <summary>Tries with a temporary file in the directory, or in the nearest one above it that exists.</summary>
    private bool CanWrite()
    {
        if (File.Exists(settings.DataDirectory))
        {
            return false;
        }

        DirectoryInfo? directory = new(Path.GetFullPath(settings.DataDirectory));
        while (directory is { Exists: false })
        {
            directory = directory.Parent;
        }

        if (directory is null)
        {
            return false;
        }

        try
        {
            string path = Path.Combine(directory.FullName, $".gateway-check-{Guid.NewGuid():N}");
            new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose).Dispose();
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private async Task<IReadOnlyList<Finding>> CheckRedisAsync(RedisConnection redis, CancellationToken cancel)
    {
        try
        {
            await redis.ExecuteAsync(database => database.PingAsync(), cancel);
        }
        catch (StoreUnavailableException unavailable)
        {
            return [Finding.Problem(Subject, unavailable.Message, "Start Redis, or correct address, user and password in GATEWAY_REDIS_URL")];
        }

        List<Finding> findings = [Finding.Good(Subject, "it answers; entries of an older version are converted when they are used, not at the start")];
        findings.AddRange((await redis.FindRisksAsync()).Select(DescribeRisk));
        return findings;
    }
}
