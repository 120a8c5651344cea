using System.Security.Cryptography;
using System.Text;
using Gateway.Settings;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Storage;
using Microsoft.Data.Sqlite;
using StackExchange.Redis;

namespace Gateway.Tests.Operations;

/// <summary>Commands that only read, beside a gateway of this version and of the previous one: they read the store and leave it as it is.</summary>
[Needs(RealPart.Process)]
public sealed class OlderStoreTests
{
    private const int Previous = 6;

    [Fact]
    public async Task Beside_a_gateway_of_the_previous_schema_commands_read_the_database_and_leave_every_byte()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await world.Gateway.DisposeAsync();
        using SqliteConnection running = RestorePreviousSchema(world);
        byte[] before = ReadDatabase(world);

        (int accounts, string links, string note) = await RunAsync(world, "accounts", "list");
        (int sessions, string open, string _) = await RunAsync(world, "sessions", "list");
        (int refused, string none, string _) = await RunAsync(world, "accounts", "list", "--refused");
        (int valid, string _, string _) = await RunAsync(world, "validate");
        (int check, string found, string _) = await RunAsync(world, "check", "--accounts");

        Assert.Equal((0, 0, 0, 0, 2), (accounts, sessions, refused, valid, check));
        Assert.Matches(@"\n\d+ +alice +authentik ", links);
        Assert.Contains("An older gateway wrote the database (schema 6). It stays as it is", note, StringComparison.Ordinal);
        Assert.Contains("alice", open, StringComparison.Ordinal);
        Assert.Equal("Nobody was refused in the last week.", none);
        Assert.Contains("updates the database from schema 6 to 7; people stay signed in, and an older version cannot read it", found, StringComparison.Ordinal);
        Assert.Contains("✔ user alice: linked to alice at authentik", found, StringComparison.Ordinal);
        Assert.Equal(before, ReadDatabase(world));
        Assert.Equal(Previous, ReadSchema(world));
        await running.CloseAsync();
        world.StartGateway();
        Assert.Equal(DatabaseSchema.Current, ReadSchema(world));
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Theory]
    [InlineData("accounts", "unlink", "--issuer", "https://authentik.example.com/", "--subject", "alice")]
    [InlineData("accounts", "link", "--provider-user", "alice", "--user", "admin")]
    [InlineData("sessions", "end", "--user", "alice")]
    public async Task Commands_that_write_refuse_the_database_of_an_older_gateway(params string[] command)
    {
        await using World world = await World.StartAsync();
        await world.Gateway.DisposeAsync();
        await RestorePreviousSchema(world).DisposeAsync();

        (int exitCode, string _, string errors) = await RunAsync(world, command);

        Assert.Equal(1, exitCode);
        Assert.Contains("older gateway (schema 6, this one needs 7), which may still run", errors, StringComparison.Ordinal);
        Assert.Equal(Previous, ReadSchema(world));
    }

    [Theory]
    [InlineData(1, "everybody signs in once more")]
    [InlineData(4, "everybody signs in once more")]
    [InlineData(5, "people stay signed in")]
    [InlineData(6, "people stay signed in")]
    public async Task Check_says_what_the_update_of_the_database_does(int schema, string effect)
    {
        await using World world = await World.StartAsync();
        await world.Gateway.DisposeAsync();
        await RestorePreviousSchema(world, schema).DisposeAsync();

        (int _, string output, string _) = await RunAsync(world, "check");

        Assert.Contains($"from schema {schema} to {DatabaseSchema.Current}; {effect}, and an older version cannot read it", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Beside_a_running_gateway_commands_read_the_database()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        byte[] before = ReadDatabase(world);

        await AssertReadsAsync(world);

        Assert.Equal(before, ReadDatabase(world));
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Needs(RealPart.Redis)]
    public async Task Beside_a_running_gateway_with_Redis_commands_leave_every_key_as_it_is(bool isOlder)
    {
        await using RedisUnderTest redis = await RedisUnderTest.StartAsync();
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = redis.Server.Url);
        using Visitor alice = await world.SignedInAsync("alice");
        if (isOlder)
        {
            await RestorePreviousLinkAsync(redis);
        }

        SortedDictionary<string, string> before = await DumpAsync(redis);

        await AssertReadsAsync(world);

        Assert.Equal(before, await DumpAsync(redis));
        Assert.Equal("alice", await alice.WhoAsync());
    }

    private static async Task AssertReadsAsync(World world)
    {
        (int accounts, string links, string note) = await RunAsync(world, "accounts", "list");
        (int sessions, string open, string _) = await RunAsync(world, "sessions", "list");
        (int valid, string _, string _) = await RunAsync(world, "validate");
        (int check, string found, string _) = await RunAsync(world, "check", "--accounts");

        Assert.Equal((0, 0, 0, 2), (accounts, sessions, valid, check));
        Assert.DoesNotContain("older gateway", note, StringComparison.Ordinal);
        Assert.Matches(@"\n\d+ +alice +authentik ", links);
        Assert.Contains("alice", open, StringComparison.Ordinal);
        Assert.Contains("✔ user alice: linked to alice at authentik", found, StringComparison.Ordinal);
        Assert.DoesNotContain("updates the database", found, StringComparison.Ordinal);
    }

    private static Task<(int ExitCode, string Output, string Errors)> RunAsync(World world, params string[] command) =>
        ProgramProcess.RunAsync("Gateway", command, world.Settings());

    /// <summary>Takes back what the last migrations added.</summary>
    /// <returns>A connection as a gateway that runs has it.</returns>
    private static SqliteConnection RestorePreviousSchema(World world, int schema = Previous)
    {
        SqliteConnection connection = new($"Data Source={Path.Combine(world.DataDirectory, Database.FileName)};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own number.
        string tables = schema < 6 ? "DROP TABLE pending_links; DROP TABLE refused_sign_ins;" : "";
        command.CommandText =
            $"ALTER TABLE sessions DROP COLUMN has_idle_timeout; {tables} PRAGMA user_version = {schema}; PRAGMA wal_checkpoint(TRUNCATE);";
#pragma warning restore CA2100
        command.ExecuteNonQuery();
        return connection;
    }

    /// <summary>The previous version named a link by issuer and subject alone.</summary>
    private static async Task RestorePreviousLinkAsync(RedisUnderTest redis)
    {
        AccountLink link = Assert.Single(await redis.Accounts.ListAllAsync(World.Ct));
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{link.Issuer}\0{link.Subject}")));
        IDatabase database = redis.Connection.Database;
        string current = (await database.SortedSetRangeByRankAsync(RedisNames.AllLinks)).Single().ToString();
        Assert.NotEqual(name, current);
        await database.KeyRenameAsync(RedisNames.Link + current, RedisNames.Link + name);
        await database.KeyDeleteAsync(RedisNames.LinksOfSubject + name);
        foreach (string set in (string[])[RedisNames.AllLinks, $"{RedisNames.LinksOfUser}{link.UserId}"])
        {
            await database.SortedSetRemoveAsync(set, current);
            await database.SortedSetAddAsync(set, name, link.Id);
        }
    }

    private static async Task<SortedDictionary<string, string>> DumpAsync(RedisUnderTest redis)
    {
        SortedDictionary<string, string> all = new(StringComparer.Ordinal);
        await foreach (RedisKey key in redis.Connection.KeysAsync("*"))
        {
            all[key.ToString()] = Convert.ToHexString((await redis.Connection.Database.KeyDumpAsync(key))!);
        }

        Assert.NotEmpty(all);
        return all;
    }

    private static byte[] ReadDatabase(World world)
    {
        using FileStream file = new(Path.Combine(world.DataDirectory, Database.FileName), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using MemoryStream bytes = new();
        file.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static long? ReadSchema(World world)
    {
        using Database database = new(new StorageSettings(world.DataDirectory, Redis: null));
        return database.ReadSchema();
    }
}
