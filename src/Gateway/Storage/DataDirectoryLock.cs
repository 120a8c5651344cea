using Gateway.Settings;

namespace Gateway.Storage;

/// <summary>
/// Says who uses the data directory: any number of gateways and commands share it, or one restore has it alone. The operating system holds the lock, so a
/// crash releases it.
/// </summary>
internal sealed class DataDirectoryLock : IDisposable
{
    public const string FileName = "gateway.lock";

    /// <summary>EWOULDBLOCK of Linux and of macOS, and ERROR_SHARING_VIOLATION.</summary>
    private static readonly int[] HeldByAnother = [11, 35, unchecked((int)0x80070020)];

    private readonly FileStream _file;

    private DataDirectoryLock(FileStream file) => _file = file;

    /// <exception cref="SettingsException">A restore uses the directory, or one was interrupted.</exception>
    public static DataDirectoryLock Share(string directory)
    {
        DataDirectoryLock held = TryOpen(directory, FileAccess.Read, FileShare.Read)
            ?? throw InUse(directory, "is being restored.", "Wait until the command \"restore\" has ended.");
        if (!Directory.Exists(Path.Combine(directory, RestoredData.ReadyDirectory)))
        {
            return held;
        }

        held.Dispose();
        throw InUse(directory, "holds half of a restore that was interrupted.", "Run the command \"restore\" again.");
    }

    /// <returns>Null while a gateway or a command uses the directory.</returns>
    public static DataDirectoryLock? TryTake(string directory) => TryOpen(directory, FileAccess.ReadWrite, FileShare.None);

    /// <summary>Whether the lock that <see cref="TryTake"/> gave is one: some network file systems accept locks and keep nobody out.</summary>
    public bool ExcludesOthers()
    {
        using DataDirectoryLock? second = TryOpen(Path.GetDirectoryName(_file.Name)!, FileAccess.Read, FileShare.Read);
        return second is null;
    }

    public void Dispose() => _file.Dispose();

    /// <summary>.NET takes an advisory lock (flock): an exclusive one for <see cref="FileShare.None"/>, otherwise a shared one.</summary>
    private static DataDirectoryLock? TryOpen(string directory, FileAccess access, FileShare share)
    {
        PrivateDirectory.Create(directory);
        string path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
        {
            PrivateFile.Open(path, FileMode.OpenOrCreate).Dispose();
        }

        PrivateFile.Restrict(path);
        try
        {
            return new DataDirectoryLock(new FileStream(path, FileMode.Open, access, share, bufferSize: 0));
        }
        catch (IOException error) when (HeldByAnother.Contains(error.HResult))
        {
            return null;
        }
    }

    private static SettingsException InUse(string directory, string wrong, string remedy) => new([new("GATEWAY_DATA_DIR", $"\"{directory}\" {wrong}", remedy)]);
}
