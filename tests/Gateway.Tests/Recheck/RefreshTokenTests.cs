using System.Net;
using Gateway.StandIns.Provider;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Data.Sqlite;

namespace Gateway.Tests.Recheck;

/// <summary>A refresh token works once. If its successor may have been lost, a later refusal does not end the session.</summary>
public sealed class RefreshTokenTests
{
    [Fact]
    public async Task A_rotated_refresh_token_that_the_store_did_not_save_does_not_end_the_session()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Provider.Hold = async path =>
        {
            if (path == RecheckWorld.TokenPath)
            {
                asked.TrySetResult();
                await held.Task;
            }
        };
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Task<Page> page = alice.FetchAsync("/api/documents/");
        await asked.Task.InTimeAsync("The provider is asked.");
        await using (SqliteConnection locked = new($"Data Source={Path.Combine(world.DataDirectory, Database.FileName)};Pooling=False"))
        {
            await locked.OpenAsync(World.Ct);
            await using SqliteTransaction transaction = locked.BeginTransaction();
            held.SetResult();

            Assert.Equal(HttpStatusCode.OK, (await page).Status);
        }

        Assert.Single(world.Log.Of("RecheckPostponed"));
        world.Provider.ClearReceived();
        world.Clock.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Empty(world.Log.Of("SessionEnded"));
        Assert.Equal([RecheckWorld.TokenPath, "/application/o/userinfo/"], world.Provider.Received.Select(request => request.Path));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_gateway_that_dies_before_the_refresh_answer_does_not_end_the_session(bool hasAccessToken)
    {
        await using World world = await StartAsync(hasAccessToken ? TimeSpan.FromHours(1) : TimeSpan.FromMinutes(5));
        using Visitor alice = await world.SignedInAsync("alice");
        KeepDatabaseAt(world, RecheckWorld.TokenPath);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        await RestartFromKeptAsync(world);
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Empty(world.Log.Of("SessionEnded"));
        Assert.Equal(2, world.Refreshes().Count);

        // Userinfo has confirmed the person, or a silent authentication must.
        Assert.Equal(hasAccessToken ? 0 : 1, world.Log.Of("RefreshRefused").Count);
        world.Clock.Advance(TimeSpan.FromMinutes(6));
        Assert.Equal(hasAccessToken ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Fact]
    public async Task A_refusal_stands_where_the_gateway_dies_before_userinfo_answers()
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.NextTokenError = new ProviderError("invalid_grant");
        KeepDatabaseAt(world, RecheckWorld.UserInfoPath);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        await RestartFromKeptAsync(world);
        world.Clock.Advance(TimeSpan.FromMinutes(6));

        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("invalid_client")]
    public async Task A_saved_refresh_answer_leaves_no_refresh_token_in_doubt(string? error)
    {
        await using World world = await StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.NextTokenError = error is null ? null : new ProviderError(error);
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);

        world.Provider.NextTokenError = new ProviderError("invalid_grant");
        world.Clock.Advance(TimeSpan.FromMinutes(11));

        // Not in doubt: the refusal counts until a silent authentication confirms the person.
        Assert.Equal(HttpStatusCode.OK, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Single(world.Log.Of("RefreshRefused"));
    }

    private static Task<World> StartAsync(TimeSpan? accessTokens = null) =>
        RecheckWorld.StartAsync(provider: options => options with { AccessTokenLifetime = accessTokens ?? TimeSpan.FromHours(1) });

    private static string KeptDatabase(World world) => Path.Combine(world.DataDirectory, "as-it-was-sent");

    /// <summary>Keeps the database as it is at the first request to an endpoint of the provider.</summary>
    private static void KeepDatabaseAt(World world, string endpoint) => world.Provider.Hold = async path =>
    {
        if (path == endpoint && !File.Exists(KeptDatabase(world)))
        {
            await using SqliteConnection database = new($"Data Source={Path.Combine(world.DataDirectory, Database.FileName)};Pooling=False");
            await using SqliteConnection kept = new($"Data Source={KeptDatabase(world)};Pooling=False");
            database.Open();
            kept.Open();
            database.BackupDatabase(kept);
        }
    };

    private static async Task RestartFromKeptAsync(World world)
    {
        await world.Gateway.DisposeAsync();
        foreach (string file in Directory.EnumerateFiles(world.DataDirectory, Database.FileName + "*"))
        {
            File.Delete(file);
        }

        File.Move(KeptDatabase(world), Path.Combine(world.DataDirectory, Database.FileName));
        world.StartGateway();
    }
}
