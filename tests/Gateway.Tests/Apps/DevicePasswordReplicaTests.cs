using System.Net;
using Gateway.Apps;
using Gateway.Sessions;
using Gateway.Tests.Kit;
using StackExchange.Redis;

namespace Gateway.Tests.Apps;

/// <summary>Device passwords of two gateway replicas on one Redis.</summary>
[Needs(RealPart.Process, RealPart.Redis)]
public sealed class DevicePasswordReplicaTests : IAsyncLifetime
{
    private RedisServer _redis = null!;
    private World _world = null!;
    private Replica _other = null!;

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        _world = await World.StartAsync(options => options.Settings["GATEWAY_REDIS_URL"] = _redis.Url);
        _other = await _world.StartReplicaAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _other.DisposeAsync();
        await _world.DisposeAsync();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task A_device_password_works_at_every_replica_and_a_revocation_closes_it_everywhere_at_once()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        MadeDevicePassword device = await _world.MakeDevicePasswordAsync("alice");
        using Visitor app = _other.NewVisitor();
        Page before = await app.GetAsync("/api/documents/", device);
        DevicePasswords devices = _world.Gateway.Services.GetRequiredService<DevicePasswords>();

        await devices.RevokeAsync((await devices.ListAllAsync(World.Ct)).Single(), SessionEnd.EndedByTheUser, World.Ct);
        await _other.Log.WaitForAsync("SessionEnded");
        Page after = await app.GetAsync("/api/documents/", device);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before.Status, after.Status));
    }

    [Fact]
    public async Task Redis_keeps_a_device_password_longer_than_an_idle_session()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        MadeDevicePassword device = await _world.MakeDevicePasswordAsync("alice");
        using Visitor app = _world.NewVisitor();
        await app.GetAsync("/api/documents/", device);
        _world.Clock.Advance(TimeSpan.FromMinutes(5));
        await app.GetAsync("/api/documents/", device);
        await _world.Gateway.Services.GetRequiredService<SessionMaintenance>().TidyAsync(World.Ct);

        await using ConnectionMultiplexer redis = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_redis.Port}");
        TimeSpan?[] left = await Task.WhenAll(redis.GetServers()[0].Keys(pattern: "{pgw}:s2:*").Select(key => redis.GetDatabase().KeyTimeToLiveAsync(key)));

        Assert.Equal(2, left.Length);
        Assert.Contains(left, time => time < TimeSpan.FromDays(2));
        Assert.Contains(left, time => time > TimeSpan.FromDays(170));
    }

    [Fact]
    public async Task The_list_says_when_and_from_where_a_device_password_was_last_used()
    {
        using Visitor alice = await _world.SignedInAsync("alice");
        MadeDevicePassword device = await _world.MakeDevicePasswordAsync("alice");
        using Visitor app = _world.NewVisitor();
        _world.Clock.Advance(TimeSpan.FromMinutes(30));

        await app.GetAsync("/api/documents/", device);
        await _world.Gateway.Services.GetRequiredService<SessionMaintenance>().TidyAsync(World.Ct);

        ListedSession listed = Assert.Single(await _other.Gateway.Services.GetRequiredService<DevicePasswords>().ListAllAsync(World.Ct));
        Assert.Equal(_world.Clock.GetUtcNow().ToUnixTimeSeconds(), listed.UsedAt.ToUnixTimeSeconds());
        Assert.Equal("127.0.0.1", listed.Info.Address);
        Assert.Equal(("Hall scanner", DeviceScope.Full), (listed.Info.DevicePassword!.Name, listed.Info.DevicePassword.Scope));
    }
}
