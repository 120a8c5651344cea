using System.Globalization;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.Data.Sqlite;

namespace Gateway.Operations;

/// <summary>
/// `Gateway restore`: puts a backup, or a copy that the gateway made before a change of the schema, into the data directory. It checks everything before it
/// changes anything, and moves aside what was there.
/// </summary>
internal sealed class RestoreCommand(StorageSettings settings, TimeProvider time)
{
    private const string SecretsDirectory = "secrets";

    private readonly RestoredData _data = new(settings.DataDirectory);

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(RestoreArguments arguments, CancellationToken cancel)
    {
        try
        {
            using DataDirectoryLock? held = DataDirectoryLock.TryTake(settings.DataDirectory);
            if (held is null)
            {
                throw new BackupException($"A gateway uses \"{settings.DataDirectory}\" (GATEWAY_DATA_DIR). Stop it, and run the command again.");
            }

            if (!held.ExcludesOthers())
            {
                throw new BackupException(
                    $"The disk of \"{settings.DataDirectory}\" (GATEWAY_DATA_DIR) does not lock files, so nothing says whether a gateway uses it. "
                        + "Restore into an empty directory on a disk of this machine, and then move its files.");
            }

            _data.Begin();
            try
            {
                await Console.Out.WriteLineAsync(await RestoreAsync(arguments, cancel));
                return 0;
            }
            finally
            {
                _data.Abandon();
            }
        }
        catch (Exception error) when (error is BackupException or IOException or UnauthorizedAccessException or SqliteException)
        {
            return await Terminal.FailAsync($"Nothing was restored, and nothing changed. {error.Message}");
        }
        catch (OperationCanceledException)
        {
            return await Terminal.FailAsync("Nothing was restored. The command was interrupted.");
        }
    }

    private async Task<string> RestoreAsync(RestoreArguments arguments, CancellationToken cancel)
    {
        BackupManifest? manifest = await StageAsync(arguments.Source, cancel);
        RestoredSecrets secrets = new(Path.Combine(_data.Staging, SecretsDirectory), arguments.SecretsDirectory);
        secrets.EnsureFree();
        string? links = HasDatabase(manifest) ? PrepareDatabase(manifest?.Schema, arguments.KeepsSessions) : null;
        KeepPendingRevocations();
        string aside = string.Create(CultureInfo.InvariantCulture, $"{RestoredData.AsidePrefix}{time.GetUtcNow():yyyyMMdd'T'HHmmss'.'fff'Z'}");
        try
        {
            secrets.Write();
            bool hadData = _data.Exchange(aside, Replaced());
            string text = Describe(manifest, arguments, [.. secrets.Names], hadData ? Path.Combine(settings.DataDirectory, aside) : null);
            return links is null ? text : $"{text}\n{links}";
        }
        catch
        {
            secrets.Undo();
            throw;
        }
    }

    /// <returns>Null for a plain copy of a database.</returns>
    private async Task<BackupManifest?> StageAsync(string source, CancellationToken cancel)
    {
        if (source != BackupCommand.StandardStream && IsDatabase(source))
        {
            if (settings.Redis is not null)
            {
                throw new BackupException("The file is a database, but GATEWAY_REDIS_URL is set: Redis is the store.");
            }

            string staged = Path.Combine(_data.Staging, Database.FileName);
            await using FileStream copy = PrivateFile.Open(staged, FileMode.CreateNew);
            await using FileStream file = File.OpenRead(source);
            await file.CopyToAsync(copy, cancel);
            copy.Flush(flushToDisk: true);
            return null;
        }

        await using Stream archive = source == BackupCommand.StandardStream ? Console.OpenStandardInput() : File.OpenRead(source);
        BackupManifest manifest = await new BackupReader(archive, _data.Staging).ReadAsync(cancel);
        if (manifest.Store != BackupManifest.StoreOf(settings))
        {
            throw new BackupException(
                $"The backup is of a gateway with the store \"{manifest.Store}\", and GATEWAY_REDIS_URL is {(settings.Redis is null ? "not set" : "set")}. "
                    + "Restore it with the store that it is from; \"storage copy\" moves account links to the other one.");
        }

        return manifest;
    }

