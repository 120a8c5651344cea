using System.Net;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.SignOut;

public sealed class LogoutTokenOnceTests
{
    [Fact]
    public async Task Its_jti_is_remembered_for_two_minutes_though_the_token_lives_for_less()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        DateTimeOffset now = world.Clock.GetUtcNow();

        // Valid for as long as clocks may differ, and no second more.
        using HttpResponseMessage answer = await world.Provider.SendBackchannelLogoutAsync(
            new Uri(world.Origin + "/accounts/oidc/authentik/logout/backchannel/"),
            world.Provider.Sessions[0],
            claims =>
            {
                claims["exp"] = now.AddSeconds(-20).ToUnixTimeSeconds();
                claims["iat"] = now.AddSeconds(-25).ToUnixTimeSeconds();
                return claims;
            },
            cancellationToken: World.Ct);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        world.Clock.Advance(TimeSpan.FromSeconds(119));
        await world.Gateway.Services.GetRequiredService<SessionKeeper>().TidyAsync(World.Ct);
        Assert.Equal(1, Taken(world));
        world.Clock.Advance(TimeSpan.FromSeconds(2));
        await world.Gateway.Services.GetRequiredService<SessionKeeper>().TidyAsync(World.Ct);
        Assert.Equal(0, Taken(world));
    }

    private static long Taken(World world)
    {
        using SqliteConnection connection = new($"Data Source={Path.Combine(world.DataDirectory, Database.FileName)};Pooling=False");
        connection.Open();
        using SqliteCommand count = connection.CreateCommand();
        count.CommandText = "SELECT COUNT(*) FROM taken;";
        return (long)count.ExecuteScalar()!;
    }
}
