using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.Storage;

/// <summary>Corrupt rows in the SQLite file, and corrupt data protection key files.</summary>
[Needs(RealPart.Process)]
public sealed class CorruptSqliteDataTests : IAsyncLifetime
{
    /// <summary>SQL of what is of another type, empty, too short, too large or out of range. SQLite keeps it, whatever the column is.</summary>
    private static readonly string[] Garbage =
        ["'x'", "''", "x''", "x'00FF'", "zeroblob(3000000)", "randomblob(31)", "9223372036854775807", "-9223372036854775808", "-1", "1.5", "1e300",
            "'9223372036854775808'"];

    private CorruptDataWorld _corrupted = null!;

    private World World => _corrupted.World;

    public async ValueTask InitializeAsync() => _corrupted = await CorruptDataWorld.StartAsync();

    public ValueTask DisposeAsync() => _corrupted.DisposeAsync();

    [Theory]
    [InlineData("key")]
    [InlineData("sid_index")]
    [InlineData("person_index")]
    [InlineData("used_at")]
    [InlineData("expires_at")]
    [InlineData("record")]
    [InlineData("info")]
    [InlineData("version")]
    [InlineData("claimed_until")]
    [InlineData("heard_at")]
    public async Task A_session_with_an_unreadable_column_is_refused(string column)
    {
        foreach (string value in Garbage)
        {
            bool gone = column is "key" or "person_index" or "record" or "sid_index";
            await _corrupted.GoesOnAfterAsync(
                value,
                secret => Run($"UPDATE sessions SET {column} = {value} WHERE key = $key;", ("$key", secret.Key().ToBytes())),
                gone);
            await Run("DELETE FROM sessions WHERE typeof(key) <> 'blob' OR length(key) <> 32;");
        }

        await _corrupted.CommandsGoOnAsync();
    }

    /// <summary>SQLite puts text above every number: a session with such a time must not survive the end of its person.</summary>
    [Fact]
    public async Task The_end_of_a_person_also_ends_sessions_with_an_unreadable_time()
    {
        ISessionStore store = World.Gateway.Services.GetRequiredService<ISessionStore>();
        using Visitor alice = await World.SignedInAsync("alice");
        await Run("UPDATE sessions SET heard_at = 'x' WHERE person_index = $person;", ("$person", _corrupted.Person));

        Assert.Single(
            await store.EndAllAsync(_corrupted.Person, World.Clock.GetUtcNow().AddHours(-1), World.Clock.GetUtcNow().AddHours(1), late: true, World.Ct));
    }

    [Fact]
    public async Task An_unreadable_lease_does_not_prevent_a_recheck()
    {
        ILease lease = World.Gateway.Services.GetRequiredService<ILease>();
        using Visitor alice = await World.SignedInAsync("alice");
        Assert.True(SessionSecret.TryParse(alice.Cookie(SignedIn.CookieName), out SessionSecret secret));
        byte[] key = secret.Key().ToBytes();
        foreach (string value in Garbage)
        {
            await Run($"UPDATE sessions SET claimed_until = {value} WHERE key = $key;", ("$key", key));
            Assert.True(await lease.IsLeaseFreeAsync(key, World.Ct), value);
            Assert.True(await lease.TryAcquireLeaseAsync(key, TimeSpan.FromMinutes(1), World.Ct), value);
            Assert.False(await lease.TryAcquireLeaseAsync(key, TimeSpan.FromMinutes(1), World.Ct), value);
        }
    }

    /// <summary>Fail closed, and not for ever.</summary>
    [Theory]
    [InlineData("ended_at")]
    [InlineData("until")]
    public async Task An_unreadable_tombstone_counts_as_a_revocation_now(string column)
    {
        foreach (string value in Garbage.Where(value => column == "ended_at" || value is not ("-1" or "-9223372036854775808")))
        {
            await _corrupted.GoesOnAfterAsync(value, _ => Run(
                $"INSERT OR REPLACE INTO ended (hash, ended_at, until) VALUES ($hash, $now, $now / 1000 + 60); UPDATE ended SET {column} = {value} "
                    + "WHERE hash = $hash;",
                ("$hash", _corrupted.Person),
                ("$now", World.Clock.GetUtcNow().ToUnixTimeMilliseconds())));
        }

        _corrupted.SaidOnce("tombstone");
    }

