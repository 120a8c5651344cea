using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Sessions;
using Gateway.Tests.SignOut;
using StackExchange.Redis;

namespace Gateway.Tests.Storage;

/// <summary>Corrupt data in a real Redis: every kind of key, with every kind of wrong value.</summary>
[Needs(RealPart.Process, RealPart.Redis)]
public sealed class CorruptRedisDataTests : IAsyncLifetime
{
    private const string Prefix = RedisNames.Prefix;

    /// <summary>What is no number, no hash, no record and no name.</summary>
    private static readonly (string Name, RedisValue Value)[] Garbage =
    [
        ("empty", ""),
        ("a word", "x"),
        ("an overflow", "9223372036854775808"),
        ("the highest number", "9223372036854775807"),
        ("a negative number", "-1"),
        ("no number", "nan"),
        ("infinite", "1e999"),
        ("binary", new byte[] { 0, 255, 128, 10, 13 }),
        ("huge", new string('9', 3_000_000)),
        ("a hash of another spelling", new string('A', 64)),
    ];

    private RedisServer _redis = null!;
    private ConnectionMultiplexer _connection = null!;
    private CorruptDataWorld _corrupted = null!;

    private IDatabase Redis => _connection.GetDatabase();

    private World World => _corrupted.World;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _connection = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_redis.Port}");
        _corrupted = await CorruptDataWorld.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = _redis.Url);
    }

    public async ValueTask DisposeAsync()
    {
        await _corrupted.DisposeAsync();
        await _connection.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_session_key_of_another_Redis_type_counts_as_missing_and_is_left_alone()
    {
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("hash"))
        {
            RedisKey key = default;
            await _corrupted.GoesOnAfterAsync(name, secret => put(key = SessionOf(secret)), gone: true);
        }

        _corrupted.SaidOnce("session");
        await Redis.StringSetAsync(Prefix + "s2:garbage", "x");
        await _corrupted.CommandsGoOnAsync();
    }

    [Theory]
    [InlineData("sid")]
    [InlineData("person")]
    [InlineData("used")]
    [InlineData("expires")]
    [InlineData("record")]
    [InlineData("info")]
    [InlineData("version")]
    [InlineData("heard")]
    public async Task A_session_with_an_unreadable_field_in_Redis_is_refused(string field)
    {
        await _corrupted.GoesOnAfterAsync("missing", secret => Redis.HashDeleteAsync(SessionOf(secret), field), gone: field is not "heard");
        foreach ((string name, RedisValue value) in Garbage)
        {
            // A number that is one may stand for a time; only what opens no session is asked for here.
            bool gone = field is "person" or "record" || (field is "sid" && name is not "empty");
            await _corrupted.GoesOnAfterAsync(name, secret => Redis.HashSetAsync(SessionOf(secret), field, value), gone);
        }

        await _corrupted.CommandsGoOnAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_unreadable_session_index_in_Redis_is_rebuilt_and_no_logout_misses_a_session(bool bySid)
    {
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("set"))
        {
            await _corrupted.GoesOnAfterAsync(name, _ => put(Prefix + "i:" + Hex(bySid ? _corrupted.Sid : _corrupted.Person)));
        }

        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("set"))
        {
            using Visitor alice = await World.SignedInAsync("alice");
            SessionMemory memory = World.Gateway.Services.GetRequiredService<SessionMemory>();
            foreach (Session known in memory.All.ToArray())
            {
                memory.Forget(known);
            }

            await put(Prefix + "i:" + Hex(bySid ? _corrupted.Sid : _corrupted.Person));
            using HttpResponseMessage ended = await World.SendLogoutAsync(World.Provider.Sessions[^1], BackChannel.Without(bySid ? "sub" : "sid"));
            Assert.Equal((name, HttpStatusCode.OK, null), (name, ended.StatusCode, await alice.WhoAsync()));
            World.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        _corrupted.SaidOnce("index of sessions");
    }

    [Fact]
    public async Task An_invalid_entry_in_a_session_index_is_removed()
    {
        foreach ((string name, RedisValue value) in Garbage)
        {
            await _corrupted.GoesOnAfterAsync(name, _ => Redis.SetAddAsync(Prefix + "i:" + Hex(_corrupted.Person), value));
            Assert.False(await Redis.SetContainsAsync(Prefix + "i:" + Hex(_corrupted.Person), value), name);
        }

        _corrupted.SaidOnce("name in an index of sessions");
    }

    /// <summary>Fail closed, and not for ever: the sign-in that meets it comes to nothing, a later one does not.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_unreadable_tombstone_in_Redis_counts_as_a_revocation_now(bool bySid)
    {
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("string").Concat(
            Garbage.Select(one => Named(one.Name, key => Redis.StringSetAsync(key, one.Value)))))
        {
            await _corrupted.GoesOnAfterAsync(name, _ => put(Prefix + "e:" + Hex(bySid ? _corrupted.Sid : _corrupted.Person)));

            World.Clock.Advance(TimeSpan.FromSeconds(2));
            using Visitor alice = await World.SignedInAsync("alice");
            await put(Prefix + "e:" + Hex(bySid ? _corrupted.Sid : _corrupted.Person));
            int before = World.Log.Of("EndedWhileUnderWay").Count;

            // The provider still knows her: it is the same session of its.
            alice.Forget(SignedIn.CookieName);
            await alice.NavigateAsync("/accounts/oidc/authentik/login/?next=%2F", "same-origin");
            Assert.True(World.Log.Of("EndedWhileUnderWay").Count > before, $"{name}: the sign-in went on.");
            TimeSpan? left = await Redis.KeyTimeToLiveAsync(Prefix + "e:" + Hex(bySid ? _corrupted.Sid : _corrupted.Person));
            Assert.True(left is not null, $"{name}: it stands for ever.");
        }

        _corrupted.SaidOnce("tombstone");
    }

    [Fact]
    public async Task An_unreadable_replay_mark_in_Redis_still_prevents_a_replay_of_the_logout_token()
    {
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("string"))
        {
            using Visitor alice = await World.SignedInAsync("alice");
            string jti = Guid.NewGuid().ToString("N");
            await put(Prefix + "t:" + Hex(SHA256.HashData(Encoding.UTF8.GetBytes($"jti\0authentik\0{World.Provider.Issuer.AbsoluteUri}\0{jti}"))));

            using HttpResponseMessage answer = await World.SendLogoutAsync(World.Provider.Sessions[^1], claims =>
            {
                claims["jti"] = jti;
                return claims;
            });

            Assert.Equal((name, HttpStatusCode.BadRequest, "alice"), (name, answer.StatusCode, await alice.WhoAsync()));
        }
    }

    [Fact]
    public async Task An_unreadable_or_endless_lease_in_Redis_does_not_prevent_a_recheck()
    {
        ILease lease = World.Gateway.Services.GetRequiredService<ILease>();
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("string").Concat(
            Garbage.Select(one => Named(one.Name, key => Redis.StringSetAsync(key, one.Value)))))
        {
            byte[] key = [];
            await _corrupted.GoesOnAfterAsync(name, secret => put(Prefix + "c:" + Hex(key = secret.Key().ToBytes())));

            using Visitor alice = await World.SignedInAsync("alice");
            Assert.True(SessionSecret.TryParse(alice.Cookie(SignedIn.CookieName), out SessionSecret now));
            await put(Prefix + "c:" + Hex(now.Key().ToBytes()));
            await lease.ReleaseLeaseAsync(now.Key().ToBytes(), World.Ct);
            Assert.True(await lease.IsLeaseFreeAsync(now.Key().ToBytes(), World.Ct), name);
            Assert.True(await lease.TryAcquireLeaseAsync(now.Key().ToBytes(), TimeSpan.FromMinutes(1), World.Ct), name);
            Assert.False(await lease.TryAcquireLeaseAsync(now.Key().ToBytes(), TimeSpan.FromMinutes(1), World.Ct), name);
        }
    }

    [Fact]
    public async Task An_unreadable_account_link_in_Redis_counts_as_missing_and_can_be_replaced()
    {
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("hash"))
        {
            await _corrupted.GoesOnAfterAsync(name, async _ => await put(await LinkAsync()));
        }

        foreach (string field in (string[])["id", "issuer", "subject", "provider", "label", "user_id", "joined", "linked_at", "heard_at"])
        {
            await _corrupted.GoesOnAfterAsync($"{field} missing", async _ => await Redis.HashDeleteAsync(await LinkAsync(), field));
            await _corrupted.GoesOnAfterAsync($"{field} binary", async _ => await Redis.HashSetAsync(await LinkAsync(), field, new byte[] { 0, 255 }));
        }

        foreach ((string name, RedisValue value) in Garbage)
        {
            await _corrupted.GoesOnAfterAsync(name, async _ =>
            {
                foreach (string field in (string[])["id", "user_id", "linked_at", "heard_at"])
                {
                    await Redis.HashSetAsync(await LinkAsync(), field, value);
                }
            });
        }

        _corrupted.SaidOnce("account link");
        await _corrupted.CommandsGoOnAsync();
    }

    [Theory]
    [InlineData("links")]
    [InlineData("links-of:")]
    public async Task An_unreadable_set_of_links_in_Redis_is_rebuilt(string set)
    {
        IAccountLinkStore accounts = World.Gateway.Services.GetRequiredService<IAccountLinkStore>();
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("zset"))
        {
            await _corrupted.GoesOnAfterAsync(name, async _ => await put(await SetAsync()));
            AccountLink link = (await accounts.ListAllAsync(World.Ct)).Single(link => link.Subject == World.Provider.Find("alice")!.Subject);
            Assert.Equal([link], await accounts.FindByUserAsync(link.UserId, World.Ct));
            await _corrupted.GoesOnAfterAsync(name, async _ => await put(await SetAsync()), unlinked: set == "links");
        }

        foreach ((string name, RedisValue value) in Garbage)
        {
            await _corrupted.GoesOnAfterAsync(name, async _ =>
            {
                if (await Redis.KeyTypeAsync(await SetAsync()) != RedisType.SortedSet)
                {
                    await Redis.KeyDeleteAsync(await SetAsync());
                }

                await Redis.SortedSetAddAsync(await SetAsync(), value, double.PositiveInfinity);
            });
        }

        _corrupted.SaidOnce("set of account links");
        await _corrupted.CommandsGoOnAsync();

        async Task<RedisKey> SetAsync() => set == "links" ? Prefix + set : Prefix + set + (await Redis.HashGetAsync(await LinkAsync(), "user_id")).ToString();
    }

    [Fact]
    public async Task An_unreadable_last_link_id_in_Redis_is_followed_by_a_higher_id()
    {
        IAccountLinkStore accounts = World.Gateway.Services.GetRequiredService<IAccountLinkStore>();
        long highest = 0;
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("string").Concat(
            Garbage.Select(one => Named(one.Name, key => Redis.StringSetAsync(key, one.Value)))))
        {
            await _corrupted.GoesOnAfterAsync(name, _ => put(Prefix + "last-link"), unlinked: true);

            long now = (await accounts.ListAllAsync(World.Ct)).Max(link => link.Id);
            Assert.True(now > highest, $"{name}: {now} comes after {highest}.");
            highest = now;
        }
    }

    /// <summary>Who was linked once is never found by name again: where nobody knows who that was, it may be anybody.</summary>
    [Fact]
    public async Task If_the_set_of_formerly_linked_users_is_unreadable_nobody_is_linked_by_name()
    {
        IAccountLinkStore accounts = World.Gateway.Services.GetRequiredService<IAccountLinkStore>();
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("set"))
        {
            await put(Prefix + "claimed-users");
            Assert.Null(await accounts.AddAsync(Link("somebody " + name), onlyToFreeUser: true, World.Ct));
            Assert.NotNull(await accounts.AddAsync(Link("by the operator " + name), onlyToFreeUser: false, World.Ct));
            using Visitor carol = World.NewVisitor();
            Assert.True((int)(await carol.DeclineAsync(await carol.SignInAsync("carol"))).Status < 500, name);
        }

        _corrupted.SaidOnce("set of users that were linked once");

        static AccountLink Link(string subject) => new(
            0,
            "https://authentik.example.com/",
            subject,
            "authentik",
            subject,
            4711,
            "2026-01-01T00:00:00Z",
            DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch);
    }

    [Fact]
    public async Task An_unreadable_reservation_in_Redis_blocks_nobody()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        await NameAsync();
        string reserved = Prefix + "reserved-name:" + Hex(SHA256.HashData("ALICE"u8));
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("hash"))
        {
            await _corrupted.GoesOnAfterAsync(name, async _ => await put(await ReservationAsync()), unlinked: true);
            await _corrupted.GoesOnAfterAsync(name, _ => put(reserved), unlinked: true);
        }

        foreach ((string name, RedisValue value) in Garbage)
        {
            await _corrupted.GoesOnAfterAsync(
                name,
                async _ =>
                {
                    await Redis.KeyDeleteAsync(reserved);
                    await Redis.HashSetAsync(reserved, new string('0', 64), value);
                    RedisKey reservation = await ReservationAsync();
                    await Redis.KeyDeleteAsync(reservation);
                    await Redis.HashSetAsync(reservation, [new("username", value), new("profile", value), new("reserved_at", value)]);
                },
                unlinked: true);
        }

        // The link's own name, taken before it goes: both are the person's.
        async Task<RedisKey> ReservationAsync() => Prefix + "reservation:" + await NameAsync();
    }

    [Fact]
    public async Task An_unreadable_secret_in_Redis_is_replaced()
    {
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("string").Concat(
            Garbage.Take(8).Select(one => Named(one.Name, key => Redis.StringSetAsync(key, one.Value)))))
        {
            await _corrupted.GoesOnAfterAsync(name, _ => put(Prefix + "secret:" + ISecretStore.PasswordSessionBinding), restart: true);
            _corrupted.Restarted();
            Assert.Equal(32, await Redis.StringLengthAsync(Prefix + "secret:" + ISecretStore.PasswordSessionBinding));
        }

        _corrupted.SaidOnce("secret");
    }

    [Fact]
    public async Task An_unreadable_data_protection_key_in_Redis_does_not_affect_the_others()
    {
        RedisValue[] broken =
        [
            .. Garbage.Select(one => one.Value),
            "<key", "<key/>", "<key id='x' version='1'/>", "<revocation/>",
            "<revocation version='1'><revocationDate>x</revocationDate></revocation>", "<other/>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        ];
        foreach (RedisValue element in broken)
        {
            await _corrupted.GoesOnAfterAsync(
                element.ToString()[..Math.Min(20, element.ToString().Length)],
                _ => Redis.ListLeftPushAsync(Prefix + "keys", element),
                restart: true);
            _corrupted.Restarted();
        }

        _corrupted.SaidOnce("data-protection key");
        await _corrupted.CommandsGoOnAsync();
    }

    [Fact]
    public async Task A_data_protection_key_list_of_another_Redis_type_is_replaced_by_new_keys()
    {
        foreach ((string name, Func<RedisKey, Task> put) in OtherTypes("list"))
        {
            await put(Prefix + "keys");
            await World.RestartGatewayAsync();

            using Visitor alice = await World.SignedInAsync("alice");
            Assert.Equal((name, "alice"), (name, await alice.WhoAsync()));
            Assert.Equal(RedisType.List, await Redis.KeyTypeAsync(Prefix + "keys"));
        }
    }

    [Fact]
    public async Task An_unreadable_Redis_message_changes_nothing_and_the_next_message_is_processed()
    {
        ISubscriber channel = _connection.GetSubscriber();
        RedisChannel ended = RedisChannel.Literal(Prefix + "ended:0");
        foreach ((string _, RedisValue value) in Garbage)
        {
            await channel.PublishAsync(ended, value);
            await channel.PublishAsync(ended, "somebody " + value);
        }

        using Visitor alice = await World.SignedInAsync("alice");
        Assert.True(SessionSecret.TryParse(alice.Cookie(SignedIn.CookieName), out SessionSecret secret));
        await channel.PublishAsync(ended, "somebody " + Hex(secret.Key().ToBytes()));

        await World.UntilAsync(async () => await alice.WhoAsync() is null, "The message is heard.");
        Assert.Empty(World.Log.Of("SubscriberFailed"));
    }

    private static string Hex(byte[] hash) => Convert.ToHexStringLower(hash);

    private static RedisKey SessionOf(SessionSecret secret) => Prefix + "s2:" + Hex(secret.Key().ToBytes());

    private static (string Name, Func<RedisKey, Task> Put) Named(string name, Func<RedisKey, Task> put) => (name, put);

    /// <summary>Puts a value of each type but the right one in a key's place, and lets it stand for ever.</summary>
    private IEnumerable<(string Name, Func<RedisKey, Task> Put)> OtherTypes(string right)
    {
        (string Type, Func<RedisKey, Task> Put)[] all =
        [
            ("string", key => Redis.StringSetAsync(key, "x")),
            ("hash", key => Redis.HashSetAsync(key, "x", "y")),
            ("list", key => Redis.ListRightPushAsync(key, "x")),
            ("set", key => Redis.SetAddAsync(key, "x")),
            ("zset", key => Redis.SortedSetAddAsync(key, "x", 1)),
            ("stream", key => Redis.StreamAddAsync(key, "x", "y")),
        ];
        return all.Where(one => one.Type != right).Select(one => Named(one.Type, async key =>
        {
            await Redis.KeyDeleteAsync(key);
            await one.Put(key);
        }));
    }

    private async Task<RedisKey> LinkAsync() => Prefix + "link:" + await NameAsync();

    /// <summary>What Alice's link is called in its key; remembered, because the test takes the link away.</summary>
    private async Task<string> NameAsync()
    {
        string subject = World.Provider.Find("alice")!.Subject;
        await foreach (RedisKey key in _connection.GetServers()[0].KeysAsync(pattern: Prefix + "link:*"))
        {
            if (await Redis.KeyTypeAsync(key) == RedisType.Hash && await Redis.HashGetAsync(key, "subject") == subject)
            {
                _name = key.ToString()[(Prefix + "link:").Length..];
            }
        }

        return _name ?? throw new InvalidOperationException("Alice has no link.");
    }

    private string? _name;
}
