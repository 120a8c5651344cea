using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>Which Paperless user a person gets at the first sign-in.</summary>
public sealed class FirstSignInTests
{
    [Fact]
    public async Task A_new_person_gets_a_user_with_name_email_groups_and_the_permissions_for_the_first_page()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_ACCOUNT_DEFAULT_GROUPS"] = "viewers, nowhere");
        world.Paperless.Data.AddGroup("family", "view_document");
        world.NewPerson("carol", "Carol Cook", "family", "unknown-group");

        using Visitor carol = await world.SignedInAsync("carol");

        StandInUser user = world.Paperless.Data.FindUser("carol")!;
        Assert.Equal(
            ("carol@example.com", "Carol", "Cook", false, false, true),
            (user.Email, user.FirstName, user.LastName, user.IsStaff, user.IsSuperuser, user.IsActive));
        Assert.Equal(["family", "viewers"], world.Paperless.Data.GroupsOf("carol"));
        Assert.Equal(["add_uisettings", "change_uisettings", "view_uisettings"], user.Permissions.Order(StringComparer.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await carol.FetchAsync("/api/ui_settings/")).Status);
        Assert.Equal("carol", CapturedLog.Value(Assert.Single(world.Log.Of("AccountMade")), "User"));
        Assert.Equal(user.Id, world.LinkOf("carol")!.UserId);
    }

    [Fact]
    public async Task An_ordinary_account_of_the_same_name_is_linked_and_keeps_its_permissions()
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
    public async Task A_staff_or_superuser_account_is_never_linked_by_its_name(bool staff, bool superuser)
    {
        await using World world = await World.StartAsync();
        world.Paperless.Data.AddUser("carol", user => user with { IsStaff = staff, IsSuperuser = superuser });
        world.NewPerson("carol", "Carol Cook");

        using Visitor carol = await world.SignedInAsync("carol");

        Assert.Equal("carol2", await carol.WhoAsync());
        Assert.Equal(("", false, false), (world.Paperless.Data.FindUser("carol")!.Email, world.Paperless.Data.FindUser("carol2")!.IsStaff, world.Paperless.Data
            .FindUser("carol2")!.IsSuperuser));
    }

    [Fact]
    public async Task An_account_with_a_link_is_not_linked_to_another_person_of_the_same_name()
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
    public async Task Without_matching_by_name_a_taken_name_gets_the_first_free_number()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_MATCH_ACCOUNTS"] = "never");
        world.Paperless.Data.AddUser("Alice2");
        world.Paperless.Data.AddUser("alice3");

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal("alice4", await alice.WhoAsync());
    }

    [Fact]
    public async Task Names_match_case_sensitively_although_Paperless_search_ignores_case()
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
    public async Task A_Paperless_that_ignores_every_filter_does_not_change_which_account_is_linked(string person, string expected)
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
    public async Task A_deactivated_user_cannot_return_under_another_name()
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
    public async Task With_sign_ups_disabled_a_new_person_is_told_how_to_get_access()
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
    public async Task An_account_that_was_linked_once_is_never_matched_by_name_again()
    {
        await using World world = await World.StartAsync();
        world.NewPerson("carol", "Mallory");
        (await world.SignedInAsync("carol")).Dispose();
        AccountLink taken = world.LinkOf("carol")!;

        // Mallory sets a password, disconnects, and waits for the real Carol.
        await world.Gateway.Services.GetRequiredService<IAccountLinkStore>().RemoveAsync(taken.Id, taken.UserId, World.Ct);
        world.Provider.Change(world.Provider.Find("carol")! with { Username = "mallory" });
        world.NewPerson("carol", "Carol Cook");
        using Visitor carol = await world.SignedInAsync("carol");

        Assert.Equal("carol2", await carol.WhoAsync());
    }
}
