using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>An account whose name the user header once carried for another person is not matched by that name.</summary>
public sealed class UsernameMatchTests
{
    [Fact]
    public async Task An_account_created_by_a_deleted_users_header_is_never_linked_to_a_later_person()
    {
        await using World world = await World.StartAsync();
        using Visitor first = await world.SignedInAsync("alice");
        world.Paperless.Data.RemoveUser(world.LinkOf("alice")!.UserId);

        // Before anybody noticed: Paperless makes the user anew, and gives a token for it.
        await first.OpenAsync("/dashboard");
        int ghost = world.Paperless.Data.FindUser("alice")!.Id;
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await first.FetchAsync("/api/documents/");
        Assert.Null(await first.WhoAsync());

        using Visitor later = await LaterAsync(world);

        Assert.Equal("alice2", await later.WhoAsync());
        Assert.DoesNotContain(world.Links(), link => link.UserId == ghost);
        Assert.Equal("alice", CapturedLog.Value(world.Log.Of("AccountNotMatched")[0], "User"));
    }

    [Fact]
    public async Task An_account_that_took_over_the_name_of_a_renamed_user_is_never_matched_by_that_name()
    {
        await using World world = await World.StartAsync();
        using Visitor first = await world.SignedInAsync("alice");
        world.Paperless.Data.UpdateUser("alice", user => user with { Name = "alice.archer" });
        world.Paperless.Data.UpdateUser("bob", user => user with { Name = "alice" });

        using Visitor later = await LaterAsync(world);

        Assert.Equal("alice2", await later.WhoAsync());
    }

    [Fact]
    public async Task A_new_name_is_recorded_before_the_user_header_carries_that_name()
    {
        await using World world = await World.StartAsync();
        using Visitor first = await world.SignedInAsync("alice");
        world.Paperless.Data.UpdateUser("alice", user => user with { Name = "carol" });
        world.Clock.Advance(TimeSpan.FromMinutes(11));
        await first.FetchAsync("/api/documents/");
        Assert.Equal(["carol"], world.Forwarded[^1].Lines("Remote-User"));

        IReadOnlyDictionary<string, int> names = await world.Gateway.Services.GetRequiredService<IAccountLinkStore>().ListHeaderNamesAsync(World.Ct);

        Assert.Equal(["alice", "carol"], names.Keys.Order(StringComparer.Ordinal));
        Assert.All(names.Values, id => Assert.Equal(world.LinkOf("alice")!.UserId, id));
    }

    [Theory]
    [InlineData(-1, "carol")]
    [InlineData(1, "carol2")]
    public async Task An_account_younger_than_a_link_of_the_same_name_is_not_matched_by_name(int minutes, string expected)
    {
        await using World world = await World.StartAsync();
        DateTimeOffset linkedAt = world.Clock.GetUtcNow().AddDays(-1);
        AccountLink link = new(0, world.Provider.Issuer.AbsoluteUri, "a subject of before", "authentik", "carol", 4711, "", linkedAt, DateTimeOffset.UnixEpoch);
        await world.Gateway.Services.GetRequiredService<IAccountLinkStore>().AddAsync(link, onlyToFreeUser: false, World.Ct);
        world.Paperless.Data.AddUser("carol", user => user with { Joined = linkedAt.AddMinutes(minutes * 10) });
        world.NewPerson("carol", "Carol Cook");

        using Visitor carol = await world.SignedInAsync("carol");

        Assert.Equal(expected, await carol.WhoAsync());
    }

    /// <summary>Somebody else, whom the provider calls alice by now.</summary>
    private static async Task<Visitor> LaterAsync(World world)
    {
        world.Provider.Change(world.Provider.Find("alice")! with { Username = "alice-who-left" });
        world.NewPerson("alice", "Alice Another");
        return await world.SignedInAsync("alice");
    }
}
