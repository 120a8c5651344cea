namespace Gateway.Storage;

/// <summary>Puts restored files into the data directory in one step. What was there before is moved aside, and never deleted.</summary>
/// <param name="directory">The data directory, whose lock the caller holds.</param>
internal sealed class RestoredData(string directory)
{
    /// <summary>There only while the files are being exchanged: with it, no gateway starts.</summary>
    public const string ReadyDirectory = "restore.ready";

    private const string StagingDirectory = "restore.partial";

    /// <summary>Where the caller puts the files, by the names that they have in the data directory.</summary>
    public string Staging { get; } = Path.Combine(directory, StagingDirectory);

    /// <summary>Makes an empty <see cref="Staging"/>; also after a restore that was interrupted.</summary>
    public void Begin()
    {
        Abandon();
        string interrupted = Path.Combine(directory, ReadyDirectory);
        if (Directory.Exists(interrupted))
        {
            Directory.Delete(interrupted, recursive: true);
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
            Move(Staging, ready, done);
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

    private static void Move(string from, string to, List<(string From, string To)> done)
    {
        // Files as well as directories.
        Directory.Move(from, to);
        done.Add((from, to));
    }
}
