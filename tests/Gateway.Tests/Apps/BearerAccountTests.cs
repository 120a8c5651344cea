using System.Net;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Accounts;
using Gateway.Tests.Attacks;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Apps;

/// <summary>Which account of Paperless an access token of the provider acts as, and when the token acts as none.</summary>
public sealed class BearerAccountTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_program_with_an_access_token_acts_as_its_person_with_the_persons_own_API_token(bool remoteUserApi)
    {
        await using World world = await BearerWorld.StartAsync(options => options.Paperless = given => given with { RemoteUserApi = remoteUserApi });
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/documents/", token.Text);
        world.Paperless.ForgetReceived();

        Page page = await app.GetAsync("/api/documents/", token.Text);

        ReceivedRequest received = Assert.Single(world.Forwarded);
        Assert.Equal((HttpStatusCode.OK, "alice"), (page.Status, received.SignedInAs));
        Assert.DoesNotContain(received.Headers, header => header.Key is "Remote-User" or "Cookie");
        Assert.Equal("Token " + world.Paperless.Data.TokenOf("alice"), Assert.Single(received.Lines("Authorization")));
        Assert.DoesNotContain(token.Text, world.Log.Text, StringComparison.Ordinal);
        Assert.Single(world.Log.Of("BearerTokenAccepted"));
    }

    [Fact]
    public async Task Somebody_who_has_never_signed_in_gets_an_account_by_the_same_rules_as_at_a_sign_in()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();

        Page page = await app.GetAsync("/api/documents/", token.Of("bob"));

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal(world.Paperless.Data.FindUser("bob")!.Id, world.LinkOf("bob")!.UserId);
    }

    [Fact]
    public async Task Somebody_who_would_be_asked_is_told_to_sign_in_in_the_browser_once()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();

        Page page = await app.GetAsync("/api/documents/", token.Of("admin"));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Contains("sign_in_once", page.Text, StringComparison.Ordinal);
        Assert.Null(world.LinkOf("admin"));
    }

    [Fact]
    public async Task Groups_that_are_not_allowed_open_nothing()
    {
        await using World world = await BearerWorld.StartAsync(options => options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family");
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();

        Page member = await app.GetAsync("/api/documents/", token.Text);
        Page other = await app.GetAsync("/api/documents/", token.With("groups", "[\"paperless-users\"]"));
        Page unknown = await app.GetAsync("/api/documents/", token.With("groups", null));

        Assert.Equal(
            (HttpStatusCode.OK, HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (member.Status, other.Status, unknown.Status));
    }

    [Fact]
    public async Task Groups_follow_the_tokens_of_a_person_once_a_recheck_interval()
    {
        await using World world = await BearerWorld.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"] = "true");
        StandInGroup viewers = world.Paperless.Data.FindGroup("viewers")!;
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/documents/", token.Text);

        world.Clock.Advance(TimeSpan.FromSeconds(10));
        await app.GetAsync("/api/documents/", Renewed("[\"viewers\"]"));
        bool isSyncedAtOnce = world.Paperless.Data.FindUser("alice")!.Groups.Contains(viewers.Id);
        world.Clock.Advance(TimeSpan.FromHours(1));
        await app.GetAsync("/api/documents/", Renewed("[\"viewers\"]"));

        Assert.False(isSyncedAtOnce);
        Assert.Contains(viewers.Id, world.Paperless.Data.FindUser("alice")!.Groups);

        string Renewed(string groups) => token.With(("iat", $"{token.Now}"), ("exp", $"{token.Now + 300}"), ("groups", groups));
    }

    [Fact]
    public async Task A_program_without_a_person_needs_a_link_that_an_operator_made()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        string ofProgram = token.OfProgram("importer");
        string asClient = token.With(("sub", "\"cli\""));
        using Visitor app = world.NewVisitor();

        Page unlinked = await app.GetAsync("/api/documents/", ofProgram);
        Page client = await app.GetAsync("/api/documents/", asClient);

        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (unlinked.Status, client.Status));
        Assert.Contains("program_unlinked", unlinked.Text, StringComparison.Ordinal);
        Assert.Contains("accounts link", world.Log.Text, StringComparison.Ordinal);
        Assert.Single(world.Links());
    }

    [Fact]
    [Needs(RealPart.Process)]
    public async Task The_command_links_a_program_and_unlinking_it_counts_at_the_next_check()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        string ofProgram = new GoodToken(world, token.OfProgram("importer")).With("exp", $"{token.Now + 86_400}");
        string[] named = ["--issuer", world.Provider.Issuer.AbsoluteUri, "--subject", "importer"];
        using Visitor app = world.NewVisitor();

        await RunAsync(world, ["accounts", "link", .. named, "--user", "bob"]);
        Page linked = await app.GetAsync("/api/documents/", ofProgram);
        await RunAsync(world, ["accounts", "unlink", .. named]);
        world.Clock.Advance(TimeSpan.FromHours(1));
        Page unlinked = await app.GetAsync("/api/documents/", ofProgram);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden), (linked.Status, unlinked.Status));
        Assert.Equal("bob", world.Forwarded.Last(request => request.Path == "/api/documents/").SignedInAs);
    }

    [Fact]
    public async Task An_inactive_user_is_refused_from_the_next_request_on()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        Page before = await app.GetAsync("/api/documents/", token.Text);

        world.Paperless.Data.UpdateUser(world.Paperless.Data.FindUser("alice")!.Id, user => user with { IsActive = false });
        Page after = await app.GetAsync("/api/documents/", token.Text);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden), (before.Status, after.Status));
        Assert.Contains("account_inactive", after.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_that_is_gone_is_not_made_anew_by_an_access_token()
    {
        await using World world = await BearerWorld.StartAsync();
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        Page before = await app.GetAsync("/api/documents/", token.Text);

        world.Paperless.Data.RemoveUser(world.Paperless.Data.FindUser("alice")!.Id);
        Page after = await app.GetAsync("/api/documents/", token.Text);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden), (before.Status, after.Status));
        Assert.Null(world.Paperless.Data.FindUser("alice"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_new_API_token_of_the_user_interrupts_no_program(bool remoteUserApi)
    {
        await using World world = await BearerWorld.StartAsync(options => options.Paperless = given => given with { RemoteUserApi = remoteUserApi });
        GoodToken token = await world.AccessTokenAsync("alice");
        using Visitor app = world.NewVisitor();
        await app.GetAsync("/api/documents/", token.Text);

        world.Paperless.Data.UpdateUser(world.Paperless.Data.FindUser("alice")!.Id, user => user with { Token = "0123456789abcdef0123456789abcdef01234567" });

        Assert.Equal(HttpStatusCode.OK, (await app.GetAsync("/api/documents/", token.Text)).Status);
    }

    private static async Task RunAsync(World world, string[] arguments)
    {
        (int exitCode, string _, string errors) = await ProgramProcess.RunAsync("Gateway", arguments, world.Settings());
        Assert.True(exitCode == 0, errors);
    }
}
