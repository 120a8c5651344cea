using System.Net;
using System.Text.Json;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

/// <summary>`Gateway accounts list --refused`: who was refused lately, and why.</summary>
[Needs(RealPart.Process)]
public sealed class RefusedSignInTests
{
    [Fact]
    public async Task Whoever_is_refused_is_listed_once_with_issuer_and_subject_to_link_them()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family";
            options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true";
        });
        world.NewPerson("carol", "Carol Cook", "strangers");
        world.NewPerson("admin2", "Owner", "family");
        world.Paperless.Data.AddUser("admin2", user => user with { IsSuperuser = true });
        Assert.Equal("Nobody was refused in the last week.", (await ListAsync(world)).Output);
        using Visitor carol = world.NewVisitor();
        using Visitor owner = world.NewVisitor();

        Assert.Equal(HttpStatusCode.Forbidden, (await carol.SignInAsync("carol")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await carol.SignInAsync("carol")).Status);
        world.Clock.Advance(TimeSpan.FromSeconds(1));
        await owner.SignInAsync("admin2");

        using JsonDocument rows = JsonDocument.Parse((await ListAsync(world, "--json")).Output);
        Assert.Equal(
            [("admin2", "account_exists"), ("carol", "group_not_allowed")],
            rows.RootElement.EnumerateArray().Select(row => (row.GetProperty("label").GetString()!, row.GetProperty("code").GetString()!)));
        JsonElement first = rows.RootElement[0];
        Assert.Equal(
            ("authentik", world.Provider.Issuer.AbsoluteUri, world.Provider.Find("admin2")!.Subject),
            (first.GetProperty("provider").GetString(), first.GetProperty("issuer").GetString(), first.GetProperty("subject").GetString()));
        Assert.Contains("it is a superuser", first.GetProperty("reason").GetString(), StringComparison.Ordinal);
        string table = (await ListAsync(world)).Output;
        Assert.Matches(@"\AREFUSED AT +PROVIDER +LABEL +ISSUER +SUBJECT +CODE +REASON\n", table);
        Assert.Equal(3, table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task A_refusal_for_want_of_an_account_is_listed_and_a_sign_in_is_not()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS"] = "false");
        world.NewPerson("carol", "Carol Cook");
        using Visitor carol = world.NewVisitor();
        (await world.SignedInAsync("alice")).Dispose();

        await carol.SignInAsync("carol");

        using JsonDocument rows = JsonDocument.Parse((await ListAsync(world, "--json")).Output);
        JsonElement row = Assert.Single(rows.RootElement.EnumerateArray());
        Assert.Equal(("carol", "no_account"), (row.GetProperty("label").GetString(), row.GetProperty("code").GetString()));
    }

    private static Task<(int ExitCode, string Output, string Errors)> ListAsync(World world, params string[] options)
        => ProgramProcess.RunAsync("Gateway", ["accounts", "list", "--refused", .. options], world.Settings());
}
