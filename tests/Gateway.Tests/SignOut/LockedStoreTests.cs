using System.Net;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.SignOut;

/// <summary>A sign-out that the store cannot save takes effect nevertheless.</summary>
public sealed class LockedStoreTests
{
    [Fact]
    public async Task A_session_ended_while_the_store_was_locked_stays_ended()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");
        string cookie = "paperless-gateway=" + visitor.Cookie("paperless-gateway");
        SessionMaintenance maintenance = world.Gateway.Services.GetRequiredService<SessionMaintenance>();
        await using (SqliteConnection locked = new($"Data Source={Path.Combine(world.DataDirectory, Database.FileName)};Pooling=False"))
        {
            await locked.OpenAsync(World.Ct);
            await using SqliteTransaction transaction = locked.BeginTransaction();

            Page page = await visitor.OpenAsync("/accounts/logout/", "same-origin");

            Assert.Equal(HttpStatusCode.SeeOther, page.Status);
            Assert.Single(world.Log.Of("SessionNotRemoved"));
            Assert.Equal(HttpStatusCode.Unauthorized, (await ReplayAsync(world, cookie)).Status);
        }

        world.Clock.Advance(TimeSpan.FromMinutes(10));
        await maintenance.TidyAsync(World.Ct);
        world.Clock.Advance(TimeSpan.FromMinutes(10));
        await maintenance.TidyAsync(World.Ct);

        Assert.Equal(HttpStatusCode.Unauthorized, (await ReplayAsync(world, cookie)).Status);
        await world.RestartGatewayAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, (await ReplayAsync(world, cookie)).Status);
    }

    /// <summary>As after a kill: the process that knew of the end is gone before the store could take it.</summary>
    [Fact]
    public async Task A_session_ended_while_the_store_was_locked_stays_ended_after_a_restart()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");
        string cookie = "paperless-gateway=" + visitor.Cookie("paperless-gateway");
        await using (SqliteConnection locked = new($"Data Source={Path.Combine(world.DataDirectory, Database.FileName)};Pooling=False"))
        {
            await locked.OpenAsync(World.Ct);
            await using SqliteTransaction transaction = locked.BeginTransaction();
            await visitor.OpenAsync("/accounts/logout/", "same-origin");
            await world.Gateway.DisposeAsync();
        }

        await world.RestartGatewayAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, (await ReplayAsync(world, cookie)).Status);
    }

    [Fact]
    public async Task A_prefetch_signs_nobody_out()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");

        Page ahead = await visitor.OpenAsync("/accounts/logout/", "none", ("Sec-Purpose", "prefetch;prerender"));

        Assert.Equal(HttpStatusCode.OK, ahead.Status);
        Assert.Equal(HttpStatusCode.OK, (await visitor.FetchAsync("/gateway/session")).Status);
    }

    private static async Task<Page> ReplayAsync(World world, string cookie)
    {
        using Visitor other = world.NewVisitor();
        return await other.SendAsync(HttpMethod.Get, "/api/documents/", null, ("Cookie", cookie));
    }
}
