using System.Net;
using Gateway.Accounts;
using Gateway.Sandbox.Paperless;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.SignIn;
using PaperlessUser = Gateway.Sandbox.Paperless.PaperlessUser;
using Person = Gateway.Sandbox.Provider.Person;

namespace Gateway.Tests.Accounts;

/// <summary>Which Paperless user somebody becomes at the first sign-in, and never somebody else.</summary>
public sealed class FirstSignInTests
{
    [Fact]
    public async Task A_new_person_becomes_a_user_with_everything_that_the_first_page_needs()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_ACCOUNT_DEFAULT_GROUPS"] = "viewers, nowhere");
        world.Paperless.Data.AddGroup("family", "view_document");
        world.NewPerson("carol", "Carol Cook", "family", "unknown-group");

        using Visitor carol = await world.SignedInAsync("carol");

        PaperlessUser user = world.Paperless.Data.FindUser("carol")!;
        Assert.Equal(("carol@example.com", "Carol", "Cook", false, false, true), (user.Email, user.FirstName, user.LastName, user.IsStaff, user.IsSuperuser, user.IsActive));
        Assert.Equal(["family", "viewers"], world.Paperless.Data.GroupsOf("carol"));
        Assert.Equal(["add_uisettings", "change_uisettings", "view_uisettings"], user.Permissions.Order(StringComparer.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await carol.FetchAsync("/api/ui_settings/")).Status);
        Assert.Equal("carol", CapturedLog.Value(Assert.Single(world.Log.Of("AccountMade")), "User"));
        Assert.Equal(user.Id, world.LinkOf("carol")!.UserId);
    }

    [Fact]
    public async Task The_ordinary_account_of_the_same_name_is_taken_and_keeps_what_it_has()
    {
        await using World world = await World.StartAsync();
        int before = world.Paperless.Data.Users.Count;

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Equal(before, world.Paperless.Data.Users.Count);
        Assert.Contains("view_document", world.Paperless.Data.FindUser("alice")!.Permissions);
        Assert.Equal("by the same user name", CapturedLog.Value(Assert.Single(world.Log.Of("AccountLinked")), "How"));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task An_account_of_staff_or_of_a_superuser_is_never_taken_by_its_name(bool staff, bool superuser)
    {
        await using World world = await World.StartAsync();
        world.Paperless.Data.AddUser("carol", user => user with { IsStaff = staff, IsSuperuser = superuser });
        world.NewPerson("carol", "Carol Cook");

        using Visitor carol = await world.SignedInAsync("carol");

        Assert.Equal("carol2", await carol.WhoAsync());
        Assert.Equal(("", false, false), (world.Paperless.Data.FindUser("carol")!.Email, world.Paperless.Data.FindUser("carol2")!.IsStaff, world.Paperless.Data.FindUser("carol2")!.IsSuperuser));
    }

    [Fact]
    public async Task An_account_that_somebody_is_linked_to_is_not_taken_by_another_of_the_same_name()
    {
        await using World world = await World.StartAsync();
        using Visitor first = await world.SignedInAsync("alice");
        world.Provider.Change(world.Provider.Find("alice")! with { Username = "alice-who-left" });
        world.NewPerson("alice", "Alice Another");

        using Visitor second = await world.SignedInAsync("alice");

        Assert.Equal(("alice", "alice2"), (await first.WhoAsync(), await second.WhoAsync()));
        using Visitor renamed = await world.SignedInAsync("alice-who-left");
        Assert.Equal("alice", await renamed.WhoAsync());
    }

    [Fact]
    public async Task Where_names_say_nothing_a_taken_name_gets_the_first_free_number()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "never");
        world.Paperless.Data.AddUser("Alice2");
        world.Paperless.Data.AddUser("alice3");

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal("alice4", await alice.WhoAsync());
    }

    [Fact]
    public async Task Names_are_matched_in_their_letter_case_although_Paperless_finds_both()
    {
        await using World world = await World.StartAsync();
        world.Paperless.Data.AddUser("Alice");
        world.Paperless.Data.AddUser("ALICE");

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal("alice", await alice.WhoAsync());
        Assert.Equal(world.Paperless.Data.FindUser("alice")!.Id, world.LinkOf("alice")!.UserId);
    }

    [Theory]
    [InlineData("alice", "alice")]
    [InlineData("carol", "carol")]
    [InlineData("admin", "admin2")]
    public async Task A_Paperless_that_ignores_every_filter_changes_nothing(string person, string expected)
    {
        await using World world = await World.StartAsync(options => options.Paperless = paperless => paperless with { IgnoresFilters = true });
        for (int number = 0; number < 250; number++)
        {
            world.Paperless.Data.AddUser($"somebody-{number}");
        }

        if (person == "carol")
        {
            world.NewPerson("carol", "Carol Cook");
        }

        using Visitor visitor = await world.SignedInAsync(person);

        Assert.Equal(expected, await visitor.WhoAsync());
    }

    [Fact]
    public async Task Somebody_who_was_switched_off_does_not_come_back_under_another_name()
    {
        await using World world = await World.StartAsync();
        world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("switched off", page.Text, StringComparison.Ordinal);
        Assert.Null(world.Paperless.Data.FindUser("alice2"));
        Assert.Null(world.LinkOf("alice"));
    }

    [Fact]
    public async Task Without_signups_a_stranger_is_told_how_to_get_in()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS"] = "false");
        world.NewPerson("carol", "Carol Cook");
        using Visitor carol = world.NewVisitor();

        Page page = await carol.SignInAsync("carol");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("My Profile", page.Text, StringComparison.Ordinal);
        Assert.Contains("href=\"/accounts/login/?password=1", page.Text, StringComparison.Ordinal);
        Assert.Null(world.Paperless.Data.FindUser("carol"));
        using Visitor alice = await world.SignedInAsync("alice");
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task Two_first_sign_ins_of_one_person_at_once_make_one_user()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "never");
        world.NewPerson("carol", "Carol Cook");
        Fault hold = world.Paperless.Faults.Hold(request => request is { Method: "POST", RawPath: "/api/users/" });

        Task<Visitor> first = world.SignedInAsync("carol");
        await hold.Arrived;
        Task<Visitor> second = world.SignedInAsync("carol");
        hold.Release();
        using Visitor one = await first;
        using Visitor other = await second;

        Assert.Equal(("carol", "carol"), (await one.WhoAsync(), await other.WhoAsync()));
        Assert.Single(world.Asked, request => request is { Method: "POST", RawPath: "/api/users/" });
    }

    [Fact]
    public async Task Two_people_with_one_name_at_once_become_two_users()
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
    public async Task An_answer_that_got_lost_leaves_no_second_user_behind()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "never";
            options.Services = services => services.AddSingleton(PaperlessApiTimes.Default with { Answer = TimeSpan.FromMilliseconds(300) });
        });
        world.NewPerson("carol", "Carol Cook");
        using Visitor carol = world.NewVisitor();
        using (Fault slow = world.Paperless.Faults.Hold(request => request is { Method: "POST", RawPath: "/api/users/" }))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await carol.SignInAsync("carol")).Status);
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
    public async Task Somebody_elses_account_of_that_name_is_not_taken_for_one_left_behind(bool late)
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

        await carol.SignInAsync("carol");

        Assert.Equal("carol2", await carol.WhoAsync());
    }

    [Fact]
    public async Task A_lost_answer_to_a_numbered_name_makes_no_second_user_either()
    {
        await using World world = await World.StartAsync();
        (await world.SignedInAsync("alice")).Dispose();
        world.Provider.Change(world.Provider.Find("alice")! with { Username = "alice-who-left" });
        world.NewPerson("alice", "Alice Another");
        using Visitor another = world.NewVisitor();
        using (world.Paperless.Faults.Drop(request => request is { Method: "POST", RawPath: "/api/users/" }))
        {
            await another.SignInAsync("alice");
        }

        world.Paperless.Data.AddUser("alice2", user => user with { Email = "alice@example.com", FirstName = "Alice", LastName = "Another" });

        await another.SignInAsync("alice");

        Assert.Equal("alice2", await another.WhoAsync());
        Assert.Null(world.Paperless.Data.FindUser("alice3"));
    }

    [Fact]
    public async Task What_Paperless_said_it_did_not_make_is_not_looked_for()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "never");
        world.NewPerson("carol", "Carol Cook");
        using Visitor carol = world.NewVisitor();
        using (world.Paperless.Faults.Answer(request => request is { Method: "POST", RawPath: "/api/users/" }, 400, """{"username": ["A user with that username already exists."]}"""))
        {
            await carol.SignInAsync("carol");
        }

        world.Paperless.Data.AddUser("carol", user => user with { Email = "carol@example.com", FirstName = "Carol", LastName = "Cook" });

        await carol.SignInAsync("carol");

        Assert.Equal("carol2", await carol.WhoAsync());
    }

    [Fact]
    public async Task An_account_that_was_somebodys_once_is_never_found_by_its_name_again()
    {
        await using World world = await World.StartAsync();
        world.NewPerson("carol", "Mallory");
        (await world.SignedInAsync("carol")).Dispose();
        AccountLink taken = world.LinkOf("carol")!;

        // Mallory sets a password, disconnects, and waits for the real Carol.
        await world.Gateway.Services.GetRequiredService<StoredAccounts>().RemoveAsync(taken.Id, taken.UserId, World.Ct);
        world.Provider.Change(world.Provider.Find("carol")! with { Username = "mallory" });
        world.NewPerson("carol", "Carol Cook");
        using Visitor carol = await world.SignedInAsync("carol");

        Assert.Equal("carol2", await carol.WhoAsync());
    }

    [Fact]
    public async Task An_account_in_the_making_is_not_found_by_somebody_of_that_name()
    {
        await using World world = await World.StartAsync();
        (await world.SignedInAsync("bob")).Dispose();
        world.Provider.Change(world.Provider.Find("bob")! with { Username = "bob-who-left" });
        world.NewPerson("bob", "Bob Second");
        world.NewPerson("bob2", "Bob Third");
        Fault hold = world.Paperless.Faults.Hold(request => request is { Method: "POST", RawPath: "/api/users/" });
        Task<Visitor> second = world.SignedInAsync("bob");
        await hold.Arrived;
        Task<Visitor> third = world.SignedInAsync("bob2");
        hold.Release();
        using Visitor bob = await second;
        using Visitor bob2 = await third;

        Assert.Equal(("bob2", "bob22"), (await bob.WhoAsync(), await bob2.WhoAsync()));
        Assert.Equal(world.Links().Count, world.Links().Select(link => link.UserId).Distinct().Count());
    }

    [Fact]
    public async Task Two_hundred_people_who_sign_in_at_once_for_the_first_time_become_two_hundred_users_with_their_groups()
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

        await Parallel.ForEachAsync(Enumerable.Range(0, people), new ParallelOptions { MaxDegreeOfParallelism = people, CancellationToken = World.Ct }, async (number, _) =>
        {
            using Visitor visitor = await world.SignedInAsync($"person-{number}");
            Assert.Equal($"person-{number}", await visitor.WhoAsync());
        });

        Assert.Equal(before + people, world.Paperless.Data.Users.Count);
        Assert.All(Enumerable.Range(0, people), number => Assert.Equal(["everybody", $"team-{number % 7}"], world.Paperless.Data.GroupsOf($"person-{number}")));
        Assert.Equal(8, world.Paperless.Data.Groups.Count(group => group.Name == "everybody" || group.Name.StartsWith("team-", StringComparison.Ordinal)));
        Assert.Equal(people, world.Links().Count);
        // Two look-ups of the name and the making of the user for each; the groups once for all.
        Assert.InRange(world.Asked.Count, people * 3, (people * 3) + 12);
    }
}

/// <summary>What the tests of accounts ask of a world.</summary>
internal static class DevelopmentPeople
{
    /// <summary>Somebody whom only the provider knows so far.</summary>
    public static void NewPerson(this World world, string username, string name, params string[] groups) =>
        world.Provider.Options = world.Provider.Options with
        {
            People = [.. world.Provider.Options.People, Person.Named(username, name, groups) with { Subject = Guid.NewGuid().ToString("N") }],
        };

    public static IReadOnlyList<AccountLink> Links(this World world) => world.Gateway.Services.GetRequiredService<StoredAccounts>().AllAsync(World.Ct).GetAwaiter().GetResult();

    public static AccountLink? LinkOf(this World world, string username) =>
        world.Gateway.Services.GetRequiredService<StoredAccounts>().FindAsync(world.Provider.Issuer.AbsoluteUri, world.Provider.Find(username)!.Subject, World.Ct).GetAwaiter().GetResult();
}