    [Fact]
    public async Task An_unreadable_replay_mark_of_a_logout_token_is_deleted_after_a_day()
    {
        SessionMaintenance maintenance = World.Gateway.Services.GetRequiredService<SessionMaintenance>();
        await Run("INSERT INTO taken (hash, until) VALUES (randomblob(32), 'x');");
        await maintenance.TidyAsync(World.Ct);
        Assert.Equal(1L, Ask("SELECT COUNT(*) FROM taken;"));

        World.Clock.Advance(TimeSpan.FromHours(25));
        await maintenance.TidyAsync(World.Ct);

        Assert.Equal(0L, Ask("SELECT COUNT(*) FROM taken;"));
    }

    [Theory]
    [InlineData("provider")]
    [InlineData("label")]
    [InlineData("user_id")]
    [InlineData("joined")]
    [InlineData("linked_at")]
    [InlineData("heard_at")]
    [InlineData("issuer")]
    [InlineData("subject")]
    public async Task An_unreadable_account_link_counts_as_missing_and_can_be_replaced(string column)
    {
        // A column for text makes text of every number, and any text is a name.
        foreach (string value in Garbage.Where(value => column is "user_id" or "linked_at" or "heard_at" || value.Contains("x'", StringComparison.Ordinal)
            || value.Contains("blob", StringComparison.Ordinal)).Except(["'x'"]))
        {
            await _corrupted.GoesOnAfterAsync(value, _ => Run(
                "DELETE FROM account_links WHERE typeof(provider) <> 'text' OR typeof(issuer) <> 'text' OR typeof(subject) <> 'text'; UPDATE "
                    + $"account_links SET {column} = {value} WHERE subject = $subject;",
                ("$subject", World.Provider.Find("alice")!.Subject)));
        }

        await _corrupted.CommandsGoOnAsync();
    }

    [Fact]
    public async Task An_unreadable_reservation_blocks_nobody()
    {
        foreach (string value in Garbage)
        {
            await _corrupted.GoesOnAfterAsync(
                value,
                _ => Run(
                    "INSERT OR REPLACE INTO account_reservations (provider, issuer, subject, username, profile, reserved_at) VALUES ('authentik', "
                        + $"$issuer, $subject, {value}, {value}, {value});",
                    ("$issuer", World.Provider.Issuer.AbsoluteUri),
                    ("$subject", World.Provider.Find("alice")!.Subject)),
                unlinked: true);
        }
    }

    [Fact]
    public async Task An_unreadable_secret_is_replaced()
    {
        ISecretStore secrets = World.Gateway.Services.GetRequiredService<ISecretStore>();
        foreach (string value in Garbage)
        {
            byte[] before = secrets.GetOrCreate("a test", 32);
            await Run($"UPDATE secrets SET value = {value} WHERE name = 'a test';");
            byte[] after = secrets.GetOrCreate("a test", 32);
            Assert.NotEqual(before, after);
            Assert.Equal(after, secrets.GetOrCreate("a test", 32));
            Assert.Equal(32, after.Length);
        }

        await _corrupted.GoesOnAfterAsync("all of them", _ => Run("UPDATE secrets SET value = 'x';"), restart: true);
        _corrupted.SaidOnce("secret");
    }

    [Fact]
    public async Task An_unreadable_data_protection_key_file_does_not_affect_the_others()
    {
        string keys = Path.Combine(World.DataDirectory, StorageFeature.KeysDirectory);
        string[] broken = ["", "x", "\0\u00FF", "<key", "<key/>", "<revocation/>", "<other/>", new string(
            '<',
            1_000_000), "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"];
        for (int number = 0; number < broken.Length; number++)
        {
            string file = Path.Combine(keys, $"key-{number}.xml");
            string content = broken[number];
            await _corrupted.GoesOnAfterAsync($"file {number}", _ => File.WriteAllTextAsync(file, content, World.Ct), restart: true);
            _corrupted.Restarted();
        }

        Directory.CreateDirectory(Path.Combine(keys, "a-directory.xml"));
        await _corrupted.GoesOnAfterAsync("a directory", _ => Task.CompletedTask, restart: true);
        _corrupted.Restarted();
        _corrupted.SaidOnce("data-protection key file");
        await _corrupted.CommandsGoOnAsync();
    }

