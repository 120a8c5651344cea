using System.Net;
using Gateway.Paperless;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>Concurrent account creations, and creations whose answer from Paperless was lost, still give each person exactly one user.</summary>
public sealed class AccountProvisioningTests
{
    [Fact]
    public async Task Two_concurrent_first_sign_ins_of_one_person_create_one_user()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "never");
        world.NewPerson("carol", "Carol Cook");
        Fault hold = world.Paperless.Faults.Hold(request => request is { Method: "POST", RawPath: "/api/users/" });

        Task<Visitor> first = world.SignedInAsync("carol");
        await hold.ArrivedAsync(World.Ct);
        Task<Visitor> second = world.SignedInAsync("carol");
        hold.Release();
        using Visitor one = await first;
        using Visitor other = await second;

        Assert.Equal(("carol", "carol"), (await one.WhoAsync(), await other.WhoAsync()));
        Assert.Single(world.ApiRequests, request => request is { Method: "POST", RawPath: "/api/users/" });
    }

    [Fact]
    public async Task Concurrent_first_sign_ins_of_two_people_with_one_name_create_two_users()
    {
        await using World world = await World.StartAsync();
        world.NewPerson("Carol!", "Carol One");
        world.NewPerson("Carol?", "Carol Two");

        Visitor[] visitors = await Task.WhenAll(world.SignedInAsync("Carol!"), world.SignedInAsync("Carol?"));

        string?[] names = [await visitors[0].WhoAsync(), await visitors[1].WhoAsync()];
        Assert.Equal(["Carol", "Carol2"], names.Order(StringComparer.Ordinal));
        Array.ForEach(visitors, visitor => visitor.Dispose());
    }

    [Fact]
    public async Task An_account_that_is_being_created_is_not_matched_by_another_person_of_the_same_name()
    {
        await using World world = await World.StartAsync();
        (await world.SignedInAsync("bob")).Dispose();
        world.Provider.Change(world.Provider.Find("bob")! with { Username = "bob-who-left" });
        world.NewPerson("bob", "Bob Second");
        world.NewPerson("bob2", "Bob Third");
        Fault hold = world.Paperless.Faults.Hold(request => request is { Method: "POST", RawPath: "/api/users/" });
        Task<Visitor> second = world.SignedInAsync("bob");
        await hold.ArrivedAsync(World.Ct);
        Task<Visitor> third = world.SignedInAsync("bob2");
        hold.Release();
        using Visitor bob = await second;
        using Visitor bob2 = await third;

        Assert.Equal(("bob2", "bob22"), (await bob.WhoAsync(), await bob2.WhoAsync()));
        Assert.Equal(world.Links().Count, world.Links().Select(link => link.UserId).Distinct().Count());
    }

    [Fact]
    public async Task Two_hundred_concurrent_first_sign_ins_create_two_hundred_users_with_their_groups()
    {
        const int people = 200;
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true";
            options.Settings["GATEWAY_CREATE_GROUPS"] = "true";
        });
        for (int number = 0; number < people; number++)
        {
            world.NewPerson($"person-{number}", $"Person {number}", "everybody", $"team-{number % 7}");
        }

        int before = world.Paperless.Data.Users.Count;

        // Otherwise each of the first sign-ins asks whose token it is.
        await world.Gateway.Services.GetRequiredService<PaperlessApi>().GetTokenOwnerAsync(World.Ct);
        await Parallel.ForEachAsync(Enumerable.Range(0, people), new ParallelOptions
        {
            MaxDegreeOfParallelism = people,
            CancellationToken = World.Ct
        }, async (number, _) =>
        {
            using Visitor visitor = await world.SignedInAsync($"person-{number}");
            Assert.Equal($"person-{number}", await visitor.WhoAsync());
        });

        Assert.Equal(before + people, world.Paperless.Data.Users.Count);
        Assert.All(Enumerable.Range(0, people), number => Assert.Equal(["everybody", $"team-{number % 7}"], world.Paperless.Data.GroupsOf($"person-{number}")));
        Assert.Equal(8, world.Paperless.Data.Groups.Count(group => group.Name == "everybody" || group.Name.StartsWith("team-", StringComparison.Ordinal)));
        Assert.Equal(people, world.Links().Count);
        // Three look-ups of the name and the making of the user for each; the groups once for all. Until the first answer, each asks whose the token is.
        Assert.InRange(world.ApiRequests.Count, people * 4, (people * 5) + 12);
    }

    [Fact]
    public async Task A_lost_answer_to_an_account_creation_leads_to_no_second_user()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "never");
        world.NewPerson("carol", "Carol Cook");
        using Visitor carol = world.NewVisitor();
        using (Fault slow = world.Paperless.Faults.Hold(request => request is { Method: "POST", RawPath: "/api/users/" }))
        {
            Task<Page> signIn = carol.SignInAsync("carol");
            await slow.StruckAsync(World.Ct);
            world.Clock.Advance(PaperlessApiTimes.Default.ResponseTimeout);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await signIn).Status);
        }

        // What Paperless did with the request after nobody listened any more.
        world.Paperless.Data.AddUser("carol", user => user with { Email = "carol@example.com", FirstName = "Carol", LastName = "Cook" });

        await carol.SignInAsync("carol");

        Assert.Equal("carol", await carol.WhoAsync());
        Assert.Null(world.Paperless.Data.FindUser("carol2"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_persons_account_of_the_same_name_is_not_taken_for_an_interrupted_creation(bool late)
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "never");
        world.NewPerson("carol", "Carol Cook");
        using Visitor carol = world.NewVisitor();
        using (world.Paperless.Faults.Drop(request => request is { Method: "POST", RawPath: "/api/users/" }))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await carol.SignInAsync("carol")).Status);
        }

        if (late)
        {
            world.Clock.Advance(TimeSpan.FromMinutes(10));
        }

        world.Paperless.Data.AddUser("carol", user => user with { Email = late ? "carol@example.com" : "", FirstName = "Carol", LastName = "Cook" });

        await carol.DeclineAsync(await carol.SignInAsync("carol"));

        Assert.Equal("carol2", await carol.WhoAsync());
    }

    [Fact]
    public async Task A_lost_answer_to_the_creation_of_a_numbered_name_leads_to_no_second_user()
    {
        await using World world = await World.StartAsync();
        (await world.SignedInAsync("alice")).Dispose();
        world.Provider.Change(world.Provider.Find("alice")! with { Username = "alice-who-left" });
        world.NewPerson("alice", "Alice Another");
        using Visitor another = world.NewVisitor();
        using (world.Paperless.Faults.Drop(request => request is { Method: "POST", RawPath: "/api/users/" }))
        {
            await another.DeclineAsync(await another.SignInAsync("alice"));
        }

        world.Paperless.Data.AddUser("alice2", user => user with { Email = "alice@example.com", FirstName = "Alice", LastName = "Another" });

        await another.SignInAsync("alice");

        Assert.Equal("alice2", await another.WhoAsync());
        Assert.Null(world.Paperless.Data.FindUser("alice3"));
    }

    [Fact]
    public async Task After_a_refused_creation_a_later_account_of_that_name_is_not_taken_for_an_interrupted_creation()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "never");
        world.NewPerson("carol", "Carol Cook");
        using Visitor carol = world.NewVisitor();
        using (world.Paperless.Faults
            .Answer(request => request is { Method: "POST", RawPath: "/api/users/" }, 400, """{"username": ["A user with that username already exists."]}"""))
        {
            await carol.SignInAsync("carol");
        }

        world.Paperless.Data.AddUser("carol", user => user with { Email = "carol@example.com", FirstName = "Carol", LastName = "Cook" });

        await carol.DeclineAsync(await carol.SignInAsync("carol"));

        Assert.Equal("carol2", await carol.WhoAsync());
    }
}
