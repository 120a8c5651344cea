using Gateway.Settings;

namespace Gateway.Storage;

/// <summary>The directory `GATEWAY_DATA_DIR`. Only the gateway's user may read it, including files of older versions and of other umasks.</summary>
internal sealed partial class DataDirectory(StorageSettings settings, TimeProvider time, ILogger<DataDirectory> logger) : IDisposable
{
    /// <summary>Begins the name of the copy of the database that the command "backup" makes for a moment.</summary>
    public const string BackupPrefix = "backup-";

    /// <summary>No backup takes longer.</summary>
    private static readonly TimeSpan MaxBackup = TimeSpan.FromDays(1);

    private readonly string _path = Path.GetFullPath(settings.DataDirectory);

    private DataDirectoryLock? _lock;

    /// <summary>Keeps a restore away from the directory, until the gateway ends.</summary>
    /// <exception cref="SettingsException">The directory cannot be used, or a restore is under way.</exception>
    public void Occupy()
    {
        try
        {
            _lock ??= DataDirectoryLock.Share(_path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CannotBeUsed(error);
        }
    }

    public void Dispose() => _lock?.Dispose();

    /// <summary>Removes the permissions of other users at start, and warns if that fails.</summary>
    /// <exception cref="SettingsException">The directory or the file of pending revocations is not readable: ended sessions could reappear.</exception>
    public void Protect()
    {
        try
        {
            PrivateDirectory.Create(_path);
            DeleteAbandonedCopies();
            RestrictAll();
            string pendingRevocations = Path.Combine(_path, PendingRevocationFile.FileName);
            if (File.Exists(pendingRevocations))
            {
                File.OpenRead(pendingRevocations).Dispose();
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CannotBeUsed(error);
        }
    }

    /// <summary>A backup that was killed leaves its copy of the database behind. A younger one may be under way.</summary>
    private void DeleteAbandonedCopies()
    {
        DateTime youngest = (time.GetUtcNow() - MaxBackup).UtcDateTime;
        foreach (string file in Directory.EnumerateFiles(_path, BackupPrefix + "*.tmp*").Where(file => File.GetLastWriteTimeUtc(file) < youngest).ToArray())
        {
            DatabaseCopy.TryDelete(file);
        }
    }

    private SettingsException CannotBeUsed(Exception error) => new(
    [
        new(
            "GATEWAY_DATA_DIR",
            $"\"{settings.DataDirectory}\" cannot be used ({error.Message.TrimEnd('.')}).",
            "Set a directory that the gateway's user can write to, and make that user the owner of its files."),
    ]);

    private void RestrictAll()
    {
        if (PrivateDirectory.IsOpenToOthers(_path))
        {
            OpenToOthers(_path);
        }

        foreach (string directory in OwnDirectories().Where(directory => !PrivateDirectory.Restrict(directory)))
        {
            CannotRestrict(directory, "700");
        }

        foreach (string file in OwnFiles().Where(file => !PrivateFile.Restrict(file)))
        {
            CannotRestrict(file, "600");
        }
    }

    private IEnumerable<string> OwnDirectories() =>
        new[] { StorageFeature.KeysDirectory, StorageFeature.SpoolDirectory, SchemaCopies.DirectoryName }
            .Select(name => Path.Combine(_path, name))
            .Where(Directory.Exists);

    private IEnumerable<string> OwnFiles() =>
        Database.Files(_path).Append(Path.Combine(_path, PendingRevocationFile.FileName)).Where(File.Exists)
            .Concat(OwnDirectories().SelectMany(Directory.EnumerateFiles));

    [LoggerMessage(
        EventId = 1010,
        EventName = "DataDirectoryOpen",
        Level = LogLevel.Warning,
        Message = "Other users of this machine can list or write the data directory {Directory} (GATEWAY_DATA_DIR). The gateway restricts its own files, "
            + "but not the directory: run \"chmod 700\" on it.")]
    private partial void OpenToOthers(string directory);

    [LoggerMessage(
        EventId = 1011,
        EventName = "DataFileOpen",
        Level = LogLevel.Warning,
        Message = "Other users of this machine can read or write {File}, and the gateway lacks the permission to change that. Make the gateway's user the "
            + "owner, or run \"chmod {Mode}\".")]
    private partial void CannotRestrict(string file, string mode);
}
