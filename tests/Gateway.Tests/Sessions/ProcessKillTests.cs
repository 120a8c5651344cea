using System.Net;
using Gateway.Tests.Kit;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.Sessions;

[Needs(RealPart.Process)]
public sealed class ProcessKillTests
{
    [Fact]
    public async Task A_sign_in_and_a_sign_out_both_survive_a_kill_9_right_after_them()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        world.Provider.SignsInAs = "alice";
        using Visitor visitor = world.NewVisitor();
        await using (ProgramProcess first = await StartAsync(world))
        {
            RoundTrip tab = await RoundTrip.BeginAsync(visitor, "/documents/2");
            Page answer = await visitor.OpenAsync(await tab.AnswerAsync(), "cross-site");
            await first.SignalAsync("KILL");
            await first.ExitAsync();
            Assert.Equal("/documents/2", answer.Location?.PathAndQuery);
        }

        using Visitor thief = world.NewVisitor();
        thief.Cookies.Add(new Uri(world.Origin), new Cookie(SignedIn.CookieName, visitor.Cookie(SignedIn.CookieName), "/"));
        await using (ProgramProcess second = await StartAsync(world))
        {
            Assert.Equal("alice", await visitor.WhoAsync());
            await visitor.OpenAsync("/accounts/logout/", "same-origin");
            await second.SignalAsync("KILL");
            await second.ExitAsync();
        }

        await using ProgramProcess third = await StartAsync(world);
        Assert.Null(await thief.WhoAsync());
    }

    [Fact]
    public async Task The_gateway_does_not_start_with_the_database_of_a_newer_version()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Directory.CreateDirectory(world.DataDirectory);
        using (SqliteConnection connection = new($"Data Source={Path.Combine(world.DataDirectory, "gateway.db")};Pooling=False"))
        {
            connection.Open();
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version = 9;";
            command.ExecuteNonQuery();
        }

        (int exitCode, _, string errors) = await ProgramProcess.RunAsync("Gateway", [], world.Settings());

        Assert.Equal(1, exitCode);
        Assert.Contains("GATEWAY_DATA_DIR", errors, StringComparison.Ordinal);
        Assert.Contains("newer gateway", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    /// <summary>The gateway as a process of its own, on the world's port and data; back when it listens.</summary>
    private static async Task<ProgramProcess> StartAsync(World world)
    {
        ProgramProcess gateway = ProgramProcess.Start("Gateway", [$"--urls={world.Origin}"], world.Settings());
        await gateway.LineAsync(line => line.Contains("Application started", StringComparison.Ordinal));
        return gateway;
    }
}
