using Gateway.Settings;

namespace Gateway.Storage;

/// <summary>`GATEWAY_DATA_DIR`: what lies in it is for the gateway's own user alone, files of earlier versions and other umasks included.</summary>
internal sealed partial class DataDirectory(GatewaySettings settings, ILogger<DataDirectory> logger)
{
    private readonly string _path = Path.GetFullPath(settings.DataDirectory);

    /// <summary>Takes other users' rights away at the start, and warns of those that cannot be taken.</summary>
    /// <exception cref="SettingsException">The directory cannot be used, or its journal may not be read: sessions that ended would go on.</exception>
    public void Protect()
    {
        try
        {
            PrivateDirectory.Create(_path);
            Narrow();
            string journal = Path.Combine(_path, PendingRevocationFile.FileName);
            if (File.Exists(journal))
            {
                File.OpenRead(journal).Dispose();
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            string wrong = $"\"{settings.DataDirectory}\" cannot be used ({error.Message.TrimEnd('.')}).";
            const string Remedy = "Name a directory that the gateway's user may write, and make that user the owner of its files.";
            throw new SettingsException([new("GATEWAY_DATA_DIR", wrong, Remedy)]);
        }
    }

    private void Narrow()
    {
        if (PrivateDirectory.IsOpenToOthers(_path))
        {
            OpenToOthers(_path);
        }

        foreach (string directory in OwnDirectories().Where(directory => !PrivateDirectory.Narrow(directory)))
        {
            NotNarrowed(directory, "700");
        }

        foreach (string file in OwnFiles().Where(file => !PrivateFile.Narrow(file)))
        {
            NotNarrowed(file, "600");
        }
    }

    private IEnumerable<string> OwnDirectories() =>
        new[] { StorageFeature.KeysDirectory, StorageFeature.SpoolDirectory }.Select(name => Path.Combine(_path, name)).Where(Directory.Exists);

    private IEnumerable<string> OwnFiles() =>
        Database.Files(_path).Append(Path.Combine(_path, PendingRevocationFile.FileName)).Where(File.Exists)
            .Concat(OwnDirectories().SelectMany(Directory.EnumerateFiles));

    [LoggerMessage(
        EventId = 1010,
        EventName = "DataDirectoryOpen",
        Level = LogLevel.Warning,
        Message = "Other users of this machine may read or write the data directory {Directory} (GATEWAY_DATA_DIR); its files are the gateway's alone, but "
            + "set \"chmod 700\" on the directory, too")]
    private partial void OpenToOthers(string directory);

    [LoggerMessage(
        EventId = 1011,
        EventName = "DataFileOpen",
        Level = LogLevel.Warning,
        Message = "Other users of this machine may read or write {File}, and the gateway may not change that; make its user the owner, or set \"chmod "
            + "{Mode}\"")]
    private partial void NotNarrowed(string file, string mode);
}