    /// <param name="manifest">Null for a plain copy of a database.</param>
    private static bool HasDatabase(BackupManifest? manifest) => manifest is not { Schema: null };

    private static bool IsDatabase(string file)
    {
        using FileStream stream = File.OpenRead(file);
        byte[] head = new byte[16];
        return stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length && head.AsSpan().SequenceEqual("SQLite format 3\0"u8);
    }

    /// <summary>A backup knows nothing of later logouts and revoked device passwords: by default it opens no session again.</summary>
    /// <returns>What to say of the account links, which come back.</returns>
    private string PrepareDatabase(long? expected, bool keepsSessions)
    {
        string file = Path.Combine(_data.Staging, Database.FileName);
        long schema = DatabaseCopy.EnsureIntact(file);
        if (schema > DatabaseSchema.Current)
        {
            throw new BackupException(
                $"A newer gateway wrote the database (schema {schema}, this one knows {DatabaseSchema.Current}). Restore it with that version.");
        }

        if (schema == 0 || (expected is not null && schema != expected))
        {
            throw new BackupException($"The database is not the one of the manifest: it has schema {schema}.");
        }

        string links = RestoredLinks.Describe(file, Path.Combine(settings.DataDirectory, Database.FileName));
        if (!keepsSessions)
        {
            using SqliteConnection connection = DatabaseCopy.Open(file, SqliteOpenMode.ReadWrite);
            Sql.Execute(connection, "DELETE FROM sessions;");
        }

        return links;
    }

    /// <summary>Logouts that the store has not received yet still count, whether they are older or younger than the backup.</summary>
    private void KeepPendingRevocations()
    {
        string present = Path.Combine(settings.DataDirectory, PendingRevocationFile.FileName);
        if (!File.Exists(present))
        {
            return;
        }

        PendingRevocationFile.Append(present, Path.Combine(_data.Staging, PendingRevocationFile.FileName));
    }

    /// <summary>What is staged, and the files that belong to a present database.</summary>
    private string[] Replaced()
    {
        IEnumerable<string> staged = Directory.EnumerateFileSystemEntries(_data.Staging).Select(Path.GetFileName).OfType<string>();
        IEnumerable<string> database = settings.Redis is null ? Database.Files("") : [];
        return [.. staged.Union(database)];
    }

    private static string Describe(BackupManifest? manifest, RestoreArguments arguments, string[] secrets, string? aside)
    {
        List<string> sentences =
        [
            manifest is null
                ? $"Restored the database {arguments.Source}."
                : $"Restored the backup of {Terminal.Time(manifest.CreatedAt)} (version {manifest.Version}).",
        ];
        if (!HasDatabase(manifest))
        {
            sentences.Add("Sessions, account links and keys are in Redis: restore its append-only file or its RDB file as well.");
        }
        else if (!arguments.KeepsSessions)
        {
            sentences.Add("Everybody signs in again, and apps need new device passwords (--keep-sessions keeps both).");
        }

        if (secrets.Length > 0)
        {
            sentences.Add(arguments.SecretsDirectory is { } target
                ? $"Secrets are in {target}: {string.Join(", ", secrets)}."
                : $"The archive also holds secrets, which --secrets writes: {string.Join(", ", secrets)}.");
        }

        if (aside is not null)
        {
            sentences.Add($"What was there before is in {aside}: delete it when all is well.");
        }

        return Terminal.ReplaceControlCharacters(string.Join(' ', sentences));
    }
}

/// <param name="Source">A backup, a copy of a database, or "-" for a backup from standard input.</param>
/// <param name="SecretsDirectory">Where the secret files go; null: nowhere.</param>
internal sealed record RestoreArguments(string Source, string? SecretsDirectory, bool KeepsSessions);
