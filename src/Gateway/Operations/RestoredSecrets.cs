using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>The secret files of a backup, on their way into the directory that `--secrets` names.</summary>
/// <param name="staged">Where the archive was unpacked to. It may not exist.</param>
/// <param name="target">Null: they are not written.</param>
internal sealed class RestoredSecrets(string staged, string? target)
{
    private readonly string[] _files = Directory.Exists(staged) ? [.. Directory.EnumerateFiles(staged).Order(StringComparer.Ordinal)] : [];

    private readonly List<string> _written = [];

    public IEnumerable<string> Names => _files.Select(Path.GetFileName).OfType<string>();

    /// <exception cref="BackupException">A file of the same name exists.</exception>
    public void EnsureFree()
    {
        if (target is not null && _files.Select(TargetOf).FirstOrDefault(Path.Exists) is { } existing)
        {
            throw new BackupException($"{existing} exists. Give another directory: nothing is overwritten.");
        }
    }

    /// <summary>Writes the files, and removes them from where they were unpacked.</summary>
    public void Write()
    {
        if (target is not null && _files.Length > 0)
        {
            PrivateDirectory.Create(target);
            foreach (string file in _files)
            {
                using FileStream copy = PrivateFile.Open(TargetOf(file), FileMode.CreateNew);
                _written.Add(TargetOf(file));
                copy.Write(File.ReadAllBytes(file));
                copy.Flush(flushToDisk: true);
            }
        }

        if (_files.Length > 0)
        {
            Directory.Delete(staged, recursive: true);
        }
    }

    /// <summary>For a restore that fails: what it has written does not stay behind.</summary>
    public void Undo() => _written.ForEach(File.Delete);

    private string TargetOf(string file) => Path.Combine(target!, Path.GetFileName(file));
}
