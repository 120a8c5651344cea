using Gateway.Settings;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Sessions;

namespace Gateway.Tests.Storage;

public sealed class DatabaseTests
{
    [Fact]
    public async Task The_database_schema_has_a_version_and_reopening_changes_nothing()
    {
        using SessionsOnDisk sessions = new();
        await sessions.BeginAsync();
        Assert.Equal(7L, sessions.Ask("PRAGMA user_version;"));

        sessions.Restart();

        Assert.Equal(7L, sessions.Ask("PRAGMA user_version;"));
        Assert.Equal(1, sessions.Rows());
        Assert.Equal("wal", sessions.Ask("PRAGMA journal_mode;"));
    }

    [Fact]
    public void A_database_of_a_newer_version_is_refused_and_left_unchanged()
    {
        using SessionsOnDisk sessions = new();
        sessions.Ask("PRAGMA user_version = 8;");

        SettingsException refused = Assert.Throws<SettingsException>(sessions.Restart);

        Assert.Contains("GATEWAY_DATA_DIR", refused.Message, StringComparison.Ordinal);
        Assert.Contains("schema 8, this one knows 7", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Run that version", refused.Message, StringComparison.Ordinal);
        Assert.Equal(8L, sessions.Ask("PRAGMA user_version;"));
    }

    [Fact]
    public void A_file_that_is_not_a_database_is_refused()
    {
        using SessionsOnDisk sessions = new();
        sessions.Database.Dispose();
        foreach (string file in Directory.GetFiles(sessions.Settings.DataDirectory))
        {
            File.Delete(file);
        }

        File.WriteAllText(Path.Combine(sessions.Settings.DataDirectory, Database.FileName), new string('x', 5000));

        SettingsException refused = Assert.Throws<SettingsException>(sessions.Restart);

        Assert.Contains("cannot be opened", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_data_directory_that_is_a_file_is_refused()
    {
        using SessionsOnDisk sessions = new();
        string file = Path.Combine(sessions.Settings.DataDirectory, "file");
        File.WriteAllText(file, "");
        using Database database = new(sessions.Settings.Storage with { DataDirectory = file });

        Assert.Contains("GATEWAY_DATA_DIR", Assert.Throws<SettingsException>(database.Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_data_directory_created_by_the_gateway_is_accessible_to_its_user_only()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using SessionsOnDisk sessions = new();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(sessions.Settings.DataDirectory));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(2000)]
    public async Task Sessions_without_a_row_are_found_among_few_and_among_many(int many)
    {
        await using SqliteUnderTest store = new();
        DateTimeOffset now = DateTimeOffset.UtcNow;
        List<byte[]> keys = [];
        for (int number = 0; number < many; number++)
        {
            byte[] key = System.Security.Cryptography.RandomNumberGenerator.GetBytes(32);
            keys.Add(key);
            if (number % (many / 5) != 0)
            {
                await store.Sessions.AddAsync(new StoredSession(key, null, key, now, now.AddHours(1), [1], [2]), now, StoreUnderTest.Ct);
            }
        }

        IReadOnlyList<byte[]> gone = await store.Sessions.FindMissingAsync(keys, StoreUnderTest.Ct);

        Assert.Equal(
            keys.Where((_, number) => number % (many / 5) == 0).Select(Convert.ToHexString).Order(StringComparer.Ordinal),
            gone.Select(Convert.ToHexString).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_data_directory_holds_one_data_protection_key_after_a_start_and_a_sign_in()
    {
        await using World world = await World.StartAsync();
        string keys = Path.Combine(world.DataDirectory, StorageFeature.KeysDirectory);
        using Visitor visitor = await world.SignedInAsync("alice");

        Assert.Single(Directory.EnumerateFiles(keys));
    }
}
