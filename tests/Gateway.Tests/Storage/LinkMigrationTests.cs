using System.Security.Cryptography;
using System.Text;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.Data.Sqlite;
using StackExchange.Redis;

namespace Gateway.Tests.Storage;

/// <summary>Migration of account links from versions that identified a person by issuer and subject only.</summary>
public sealed class LinkMigrationTests
{
    private const string Issuer = "https://authentik.example.com/";

    private static readonly DateTimeOffset Then = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);

    private static readonly AccountLink Alice = new(3, Issuer, "alice", "authentik", "Alice", 7, "2026-01-01T00:00:00Z", Then, Then.AddMilliseconds(1));

    private static readonly AccountLink Bob = new(5, Issuer, "bob", "other", "Bob", 8, "2026-01-02T00:00:00Z", Then, Then.AddMilliseconds(2));

    private static CancellationToken Ct => StoreUnderTest.Ct;

    [Fact]
    public async Task A_migrated_database_keeps_links_reservations_and_ids_and_drops_the_sessions()
    {
        GatewaySettings settings = StoreUnderTest.Settings(redis: null);
        WriteSchema4(settings.DataDirectory);
        using Database database = new(settings.Storage);

        database.Open();
        SqliteAccounts accounts = new(database);

        await AssertKeptAsync(accounts);
        Assert.Equal("alice3", (await accounts.FindReservationAsync(new("authentik", Issuer, "carol"), Ct))!.Username);
        Assert.False(await accounts.IsReservedByAnotherAsync("alice3", new("authentik", Issuer, "carol"), Then.AddMinutes(-1), Ct));
        Assert.True(await accounts.IsReservedByAnotherAsync("alice3", new("authentik", Issuer, "dave"), Then.AddMinutes(-1), Ct));
        await accounts.RemoveReservationAsync(new("authentik", Issuer, "carol"), Ct);
        Assert.Null(await accounts.FindReservationAsync(new("authentik", Issuer, "carol"), Ct));
        Assert.Equal(0, await new SqliteSessions(database).ListAllAsync(Ct).CountAsync(Ct));
        Directory.Delete(settings.DataDirectory, recursive: true);
    }

    [Fact]
    public async Task A_migrated_database_without_links_does_not_reuse_link_ids()
    {
        GatewaySettings settings = StoreUnderTest.Settings(redis: null);
        WriteSchema4(settings.DataDirectory, "DELETE FROM account_links;");
        using Database database = new(settings.Storage);

        database.Open();

        Assert.Equal(10, (await new SqliteAccounts(database).AddAsync(Alice with { Id = 0 }, onlyToFreeUser: false, Ct))!.Id);
        Directory.Delete(settings.DataDirectory, recursive: true);
    }

    [Fact]
    [Needs(RealPart.Redis)]
    public async Task A_migrated_Redis_keeps_links_and_reservations()
    {
        await using RedisUnderTest redis = await RedisUnderTest.StartAsync();
        await WriteAsync(redis, Alice);
        await WriteAsync(redis, Bob);
        await redis.Connection.ExecuteAsync(
            async database =>
            {
                await database.StringSetAsync(Key("last-link"), 9);
                await database.HashSetAsync(
                    Key("reservation:" + Before("carol")),
                    [new("username", "alice3"), new("profile", ""), new("reserved_at", Then.ToUnixTimeSeconds())]);
                await database.HashSetAsync(Key("reserved-name:" + Hash("ALICE3")), Before("carol"), Then.ToUnixTimeSeconds());
                return true;
            },
            Ct);

        await AssertKeptAsync(redis.Accounts);
        Assert.Equal("alice3", (await redis.Accounts.FindReservationAsync(new("authentik", Issuer, "carol"), Ct))!.Username);
        Assert.False(await redis.Accounts.IsReservedByAnotherAsync("alice3", new("authentik", Issuer, "carol"), Then.AddMinutes(-1), Ct));
        await redis.Accounts.RemoveReservationAsync(new("authentik", Issuer, "carol"), Ct);
        Assert.Null(await redis.Accounts.FindReservationAsync(new("authentik", Issuer, "carol"), Ct));
        Assert.False(await redis.Connection.ExecuteAsync(database => database.KeyExistsAsync(Key("link:" + Before("alice"))), Ct));
    }

    [Theory]
    [Needs(RealPart.Redis)]
    [InlineData("add")]
    [InlineData("note")]
    [InlineData("remove by number")]
    [InlineData("remove by person")]
    [InlineData("take over")]
    public async Task An_old_link_in_Redis_stays_with_its_person_whatever_operation_comes_first(string first)
    {
        await using RedisUnderTest redis = await RedisUnderTest.StartAsync();
        await WriteAsync(redis, Alice);
        IAccountLinkStore accounts = redis.Accounts;
        switch (first)
        {
            case "add":
                Assert.Equal(Alice, await accounts.AddAsync(Alice with { Id = 0, UserId = 99 }, onlyToFreeUser: false, Ct));
                break;
            case "note":
                await accounts.UpdateAssertionAsync(Alice, "Noted", Then.AddSeconds(5), Ct);
                Assert.Equal("Noted", (await accounts.FindAsync(Alice.Person, Ct))!.Label);
                break;
            case "remove by number":
                Assert.Equal(Alice, await accounts.RemoveAsync(Alice.Id, Alice.UserId, Ct));
                break;
            case "remove by person":
                Assert.Null(await accounts.RemoveAsync(Alice.Person with { Provider = "other" }, Ct));
                Assert.Equal(Alice, await accounts.RemoveAsync(Alice.Person, Ct));
                break;
            default:
                Assert.Null(await accounts.AdoptOrphanAsync(Alice.Person with { Provider = "renamed" }, ["renamed", "authentik"], Ct));
                Assert.Equal(Alice with { Provider = "renamed" }, await accounts.AdoptOrphanAsync(Alice.Person with { Provider = "renamed" }, ["renamed"], Ct));
                break;
        }

        int expected = first.StartsWith("remove", StringComparison.Ordinal) ? 0 : 1;
        Assert.Equal((expected, expected), ((await accounts.ListAllAsync(Ct)).Count, (await accounts.FindByUserAsync(Alice.UserId, Ct)).Count));
    }

    private static async Task AssertKeptAsync(IAccountLinkStore accounts)
    {
        Assert.Equal([Alice, Bob], await accounts.ListAllAsync(Ct));
        Assert.Null(await accounts.FindAsync(Alice.Person with { Provider = "other" }, Ct));
        Assert.Null(await accounts.FindAsync(Bob.Person with { Provider = "authentik" }, Ct));
        Assert.Equal(Alice, await accounts.FindAsync(Alice.Person, Ct));
        Assert.Equal(Bob, await accounts.FindAsync(Bob.Person, Ct));
        Assert.Equal([Alice, Bob], await accounts.ListAllAsync(Ct));
        Assert.Equal([Alice], await accounts.FindByUserAsync(7, Ct));

        // Free is what nobody was linked to: that is known still, and so is the last number.
        Assert.Null(await accounts.AddAsync(Bob with { Id = 0, Subject = "carol" }, onlyToFreeUser: true, Ct));
        AccountLink other = (await accounts.AddAsync(Alice with { Id = 0, Provider = "other", UserId = 9 }, onlyToFreeUser: false, Ct))!;
        Assert.Equal(10, other.Id);
        await accounts.RemoveAsync(other.Person, Ct);
    }

    private static Task<bool> WriteAsync(RedisUnderTest redis, AccountLink link) => redis.Connection.ExecuteAsync(
        async database =>
        {
            string name = Before(link.Subject);
            await database.HashSetAsync(
                Key("link:" + name),
                [
                    new("id", link.Id), new("issuer", link.Issuer), new("subject", link.Subject), new("provider", link.Provider), new("label", link
                        .Label), new("user_id", link.UserId),
                    new("joined", link.Joined), new("linked_at", link.LinkedAt.ToUnixTimeSeconds()), new("heard_at", link.AssertedAt.ToUnixTimeMilliseconds()),
                ]);
            await database.SortedSetAddAsync(Key("links"), name, link.Id);
            await database.SortedSetAddAsync(Key($"links-of:{link.UserId}"), name, link.Id);
            await database.SetAddAsync(Key("claimed-users"), $"{link.UserId} {link.Joined}");
            return true;
        },
        Ct);

    private static RedisKey Key(string name) => RedisNames.Prefix + name;

    private static string Before(string subject) => Hash($"{Issuer}\0{subject}");

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>A file as schema 4 has it, with a session.</summary>
    private static void WriteSchema4(string directory, string then = "")
    {
        Directory.CreateDirectory(directory);
        using SqliteConnection connection = new($"Data Source={Path.Combine(directory, Database.FileName)};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own constants.
        command.CommandText = $"""
            CREATE TABLE account_links (
                id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, issuer TEXT NOT NULL, subject TEXT NOT NULL, provider TEXT NOT NULL, label TEXT NOT NULL,
                user_id INTEGER NOT NULL, joined TEXT NOT NULL, linked_at INTEGER NOT NULL, heard_at INTEGER NOT NULL, UNIQUE (issuer, subject));
            CREATE INDEX account_links_by_user ON account_links (user_id);
            CREATE TABLE account_reservations (
                issuer TEXT NOT NULL, subject TEXT NOT NULL, username TEXT NOT NULL, profile TEXT NOT NULL, reserved_at INTEGER NOT NULL,
                PRIMARY KEY (issuer, subject)) WITHOUT ROWID;
            CREATE TABLE claimed_users (user_id INTEGER NOT NULL, joined TEXT NOT NULL, PRIMARY KEY (user_id, joined)) WITHOUT ROWID;
            CREATE TABLE secrets (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
            CREATE TABLE sessions (
                key BLOB NOT NULL PRIMARY KEY, sid_index BLOB, person_index BLOB NOT NULL, used_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
                record BLOB NOT NULL,
                info BLOB NOT NULL, version INTEGER NOT NULL, claimed_until INTEGER NOT NULL DEFAULT 0, heard_at INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
            CREATE INDEX sessions_by_expiry ON sessions (expires_at);
            CREATE INDEX sessions_by_sid ON sessions (sid_index) WHERE sid_index IS NOT NULL;
            CREATE INDEX sessions_by_person ON sessions (person_index);
            CREATE TABLE ended (hash BLOB NOT NULL PRIMARY KEY, ended_at INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TABLE taken (hash BLOB NOT NULL PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
            INSERT INTO account_links VALUES (3, '{Issuer}', 'alice', 'authentik', 'Alice', 7, '2026-01-01T00:00:00Z', 1800000000, 1800000000001);
            INSERT INTO account_links VALUES (5, '{Issuer}', 'bob', 'other', 'Bob', 8, '2026-01-02T00:00:00Z', 1800000000, 1800000000002);
            INSERT INTO account_links VALUES (9, '{Issuer}', 'gone', 'other', 'Gone', 9, '', 1800000000, 0);
            DELETE FROM account_links WHERE id = 9;
            INSERT INTO claimed_users SELECT user_id, joined FROM account_links;
            INSERT INTO account_reservations VALUES ('{Issuer}', 'carol', 'alice3', '', 1800000000);
            INSERT INTO sessions VALUES (x'01', x'02', x'03', 1800000000, 4000000000, x'04', x'05', 1, 0, 0);
            {then}
            PRAGMA user_version = 4;
            """;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
