namespace Gateway.Storage;

/// <summary>Files that only the gateway's user may read, regardless of the directory and the umask. Does nothing on Windows.</summary>
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

    /// <summary>Removes the permissions of all other users.</summary>
    /// <returns>False if the permissions cannot be changed: only the owner of a file may do that.</returns>
    public static bool Restrict(string path) => Restrict(path, Mode);

    public static bool Restrict(string path, UnixFileMode widest)
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
