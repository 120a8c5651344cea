using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.Data.Sqlite;

namespace Gateway.Operations;

/// <summary>`Gateway backup`: writes the data of the gateway into one archive, even while it runs.</summary>
internal sealed class BackupCommand(StorageSettings settings, IReadOnlyList<SecretFile> secretFiles, TimeProvider time)
{
    public const string StandardStream = "-";

    private const UnixFileMode EntryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <param name="target">A file that does not exist, or "-" for standard output.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(string target, CancellationToken cancel)
    {
        string partial = target + ".partial";
        string? written = null;
        try
        {
            if (target == StandardStream)
            {
                return Console.IsOutputRedirected
                    ? await WriteAsync(Console.OpenStandardOutput(), "standard output", cancel)
                    : throw new BackupException("Standard output is a terminal: redirect it into a file.");
            }

            if (Path.Exists(target))
            {
                throw new BackupException($"{target} exists. Give another name: nothing is overwritten.");
            }

            // A killed backup or somebody else may have left this file. It is deleted because the backup would keep its owner and permissions.
            File.Delete(partial);
            int exitCode;
            await using (FileStream file = PrivateFile.Open(partial, FileMode.CreateNew))
            {
                written = partial;
                exitCode = await WriteAsync(file, target, cancel);
                file.Flush(flushToDisk: true);
            }

            PrivateFile.Restrict(partial);
            File.Move(partial, target);
            written = null;
            return exitCode;
        }
        catch (Exception error) when (error is BackupException or IOException or UnauthorizedAccessException or SqliteException)
        {
            return await Terminal.FailAsync($"No backup was made. {error.Message}");
        }
        catch (OperationCanceledException)
        {
            return await Terminal.FailAsync("No backup was made. The command was interrupted.");
        }
        finally
        {
            if (written is not null)
            {
                File.Delete(written);
            }
        }
    }

    private async Task<int> WriteAsync(Stream output, string name, CancellationToken cancel)
    {
        string copy = Path.Combine(settings.DataDirectory, $"{DataDirectory.BackupPrefix}{Guid.NewGuid():N}.tmp");
        try
        {
            long? schema = settings.Redis is null ? CopyDatabase(copy) : null;
            List<(string Name, byte[] Content)> small = [.. DataFiles(), .. Secrets()];
            List<BackupFile> files = [.. small.Select(file => new BackupFile(file.Name, file.Content.Length, Hash(file.Content)))];
            if (schema is not null)
            {
                await using FileStream database = File.OpenRead(copy);
                files.Add(new(Database.FileName, database.Length, Convert.ToHexStringLower(await SHA256.HashDataAsync(database, cancel))));
            }

            if (files.Count > BackupManifest.MaxFiles)
            {
                throw new BackupException($"There are {files.Count} files; a backup holds {BackupManifest.MaxFiles} at most.");
            }

            BackupManifest manifest = new(
                BackupManifest.CurrentFormat,
                BackupManifest.ProgramVersion,
                time.GetUtcNow(),
                BackupManifest.StoreOf(settings),
                schema,
                files);
            await using TarWriter archive = new(output, TarEntryFormat.Pax, leaveOpen: true);
            byte[] first = JsonSerializer.SerializeToUtf8Bytes(manifest, BackupManifestJson.Default.BackupManifest);
            await AddAsync(archive, BackupManifest.FileName, new MemoryStream(first), manifest, cancel);
            foreach ((string file, byte[] content) in small)
            {
                await AddAsync(archive, file, new MemoryStream(content), manifest, cancel);
            }

            if (schema is not null)
            {
                await using FileStream database = File.OpenRead(copy);
                await AddAsync(archive, Database.FileName, database, manifest, cancel);
            }

            await Terminal.NoteAsync(Describe(manifest, name));
            return 0;
        }
        finally
        {
            File.Delete(copy);
        }
    }

    private static Task AddAsync(TarWriter archive, string name, Stream content, BackupManifest manifest, CancellationToken cancel) =>
        archive.WriteEntryAsync(
            new PaxTarEntry(TarEntryType.RegularFile, name) { Mode = EntryMode, ModificationTime = manifest.CreatedAt, DataStream = content },
            cancel);

    /// <returns>The schema.</returns>
    private long CopyDatabase(string copy)
    {
        string file = Path.Combine(settings.DataDirectory, Database.FileName);
        if (!File.Exists(file))
        {
            throw new BackupException($"There is no database in \"{settings.DataDirectory}\" (GATEWAY_DATA_DIR).");
        }

        using (SqliteConnection source = DatabaseCopy.Open(file, SqliteOpenMode.ReadOnly))
        {
            DatabaseCopy.Make(source, copy);
        }

        return DatabaseCopy.EnsureIntact(copy);
    }

    /// <summary>The key ring is in Redis where Redis is the store. Logouts that Redis has not received yet are in a file.</summary>
    private IEnumerable<(string Name, byte[] Content)> DataFiles()
    {
        string pending = Path.Combine(settings.DataDirectory, PendingRevocationFile.FileName);
        if (File.Exists(pending))
        {
            yield return (PendingRevocationFile.FileName, Read(pending, PendingRevocationFile.FileName));
        }

        string keys = Path.Combine(settings.DataDirectory, StorageFeature.KeysDirectory);
        foreach (string key in settings.Redis is null && Directory.Exists(keys) ? Directory.EnumerateFiles(keys, "*.xml") : [])
        {
            string name = $"{StorageFeature.KeysDirectory}/{Path.GetFileName(key)}";
            if (BackupManifest.IsValidName(name))
            {
                yield return (name, Read(key, name));
            }
        }
    }

    private IEnumerable<(string Name, byte[] Content)> Secrets() =>
        secretFiles.Select(secret => (BackupManifest.Secrets + secret.Variable, Read(secret.Path, secret.FileVariable)));

    /// <param name="name">What messages call the file: people write a secret in place of a path.</param>
    private static byte[] Read(string file, string name)
    {
        try
        {
            // A running gateway may write it, or replace it.
            return BoundedFile.Read(file, BackupManifest.MaxFileBytes, FileShare.ReadWrite | FileShare.Delete)
                ?? throw new BackupException($"The file {name} is too large for a backup.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new BackupException($"The file {name} cannot be read ({error.GetType().Name}).");
        }
    }

    private static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static string Describe(BackupManifest manifest, string name)
    {
        string store = manifest.Schema is { } schema
            ? $"the database (schema {schema})"
            : "what is not in Redis. Sessions, account links and keys are in Redis: save its append-only file or its RDB file as well";
        int secrets = manifest.Files.Count(file => file.Name.StartsWith(BackupManifest.Secrets, StringComparison.Ordinal));
        int keys = manifest.Files.Count(file => file.Name.StartsWith(StorageFeature.KeysDirectory, StringComparison.Ordinal));
        return $"Saved to {name}: {store}; {keys} keys; {secrets} secret files. The archive is not encrypted: keep it as you keep a password.";
    }
}
