using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>Reads a backup into an empty directory. Every file has the size and the checksum that the manifest says, or nothing counts.</summary>
internal sealed class BackupReader(Stream archive, string directory)
{
    /// <exception cref="BackupException">The archive is damaged, incomplete or no backup.</exception>
    public async Task<BackupManifest> ReadAsync(CancellationToken cancel)
    {
        try
        {
            await using TarReader tar = new(archive, leaveOpen: true);
            BackupManifest manifest = await ReadManifestAsync(tar, cancel);
            Dictionary<string, BackupFile> missing = manifest.Files.ToDictionary(file => file.Name, StringComparer.Ordinal);
            while (await tar.GetNextEntryAsync(copyData: false, cancel) is { } entry)
            {
                if (!IsRegularFile(entry) || !missing.Remove(entry.Name, out BackupFile? file) || entry.Length != file.Bytes)
                {
                    throw new BackupException($"The archive has an entry that its manifest does not name ({entry.Name}).");
                }

                await ExtractAsync(entry, file, cancel);
            }

            return missing.Count == 0 ? manifest : throw new BackupException($"The archive is incomplete: {missing.Keys.Order().First()} is missing.");
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or FormatException or JsonException)
        {
            throw new BackupException("The archive is damaged, or it is no backup of the gateway.");
        }
    }

    private static bool IsRegularFile(TarEntry entry) => entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile;

    private static async Task<BackupManifest> ReadManifestAsync(TarReader tar, CancellationToken cancel)
    {
        TarEntry? entry = await tar.GetNextEntryAsync(copyData: false, cancel);
        if (entry is not { Name: BackupManifest.FileName, DataStream: { } content, Length: <= BackupManifest.MaxBytes } || !IsRegularFile(entry))
        {
            throw new BackupException("The file is no backup of the gateway: it does not begin with a manifest.");
        }

        BackupManifest manifest = await JsonSerializer.DeserializeAsync(content, BackupManifestJson.Default.BackupManifest, cancel)
            ?? throw new JsonException();
        if (manifest.Format > BackupManifest.CurrentFormat)
        {
            throw new BackupException($"A newer gateway made the backup (version {manifest.Version}). Restore it with that version.");
        }

        if (manifest.Schema > DatabaseSchema.Current)
        {
            throw new BackupException(
                $"A newer gateway made the backup (version {manifest.Version}, schema {manifest.Schema}; this one knows {DatabaseSchema.Current}). "
                    + "Restore it with that version.");
        }

        bool isValid = manifest.Files.Count <= BackupManifest.MaxFiles
            && manifest.Files.All(file => BackupManifest.IsValidName(file.Name) && IsSize(file))
            && manifest.Files.DistinctBy(file => file.Name).Count() == manifest.Files.Count
            && manifest.Files.Any(file => file.Name == Database.FileName) == manifest.Schema is not null;
        return isValid ? manifest : throw new BackupException("The manifest of the archive names files that a backup cannot have.");
    }

    private static bool IsSize(BackupFile file) => file.Bytes >= 0 && (file.Name == Database.FileName || file.Bytes <= BackupManifest.MaxFileBytes);

    /// <summary>The reader gives as many bytes as the entry's length says, which the manifest has confirmed.</summary>
    private async Task ExtractAsync(TarEntry entry, BackupFile file, CancellationToken cancel)
    {
        string path = Path.Combine(directory, file.Name);
        PrivateDirectory.Create(Path.GetDirectoryName(path)!);
        await using (FileStream target = PrivateFile.Open(path, FileMode.CreateNew))
        {
            await (entry.DataStream ?? Stream.Null).CopyToAsync(target, cancel);
            target.Flush(flushToDisk: true);
        }

        await using FileStream written = File.OpenRead(path);
        if (!Convert.ToHexStringLower(await SHA256.HashDataAsync(written, cancel)).Equals(file.Sha256, StringComparison.OrdinalIgnoreCase))
        {
            throw new BackupException($"The archive is damaged: {file.Name} has another checksum than the manifest says.");
        }
    }
}
