using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

[Needs(RealPart.Process, RealPart.Redis)]
public sealed class StorageCommandTests
{
    [Fact]
    public async Task Copying_links_between_SQLite_and_Redis_overwrites_no_link()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        IAccountLinkStore before = world.Gateway.Services.GetRequiredService<IAccountLinkStore>();
        IReadOnlyList<AccountLink> links = await before.ListAllAsync(World.Ct);
        IReadOnlyDictionary<string, int> names = await before.ListHeaderNamesAsync(World.Ct);
        await world.Gateway.DisposeAsync();
        world.Options.Settings["GATEWAY_REDIS_URL"] = redis.Url;

        Assert.Equal((0, "2 links copied to Redis; 0 were there already."), await CopyAsync(world, "--to-redis"));
        Assert.Equal((0, "0 links copied to Redis; 2 were there already."), await CopyAsync(world, "--to-redis"));
        world.StartGateway();
        IAccountLinkStore after = world.Gateway.Services.GetRequiredService<IAccountLinkStore>();
        Assert.Equal(links, await after.ListAllAsync(World.Ct));
        Assert.Equal(links.Count, names.Count);
        Assert.Equal(names, await after.ListHeaderNamesAsync(World.Ct));

        AccountLink other = links[0] with { UserId = links[1].UserId };
        await after.RemoveAsync(other.Person, World.Ct);
        await after.AddAsync(other, onlyToFreeUser: false, World.Ct);
        (int exitCode, _, string errors) = await ProgramProcess.RunAsync("Gateway", ["storage", "copy", "--to-sqlite"], world.Settings());
        Assert.Equal(1, exitCode);
        Assert.Contains(
            $"{other.Subject} of {other.Issuer} is linked to user {other.UserId} in the source and to user {links[0].UserId} in the target",
            errors,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copying_moves_pending_links_so_that_they_are_in_one_store_only()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using World world = await World.StartAsync();
        IAccountLinkStore sqlite = world.Gateway.Services.GetRequiredService<IAccountLinkStore>();
        DateTimeOffset now = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        PendingLink pending = new("authentik", "owner", 1, "2026-01-01T00:00:00Z", now, now + PendingLink.Ttl);
        await sqlite.AddPendingAsync(pending, World.Ct);
        await world.Gateway.DisposeAsync();
        world.Options.Settings["GATEWAY_REDIS_URL"] = redis.Url;

        Assert.Equal((0, "0 links copied to Redis; 0 were there already. Pending links moved: 1."), await CopyAsync(world, "--to-redis"));
        Assert.Equal((0, "0 links copied to Redis; 0 were there already."), await CopyAsync(world, "--to-redis"));
        world.StartGateway();
        IAccountLinkStore inRedis = world.Gateway.Services.GetRequiredService<IAccountLinkStore>();
        Assert.Equal([pending], await inRedis.ListPendingAsync(now, World.Ct));
        Assert.Equal((0, "0 links copied to the database; 0 were there already. Pending links moved: 1."), await CopyAsync(world, "--to-sqlite"));
        Assert.Empty(await inRedis.ListPendingAsync(now, World.Ct));
        Assert.Equal([pending], await world.Gateway.Services.GetRequiredService<SqliteAccounts>().ListPendingAsync(now, World.Ct));

        await inRedis.AddPendingAsync(pending with { UserId = 2 }, World.Ct);
        (int exitCode, string _, string errors) = await ProgramProcess.RunAsync("Gateway", ["storage", "copy", "--to-redis"], world.Settings());
        Assert.Equal(1, exitCode);
        Assert.Contains("owner at authentik has another pending link in the target", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_storage_command_without_Redis_settings_reports_that_there_is_nothing_to_copy()
    {
        await using World world = await World.StartAsync();

        (int exitCode, _, string errors) = await ProgramProcess.RunAsync("Gateway", ["storage", "copy", "--to-redis"], world.Settings());

        Assert.Equal(1, exitCode);
        Assert.Contains("GATEWAY_REDIS_URL: is not set", errors, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output)> CopyAsync(World world, string to)
    {
        (int exitCode, string output, string errors) = await ProgramProcess.RunAsync("Gateway", ["storage", "copy", to], world.Settings());
        Assert.True(exitCode == 0, errors);
        return (exitCode, output);
    }
}