    /// <summary>Whole by its encryption, and not whole by what stands in it: as of a version that wrote less.</summary>
    [Theory]
    [InlineData("Identity")]
    [InlineData("Tokens")]
    [InlineData("SignedInAt")]
    [InlineData("Identity.Username")]
    [InlineData("Identity.Issuer")]
    [InlineData("Identity.Subject")]
    [InlineData("Identity.Provider")]
    [InlineData("Tokens.IdToken")]
    public async Task A_session_record_without_a_required_member_is_refused(string missing)
    {
        foreach (bool isNull in (bool[])[true, false])
        {
            await _corrupted.GoesOnAfterAsync(
                $"{missing} {(isNull ? "is null" : "is missing")}",
                secret =>
                {
                    byte[] record = (byte[])Ask("SELECT record FROM sessions WHERE key = $key;", ("$key", secret.Key().ToBytes()))!;
                    JsonNode json = JsonNode.Parse(Cipher(secret, record, decrypt: true))!;
                    Remove(json, missing, isNull);
                    return Run(
                        "UPDATE sessions SET record = $record WHERE key = $key;",
                        ("$key", secret.Key().ToBytes()),
                        ("$record", Cipher(secret, Encoding.UTF8.GetBytes(json.ToJsonString()), decrypt: false)));
                },
                gone: true);
        }

        Assert.NotEmpty(World.Log.Of("UnreadableSession"));
        Assert.All(World.Log.Of("UnreadableSession").GroupBy(line => CapturedLog.Value(line, "Session")), same => Assert.Single(same));
    }

    [Theory]
    [InlineData("Username")]
    [InlineData("Device")]
    [InlineData("SignedInAt")]
    [InlineData("Issuer")]
    public async Task A_session_with_an_incomplete_list_entry_is_not_listed(string missing)
    {
        await _corrupted.GoesOnAfterAsync(missing, secret =>
        {
            IDataProtector protector = World.Gateway.Services.GetRequiredService<IDataProtectionProvider>().CreateProtector("session info 1");
            byte[] info = (byte[])Ask("SELECT info FROM sessions WHERE key = $key;", ("$key", secret.Key().ToBytes()))!;
            JsonNode json = JsonNode.Parse(protector.Unprotect(info))!;
            Remove(json, missing, isNull: true);
            return Run(
                "UPDATE sessions SET info = $info WHERE key = $key;",
                ("$key", secret.Key().ToBytes()),
                ("$info", protector.Protect(Encoding.UTF8.GetBytes(json.ToJsonString()))));
        });
        await _corrupted.CommandsGoOnAsync();
    }

    private static void Remove(JsonNode json, string path, bool isNull)
    {
        string[] names = path.Split('.');
        JsonObject holder = (names.Length == 2 ? json[names[0]]! : json).AsObject();
        Assert.True(holder.Remove(names[^1]));
        if (isNull)
        {
            holder[names[^1]] = null;
        }
    }

    /// <summary>What <see cref="SessionRecord"/> does, so that what is in it can be anything.</summary>
    private static byte[] Cipher(SessionSecret secret, byte[] bytes, bool decrypt)
    {
        byte[] key = new byte[32];
        secret.DeriveKey("paperless-gateway session record 1"u8, key);
        using AesGcm cipher = new(key, 16);
        if (decrypt)
        {
            byte[] plain = new byte[bytes.Length - 28];
            cipher.Decrypt(bytes.AsSpan(0, 12), bytes.AsSpan(12, plain.Length), bytes.AsSpan(12 + plain.Length), plain, secret.Key().ToBytes());
            return plain;
        }

        byte[] sealedRecord = new byte[bytes.Length + 28];
        RandomNumberGenerator.Fill(sealedRecord.AsSpan(0, 12));
        cipher.Encrypt(
            sealedRecord.AsSpan(0, 12),
            bytes,
            sealedRecord.AsSpan(12, bytes.Length),
            sealedRecord.AsSpan(12 + bytes.Length),
            secret.Key().ToBytes());
        return sealedRecord;
    }

    private Task Run(string sql, params (string Name, object Value)[] parameters)
    {
        Ask(sql, parameters);
        return Task.CompletedTask;
    }

    private object? Ask(string sql, params (string Name, object Value)[] parameters)
    {
        using SqliteConnection connection = new($"Data Source={Path.Combine(World.DataDirectory, Database.FileName)};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach ((string name, object value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command.ExecuteScalar();
    }
}
