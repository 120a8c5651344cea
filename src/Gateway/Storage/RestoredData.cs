namespace Gateway.Storage;

/// <summary>Puts restored files into the data directory in one step. What was there before is moved aside, and never deleted.</summary>
/// <param name="directory">The data directory, whose lock the caller holds.</param>
internal sealed class RestoredData(string directory)
{
    /// <summary>There only while the files are being exchanged: with it, no gateway starts.</summary>
    public const string ReadyDirectory = "restore.ready";

    /// <summary>Begins the name of each directory of what was there before; a time follows.</summary>
    public const string AsidePrefix = "before-restore-";

    private const string StagingDirectory = "restore.partial";

    /// <summary>Where the caller puts the files, by the names that they have in the data directory.</summary>
    public string Staging { get; } = Path.Combine(directory, StagingDirectory);

    /// <summary>
    /// Makes an empty <see cref="Staging"/>; also after a restore that was interrupted, which keeps gateways from starting until this one has ended well.
    /// </summary>
    public void Begin()
    {
        Abandon();
        string interrupted = Path.Combine(directory, ReadyDirectory);
        if (Directory.Exists(interrupted))
        {
            RescuePendingRevocations(interrupted);
        }

        PrivateDirectory.Create(Staging);
    }

    public void Abandon()
    {
        if (Directory.Exists(Staging))
        {
            Directory.Delete(Staging, recursive: true);
        }
    }

    /// <summary>Exchanges the present files for the staged ones. If a step fails, the earlier steps are undone.</summary>
    /// <param name="aside">The name of the directory for the present files.</param>
    /// <param name="replaced">The entries of the data directory that are exchanged.</param>
    /// <returns>Whether anything was there before.</returns>
    public bool Exchange(string aside, IEnumerable<string> replaced)
    {
        string ready = Path.Combine(directory, ReadyDirectory);
        string kept = Path.Combine(directory, aside);
        List<(string From, string To)> done = [];
        try
        {
            MakeReady(ready, done);
            foreach (string name in replaced.Where(name => Path.Exists(Path.Combine(directory, name))))
            {
                PrivateDirectory.Create(kept);
                Move(Path.Combine(directory, name), Path.Combine(kept, name), done);
            }

            foreach (string entry in Directory.EnumerateFileSystemEntries(ready).ToArray())
            {
                Move(entry, Path.Combine(directory, Path.GetFileName(entry)), done);
            }
        }
        catch
        {
            done.Reverse();
            foreach ((string from, string to) in done)
            {
                Directory.Move(to, from);
            }

            throw;
        }

        Directory.Delete(ready);
        return Directory.Exists(kept);
    }

    private void MakeReady(string ready, List<(string From, string To)> done)
    {
        if (!Directory.Exists(ready))
        {
            Move(Staging, ready, done);
            return;
        }

        // What an interrupted restore had unpacked is in its backup.
        foreach (FileSystemInfo old in new DirectoryInfo(ready).EnumerateFileSystemInfos().ToArray())
        {
            if (old is DirectoryInfo folder)
            {
                folder.Delete(recursive: true);
            }
            else
            {
                old.Delete();
            }
        }

        foreach (string entry in Directory.EnumerateFileSystemEntries(Staging).ToArray())
        {
            Move(entry, Path.Combine(ready, Path.GetFileName(entry)), done);
        }
    }

    /// <summary>
    /// Pending logouts may be in none of the present files: the interrupted restore has moved them aside, or not yet moved them back. They count all
    /// the same.
    /// </summary>
    private void RescuePendingRevocations(string interrupted)
    {
        string? aside = Directory.EnumerateDirectories(directory, AsidePrefix + "*").Max(StringComparer.Ordinal);
        foreach (string? place in (string?[])[interrupted, aside])
        {
            if (place is not null && File.Exists(Path.Combine(place, PendingRevocationFile.FileName)))
            {
                PendingRevocationFile.Append(Path.Combine(place, PendingRevocationFile.FileName), Path.Combine(directory, PendingRevocationFile.FileName));
            }
        }
    }

    private static void Move(string from, string to, List<(string From, string To)> done)
    {
        // Files as well as directories.
        Directory.Move(from, to);
        done.Add((from, to));
    }
}
