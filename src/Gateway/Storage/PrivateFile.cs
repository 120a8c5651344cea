namespace Gateway.Storage;

/// <summary>Files that only the gateway's own user may read, whatever the directory and the umask say. Windows has other means.</summary>
internal static class PrivateFile
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static FileStream Open(string path, FileMode mode)
    {
        FileStreamOptions options = new() { Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Mode;
        }

        return new FileStream(path, options);
    }

    /// <summary>Takes everybody else's rights to a file away.</summary>
    /// <returns>False where it stays as it is: only the owner of a file may change them.</returns>
    public static bool Narrow(string path) => Narrow(path, Mode);

    public static bool Narrow(string path, UnixFileMode widest)
    {
        if (OperatingSystem.IsWindows())
        {
            return true;
        }

        try
        {
            UnixFileMode mode = File.GetUnixFileMode(path);
            if ((mode & ~widest) != UnixFileMode.None)
            {
                File.SetUnixFileMode(path, mode & widest);
            }

            return true;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
