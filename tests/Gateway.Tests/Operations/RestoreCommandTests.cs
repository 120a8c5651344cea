using System.Text;
using Gateway.Operations;
using Gateway.Settings;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.Operations;

/// <summary>What a `restore` keeps, says and refuses beyond the files of the backup.</summary>
[Needs(RealPart.Process)]
public sealed class RestoreCommandTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("gateway-restore-").FullName;

    private string Archive => Path.Combine(_directory, "gateway.tar");

    [Fact]
    public async Task Links_that_were_removed_after_the_backup_are_named()
    {
        await using World world = await BackedUpAsync("alice", "bob");
        using (SqliteConnection database = DatabaseCopy.Open(Path.Combine(world.DataDirectory, Database.FileName), SqliteOpenMode.ReadWrite))
        {
            Assert.Equal(1, Sql.Execute(database, "DELETE FROM account_links WHERE label = 'alice';"));
        }

        (int restored, string report, string errors) = await RunAsync(world, "restore", Archive);
        (int again, string complete, string laterErrors) = await RunAsync(world, "restore", Archive);

        Assert.True(restored == 0, errors);
        Assert.Contains("These are not in the present database (\"accounts unlink\" removes them again):\nUSER", report, StringComparison.Ordinal);
        string row = Assert.Single(report.Split('\n'), line => line.Contains(world.Provider.Issuer.AbsoluteUri, StringComparison.Ordinal));
        Assert.Matches(@"\A\d+ +authentik +alice +", row);
        Assert.True(again == 0, laterErrors);
        Assert.Contains("The present database has all of them, too.", complete, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "There is no present database to compare")]
    [InlineData(true, "The present database cannot be read")]
    public async Task Without_a_readable_present_database_the_links_are_restored_and_the_operator_told_to_look(bool isThere, string expected)
    {
        await using World world = await BackedUpAsync("alice");
        foreach (string file in Database.Files(world.DataDirectory))
        {
            File.Delete(file);
        }

        if (isThere)
        {
            await File.WriteAllTextAsync(Path.Combine(world.DataDirectory, Database.FileName), new string('x', 10_000), World.Ct);
        }

        (int restored, string report, string errors) = await RunAsync(world, "restore", Archive);

        Assert.True(restored == 0, errors);
        Assert.Contains(expected, report, StringComparison.Ordinal);
        Assert.Contains("look at \"accounts list\"", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_an_archive_whose_database_is_another_one_no_secret_is_written()
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
        Assert.Equal(0, (await RunAsync(world, "backup", Archive)).ExitCode);
        await world.Gateway.DisposeAsync();
        byte[] bytes = await File.ReadAllBytesAsync(Archive, World.Ct);
        byte[] schema = Encoding.ASCII.GetBytes($"\"schema\": {DatabaseSchema.Current}");
        int at = bytes.AsSpan().IndexOf(schema);
        Assert.True(at > 0);
        bytes[at + schema.Length - 1]--;
        await File.WriteAllBytesAsync(Archive, bytes, World.Ct);
        string secrets = Path.Combine(_directory, "secrets");

        (int restored, string _, string errors) = await RunAsync(world, "restore", Archive, "--secrets", secrets);

        Assert.Equal(1, restored);
        Assert.Contains("Nothing was restored, and nothing changed. The database is not the one of the manifest", errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(secrets));
    }

    [Fact]
    public async Task Secrets_are_removed_again_if_the_files_cannot_be_exchanged()
    {
        string staged = Directory.CreateDirectory(Path.Combine(_directory, "staged")).FullName;
        await File.WriteAllTextAsync(Path.Combine(staged, "GATEWAY_PAPERLESS_TOKEN"), "0123456789abcdef", World.Ct);
        string target = Path.Combine(_directory, "secrets");
        RestoredSecrets secrets = new(staged, target);

        secrets.Write();
        Assert.Equal("0123456789abcdef", await File.ReadAllTextAsync(Path.Combine(target, "GATEWAY_PAPERLESS_TOKEN"), World.Ct));
        Assert.False(Directory.Exists(staged));
        secrets.Undo();

        Assert.Empty(Directory.GetFiles(target));
    }

    /// <summary>One line was moved aside by the interrupted restore, and another one not yet moved back.</summary>
    [Fact]
    public async Task After_an_interruption_pending_logouts_still_count_and_a_failed_restore_lets_no_gateway_start()
    {
        await using World world = await BackedUpAsync("alice");
        string[] lines = [new('a', 64), new('b', 64), new('c', 64)];
        string[] places = [RestoredData.ReadyDirectory, RestoredData.AsidePrefix + "20260102T000000Z", RestoredData.AsidePrefix + "20260101T000000Z"];
        foreach ((string place, string line) in places.Zip(lines))
        {
            string folder = Directory.CreateDirectory(Path.Combine(world.DataDirectory, place)).FullName;
            await File.WriteAllTextAsync(Path.Combine(folder, PendingRevocationFile.FileName), line + "\n", World.Ct);
        }

        string nothing = Path.Combine(_directory, "nothing.tar");
        await File.WriteAllTextAsync(nothing, "nothing", World.Ct);
        Assert.Equal(1, (await RunAsync(world, "restore", nothing)).ExitCode);
        (int started, string _, string refused) = await RunAsync(world);
        (int restored, string _, string errors) = await RunAsync(world, "restore", Archive);

        Assert.Equal(1, started);
        Assert.Contains("holds half of a restore that was interrupted", refused, StringComparison.Ordinal);
        Assert.True(restored == 0, errors);
        string[] pending = await File.ReadAllLinesAsync(Path.Combine(world.DataDirectory, PendingRevocationFile.FileName), World.Ct);
        Assert.Equal(lines[..2], pending.Where(line => line.Length > 0).Distinct().Order());
        Assert.False(Directory.Exists(Path.Combine(world.DataDirectory, RestoredData.ReadyDirectory)));
        world.StartGateway();
    }

    /// <summary>.NET without locks behaves as on a file system without them.</summary>
    [Fact]
    public async Task Where_files_cannot_be_locked_nothing_is_restored()
    {
        await using World world = await BackedUpAsync("alice");
        Dictionary<string, string?> environment = new(world.Settings()) { ["DOTNET_SYSTEM_IO_DISABLEFILELOCKING"] = "true" };

        (int restored, string _, string errors) = await ProgramProcess.RunAsync("Gateway", ["restore", Archive], environment);

        Assert.Equal(1, restored);
        Assert.Contains("does not lock files", errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(world.DataDirectory, "*restore*"));
    }

    [Fact]
    public async Task A_backup_that_is_interrupted_leaves_nothing_and_one_that_was_killed_is_cleared_away()
    {
        await using World world = await World.StartAsync();
        using CancellationTokenSource interrupted = new();
        await interrupted.CancelAsync();
        StorageSettings storage = new(world.DataDirectory, Redis: null);

        int exitCode = await new BackupCommand(storage, [], TimeProvider.System).RunAsync(Archive, interrupted.Token);

        Assert.Equal(1, exitCode);
        Assert.Empty(Directory.GetFiles(_directory));
        Assert.Empty(Directory.GetFiles(world.DataDirectory, DataDirectory.BackupPrefix + "*"));

        string old = Path.Combine(world.DataDirectory, DataDirectory.BackupPrefix + "0.tmp.partial");
        string underWay = Path.Combine(world.DataDirectory, DataDirectory.BackupPrefix + "1.tmp");
        await File.WriteAllTextAsync(old, "", World.Ct);
        await File.WriteAllTextAsync(underWay, "", World.Ct);
        File.SetLastWriteTimeUtc(old, world.Clock.GetUtcNow().UtcDateTime - TimeSpan.FromDays(2));
        await world.RestartGatewayAsync();

        Assert.Equal([underWay], Directory.GetFiles(world.DataDirectory, DataDirectory.BackupPrefix + "*"));
    }

    [Fact]
    public async Task A_restore_that_is_interrupted_changes_nothing()
    {
        await using World world = await BackedUpAsync("alice");
        using CancellationTokenSource interrupted = new();
        await interrupted.CancelAsync();
        RestoreCommand restore = new(new StorageSettings(world.DataDirectory, Redis: null), TimeProvider.System);

        int exitCode = await restore.RunAsync(new RestoreArguments(Archive, SecretsDirectory: null, KeepsSessions: false), interrupted.Token);

        Assert.Equal(1, exitCode);
        Assert.Empty(Directory.GetDirectories(world.DataDirectory, "*restore*"));
    }

    /// <summary>The permissions and the owner of a file that somebody put there, or of what it points to, would be those of the secrets.</summary>
    [Fact]
    public async Task A_link_in_the_place_of_the_unfinished_archive_is_not_followed()
    {
        await using World world = await World.StartAsync();
        string other = Path.Combine(_directory, "other");
        await File.WriteAllTextAsync(other, "of somebody else", World.Ct);
        File.CreateSymbolicLink(Archive + ".partial", other);

        (int made, string _, string said) = await RunAsync(world, "backup", Archive);

        Assert.True(made == 0, said);
        Assert.Equal("of somebody else", await File.ReadAllTextAsync(other, World.Ct));
        Assert.Null(new FileInfo(Archive).LinkTarget);
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_directory, recursive: true);
    }

    private static Task<(int ExitCode, string Output, string Errors)> RunAsync(World world, params string[] command) =>
        ProgramProcess.RunAsync("Gateway", command, world.Settings());

    /// <summary>A world whose gateway has ended, with a backup of it and of the links of these people.</summary>
    private async Task<World> BackedUpAsync(params string[] people)
    {
        World world = await World.StartAsync();
        foreach (string name in people)
        {
            using Visitor visitor = await world.SignedInAsync(name);
        }

        (int made, string _, string said) = await RunAsync(world, "backup", Archive);
        Assert.True(made == 0, said);
        await world.Gateway.DisposeAsync();
        SqliteConnection.ClearAllPools();
        return world;
    }
}
