using System.Formats.Tar;
using System.Runtime.Versioning;
using Gateway.Operations;
using Gateway.Settings;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Storage;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.Operations;

/// <summary>`backup` beside a running gateway, and `restore` after it has ended, as processes.</summary>
[Needs(RealPart.Process)]
public sealed class BackupCommandTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("gateway-backup-").FullName;

    private string Archive => Path.Combine(_directory, "gateway.tar");

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task A_backup_of_a_running_gateway_restores_links_keys_and_secrets_into_an_empty_data_directory()
    {
        string token = Path.Combine(_directory, "token");
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_PAPERLESS_TOKEN"] = null;
            options.Settings["GATEWAY_PAPERLESS_TOKEN_FILE"] = token;
            options.StartGateway = false;
        });
        await File.WriteAllTextAsync(token, world.Paperless.Data.TokenOf(World.GatewayUser), World.Ct);
        world.StartGateway();
        using Visitor alice = await world.SignedInAsync("alice");

        (int made, string _, string said) = await RunAsync(world, "backup", Archive);
        (int again, string _, string refused) = await RunAsync(world, "backup", Archive);

        Assert.True(made == 0, said);
        Assert.Contains($"Saved to {Archive}: the database (schema {DatabaseSchema.Current}); 1 keys; 1 secret files.", said, StringComparison.Ordinal);
        Assert.Equal((1, true), (again, refused.Contains("exists. Give another name: nothing is overwritten.", StringComparison.Ordinal)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Archive));
        Assert.Empty(Directory.GetFiles(world.DataDirectory, "*.tmp*"));

        string[] keys = Directory.GetFiles(Path.Combine(world.DataDirectory, StorageFeature.KeysDirectory));
        string key = await File.ReadAllTextAsync(keys[0], World.Ct);
        await world.Gateway.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(world.DataDirectory, recursive: true);
        string secrets = Path.Combine(_directory, "secrets");
        (int restored, string report, string errors) = await RunAsync(world, "restore", Archive, "--secrets", secrets, "--keep-sessions");

        Assert.True(restored == 0, errors);
        Assert.Contains($"Secrets are in {secrets}: GATEWAY_PAPERLESS_TOKEN.", report, StringComparison.Ordinal);
        Assert.Equal(world.Paperless.Data.TokenOf(World.GatewayUser), await File.ReadAllTextAsync(Path.Combine(secrets, "GATEWAY_PAPERLESS_TOKEN"), World.Ct));
        Assert.Equal(key, await File.ReadAllTextAsync(keys[0], World.Ct));
        world.StartGateway();
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task A_restore_ends_the_sessions_of_the_backup_keeps_the_links_and_moves_aside_what_was_there()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await RunAsync(world, "backup", Archive);
        using Visitor bob = await world.SignedInAsync("bob");
        await world.Gateway.DisposeAsync();

        (int restored, string report, string errors) = await RunAsync(world, "restore", Archive);
        world.StartGateway();

        Assert.True(restored == 0, errors);
        Assert.Contains("Everybody signs in again, and apps need new device passwords", report, StringComparison.Ordinal);
        Assert.Null(await alice.WhoAsync());
        Assert.Null(await bob.WhoAsync());
        AccountLink link = Assert.Single(await world.Gateway.Services.GetRequiredService<IAccountLinkStore>().ListAllAsync(World.Ct));
        Assert.Equal("alice", link.Label);
        string aside = Assert.Single(Directory.GetDirectories(world.DataDirectory, "before-restore-*"));
        Assert.Contains(aside, report, StringComparison.Ordinal);
        using Database before = new(new StorageSettings(aside, Redis: null));
        before.OpenExisting();
        Assert.Equal(2, (await new SqliteAccounts(before).ListAllAsync(World.Ct)).Count);
    }

    [Fact]
    public async Task A_restore_waits_for_the_end_of_the_gateway_and_not_after_a_crash()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        await using (GatewayProcess gateway = await GatewayProcess.StartAsync(world))
        {
            Assert.Equal(0, (await RunAsync(world, "backup", Archive)).ExitCode);

            (int beside, string _, string refused) = await RunAsync(world, "restore", Archive);

            Assert.Equal(1, beside);
            Assert.Contains($"A gateway uses \"{world.DataDirectory}\" (GATEWAY_DATA_DIR). Stop it", refused, StringComparison.Ordinal);
            Assert.Empty(Directory.GetDirectories(world.DataDirectory, "before-restore-*"));
        }

        // Disposing of it killed it.
        (int after, string _, string errors) = await RunAsync(world, "restore", Archive);
        Assert.True(after == 0, errors);
    }

    [Fact]
    public async Task While_a_restore_is_under_way_or_was_interrupted_no_gateway_starts()
    {
        await using World world = await World.StartAsync();
        Assert.Equal(0, (await RunAsync(world, "backup", Archive)).ExitCode);
        await world.Gateway.DisposeAsync();
        using (DataDirectoryLock.TryTake(world.DataDirectory)!)
        {
            Assert.Contains("is being restored. Wait until", await StartErrorAsync(world), StringComparison.Ordinal);
        }

        Directory.CreateDirectory(Path.Combine(world.DataDirectory, RestoredData.ReadyDirectory));
        string interrupted = await StartErrorAsync(world);
        Assert.Contains("holds half of a restore that was interrupted. Run the command \"restore\" again", interrupted, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync(world, "restore", Archive)).ExitCode);
        world.StartGateway();
    }

    [Fact]
    public async Task A_damaged_backup_changes_nothing()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await RunAsync(world, "backup", Archive);
        await world.Gateway.DisposeAsync();
        byte[] bytes = await File.ReadAllBytesAsync(Archive, World.Ct);
        int header = bytes.AsSpan().IndexOf("SQLite format 3\0"u8);
        bytes[header + 5000] ^= 1;
        await File.WriteAllBytesAsync(Archive, bytes, World.Ct);

        (int restored, string _, string errors) = await RunAsync(world, "restore", Archive);

        Assert.Equal(1, restored);
        Assert.Contains("Nothing was restored, and nothing changed. The archive is damaged: gateway.db has another checksum", errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(world.DataDirectory, "*restore*"));
        world.StartGateway();
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task A_backup_goes_to_standard_output_and_comes_from_standard_input()
    {
        await using World world = await World.StartAsync();
        Dictionary<string, string> settings = world.Settings().Where(setting => setting.Value is not null)
            .ToDictionary(setting => setting.Key, setting => setting.Value!);
        string program = Path.Combine(AppContext.BaseDirectory, "Gateway.dll");

        (int exitCode, string output) = await Command.RunAsync(
            RealPart.Process, "sh", ["-c", $"dotnet \"$0\" backup - > {Archive}", program], AppContext.BaseDirectory, World.Ct, settings);
        Assert.True(exitCode == 0, output);
        await world.Gateway.DisposeAsync();
        (exitCode, output) = await Command.RunAsync(
            RealPart.Process, "sh", ["-c", $"cat {Archive} | dotnet \"$0\" restore -", program], AppContext.BaseDirectory, World.Ct, settings);

        Assert.True(exitCode == 0, output);
        Assert.Contains("Restored the backup of ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_copy_of_before_an_upgrade_can_be_restored()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        SchemaUpgradeTests.Write(world.DataDirectory, schema: 6);
        world.StartGateway();
        Assert.Single(world.Log.Of("DatabaseCopied"));
        using Visitor alice = await world.SignedInAsync("alice");
        await world.Gateway.DisposeAsync();
        string copy = Assert.Single(Directory.GetFiles(Path.Combine(world.DataDirectory, SchemaCopies.DirectoryName)));

        (int restored, string _, string errors) = await RunAsync(world, "restore", copy);

        Assert.True(restored == 0, errors);
        using Database database = new(new StorageSettings(world.DataDirectory, Redis: null));
        Assert.Equal(6, database.ReadSchema());
        Assert.True(File.Exists(copy));
    }

    [Fact]
    public async Task A_copy_of_a_newer_schema_is_refused()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        using (Database database = new(new StorageSettings(_directory, Redis: null)))
        {
            database.Open();
            using SqliteConnection connection = database.Connect();
            Sql.Execute(connection, $"PRAGMA user_version = {DatabaseSchema.Current + 1};");
            Sql.Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE);");
        }

        (int restored, string _, string errors) = await RunAsync(world, "restore", Path.Combine(_directory, Database.FileName));

        Assert.Equal(1, restored);
        Assert.Contains($"A newer gateway wrote the database (schema {DatabaseSchema.Current + 1}", errors, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(world.DataDirectory, Database.FileName)));
    }

    [Fact]
    [Needs(RealPart.Redis)]
    public async Task With_Redis_a_backup_holds_pending_logouts_and_says_what_else_to_save()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_REDIS_URL"] = redis.Url;
        });
        Directory.CreateDirectory(world.DataDirectory);
        string line = new('a', 64);
        await File.WriteAllTextAsync(Path.Combine(world.DataDirectory, PendingRevocationFile.FileName), line + "\n", World.Ct);

        (int made, string _, string said) = await RunAsync(world, "backup", Archive);
        (int restored, string report, string errors) = await RunAsync(world, "restore", Archive);
        world.Options.Settings["GATEWAY_REDIS_URL"] = null;
        (int elsewhere, string _, string refused) = await RunAsync(world, "restore", Archive);

        Assert.Equal((0, 0, 1), (made, restored, elsewhere));
        Assert.Contains("save its append-only file or its RDB file as well", said, StringComparison.Ordinal);
        Assert.Contains("restore its append-only file or its RDB file as well", report, StringComparison.Ordinal);
        Assert.Contains("the store \"redis\", and GATEWAY_REDIS_URL is not set", refused, StringComparison.Ordinal);
        Assert.Equal([PendingRevocationFile.FileName], await EntriesAsync());
        Assert.Contains(line, await File.ReadAllLinesAsync(Path.Combine(world.DataDirectory, PendingRevocationFile.FileName), World.Ct));
        Assert.Equal("", errors);
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_directory, recursive: true);
    }

    private static Task<(int ExitCode, string Output, string Errors)> RunAsync(World world, params string[] command) =>
        ProgramProcess.RunAsync("Gateway", command, world.Settings());

    private static async Task<string> StartErrorAsync(World world)
    {
        (int exitCode, string _, string errors) = await ProgramProcess.RunAsync("Gateway", [], world.Settings());
        Assert.Equal(1, exitCode);
        return errors;
    }

    /// <returns>The names behind the manifest.</returns>
    private async Task<List<string>> EntriesAsync()
    {
        await using FileStream file = File.OpenRead(Archive);
        await using TarReader tar = new(file);
        List<string> names = [];
        while (await tar.GetNextEntryAsync(copyData: true, World.Ct) is { } entry)
        {
            names.Add(entry.Name);
        }

        Assert.Equal(BackupManifest.FileName, names[0]);
        return names[1..];
    }
}
