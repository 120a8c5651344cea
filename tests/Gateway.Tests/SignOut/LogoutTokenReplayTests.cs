using System.Net;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.SignOut;

/// <summary>A logout token is accepted once (OpenID Connect Back-Channel Logout 1.0, section 2.6, `jti`), however short its lifetime is.</summary>
public sealed class LogoutTokenReplayTests
{
    [Fact]
    public async Task A_logout_token_is_refused_the_second_time_and_a_new_token_with_another_jti_is_accepted()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        string token = world.Provider.CreateLogoutToken(world.Provider.Sessions[0]);
        using HttpResponseMessage first = await world.SendLogoutTokenAsync(token);
        using HttpResponseMessage another = await world.SendLogoutAsync(world.Provider.Sessions[0]);
        using HttpResponseMessage again = await world.SendLogoutTokenAsync(token);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, another.StatusCode));
        await world.IsRefusedAsync(again, "sent before");
        await world.RestartGatewayAsync();
        using HttpResponseMessage afterRestart = await world.SendLogoutTokenAsync(token);
        await world.IsRefusedAsync(afterRestart, "sent before");
    }

    [Fact]
    public async Task The_jti_of_a_logout_token_is_remembered_for_two_minutes_even_if_the_token_expires_earlier()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        DateTimeOffset now = world.Clock.GetUtcNow();

        // Valid for as long as clocks may differ, and no second more.
        using HttpResponseMessage answer = await world.SendLogoutAsync(world.Provider.Sessions[0], claims =>
        {
            claims["exp"] = now.AddSeconds(-20).ToUnixTimeSeconds();
            claims["iat"] = now.AddSeconds(-25).ToUnixTimeSeconds();
            return claims;
        });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        world.Clock.Advance(TimeSpan.FromSeconds(119));
        await world.Gateway.Services.GetRequiredService<SessionMaintenance>().TidyAsync(World.Ct);
        Assert.Equal(1, Taken(world));
        world.Clock.Advance(TimeSpan.FromSeconds(2));
        await world.Gateway.Services.GetRequiredService<SessionMaintenance>().TidyAsync(World.Ct);
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
