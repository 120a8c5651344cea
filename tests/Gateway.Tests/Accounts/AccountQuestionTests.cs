using System.Net;
using System.Text.RegularExpressions;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Gateway.Tests.PasswordSessions;

namespace Gateway.Tests.Accounts;

/// <summary>A new person whose user name an account has that is not found by its name.</summary>
public sealed partial class AccountQuestionTests
{
    private const string Return = "/gateway/account";

    [Theory]
    [InlineData("true", "")]
    [InlineData(null, "")]
    [InlineData("true", "/paperless")]
    public async Task The_owner_connects_the_one_superuser_with_its_password_at_the_first_sign_in(string? autoSignup, string script)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_SOCIAL_AUTO_SIGNUP"] = autoSignup;
            options.ScriptName = script;
        });
        using Visitor owner = world.NewVisitor();

        Page question = await owner.SignInAsync("admin", script + "/documents/2");

        Assert.Equal((HttpStatusCode.OK, "no-store"), (question.Status, question.Header("Cache-Control")));
        GatewayPages.IsOne(question, "Is this account yours?");
        Assert.Empty(world.Links());
        Assert.Null(world.Paperless.Data.FindUser("admin2"));
        Page connected = await AnswerWithPasswordAsync(world, owner, question, "admin");
        GatewayPages.IsOne(connected, "Connected");
        Assert.Equal(world.Paperless.Data.FindUser("admin")!.Id, Assert.Single(world.Links()).UserId);
        Assert.Contains("prompt=login", connected.Trail[1].Query, StringComparison.Ordinal);
        Page done = await TwoProviders.ContinueAsync(owner, connected);
        Assert.Equal((HttpStatusCode.OK, script + "/documents/2"), (done.Status, done.Address.PathAndQuery));
        Assert.Contains("\"username\":\"admin\"", (await owner.FetchAsync(script + "/gateway/session")).Text, StringComparison.Ordinal);
        Assert.Equal("a password", CapturedLog.Value(Assert.Single(world.Log.Of("AccountConnected")), "How"));
        Assert.Contains("it is a superuser", CapturedLog.Value(Assert.Single(world.Log.Of("AccountQuestionAsked")), "Reason"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whom_the_provider_names_after_the_password_is_connected_and_not_the_person_who_was_asked()
    {
        await using World world = await World.StartAsync();
        using Visitor owner = world.NewVisitor();
        Page question = await owner.SignInAsync("admin");

        // Another site had signed this browser in at the provider as somebody else.
        world.NewPerson("olga", "Olga Owner");
        world.Provider.SignsInAs = "olga";
        Page connected = await AnswerWithPasswordAsync(world, owner, question, "admin");

        GatewayPages.IsOne(connected, "Connected");
        Assert.Equal("olga", Assert.Single(world.Links()).Label);
    }

    [Fact]
    public async Task Whoever_says_no_gets_a_new_account_with_a_number()
    {
        await using World world = await World.StartAsync();
        using Visitor other = world.NewVisitor();
        Page question = await other.SignInAsync("admin", "/documents/2");

        Page done = await other.DeclineAsync(question);

        Assert.Equal((HttpStatusCode.OK, "/documents/2", "admin2"), (done.Status, done.Address.PathAndQuery, await other.WhoAsync()));
        Assert.Equal(HttpStatusCode.BadRequest, (await other.DeclineAsync(question)).Status);
    }

    [Fact]
    public async Task Without_auto_signup_whoever_says_no_chooses_the_name()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_AUTO_SIGNUP"] = null);
        using Visitor other = world.NewVisitor();

        Page choice = await other.DeclineAsync(await other.SignInAsync("admin"));

        GatewayPages.IsOne(choice, "Choose a user name");
        Assert.Contains("value=\"admin2\"", choice.Text, StringComparison.Ordinal);
        Assert.Null(world.Paperless.Data.FindUser("admin2"));
    }

    [Fact]
    public async Task With_auto_signup_the_form_of_the_question_chooses_no_name()
    {
        await using World world = await World.StartAsync();
        using Visitor other = world.NewVisitor();
        Page question = await other.SignInAsync("admin");

        await other.SendAsync(
            HttpMethod.Post,
            "/gateway/username",
            new FormUrlEncodedContent([new("state", State().Match(question.Text).Groups["state"].Value), new("username", "boss")]),
            ("Accept", "text/html"),
            ("Sec-Fetch-Site", "same-origin"));

        Assert.Equal("admin2", await other.WhoAsync());
    }

    [Theory]
    [InlineData("staff", "it is staff")]
    [InlineData("never", "GATEWAY_MATCH_ACCOUNTS is not username")]
    [InlineData("linked", "somebody has or had it")]
    [InlineData("case", "the letter case differs")]
    public async Task The_question_names_the_account_as_the_provider_does_and_only_the_log_says_more(string rule, string reason)
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_MATCH_ACCOUNTS"] = rule == "never" ? "never" : "username");
        world.Paperless.Data.AddUser(rule == "case" ? "CAROL" : "carol", user => user with { IsStaff = rule == "staff", Email = "secret@example.com" });
        world.NewPerson("carol", "Carol Cook");
        if (rule == "linked")
        {
            (await world.SignedInAsync("carol")).Dispose();
            world.Provider.Change(world.Provider.Find("carol")! with { Username = "carol-who-left" });
            world.NewPerson("carol", "Carol Another");
        }

        int links = world.Links().Count;
        using Visitor carol = world.NewVisitor();
        Page question = await carol.SignInAsync("carol");

        GatewayPages.IsOne(question, "Is this account yours?");
        Assert.Contains("There is a Paperless account carol already", question.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("CAROL", question.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret@example.com", question.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(reason, question.Text, StringComparison.Ordinal);
        Assert.Contains(reason, CapturedLog.Value(Assert.Single(world.Log.Of("AccountQuestionAsked")), "Reason"), StringComparison.Ordinal);
        Assert.Equal(links, world.Links().Count);
        Assert.Null(world.Paperless.Data.FindUser("carol2"));
    }

    [Fact]
    public async Task Without_passwords_the_page_has_the_whole_command_for_the_operator_in_quotes()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true");
        world.Provider.Options = world.Provider.Options with
        {
            People = [.. world.Provider.Options.People.Select(one => one.Username == "admin" ? one with { Subject = "a'; touch /tmp/x #" } : one)],
        };
        using Visitor owner = world.NewVisitor();

        Page question = await owner.SignInAsync("admin");

        Assert.Contains(
            $"docker compose exec gateway dotnet Gateway.dll accounts link --provider authentik --issuer {world.Provider.Issuer.AbsoluteUri} "
                + @"--subject 'a'\''; touch /tmp/x #' --user admin",
            WebUtility.HtmlDecode(question.Text),
            StringComparison.Ordinal);
        Assert.DoesNotContain("?password", question.Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await owner.OpenAsync(Return, "same-origin")).Status);
        Assert.Equal("admin2", await WhoAfterAsync(owner, question));
    }

    [Fact]
    public async Task A_program_is_refused_and_no_account_is_made()
    {
        await using World world = await World.StartAsync();
        world.Provider.SignsInAs = "admin";
        using Visitor program = world.NewVisitor();
        RoundTrip trip = await RoundTrip.BeginAsync(program);

        Page page = await program.SendAsync(HttpMethod.Get, await trip.AnswerAsync(), null, ("Accept", "application/json"));

        Assert.Equal((HttpStatusCode.Forbidden, "application/problem+json"), (page.Status, page.Header("Content-Type")));
        Assert.Contains("\"account_exists\"", page.Text, StringComparison.Ordinal);
        Assert.Null(world.Paperless.Data.FindUser("admin2"));
    }

    [Fact]
    public async Task The_password_of_another_account_connects_nothing_and_ends_the_question()
    {
        await using World world = await World.StartAsync();
        using Visitor owner = world.NewVisitor();
        Page question = await owner.SignInAsync("admin");

        Page refused = await AnswerWithPasswordAsync(world, owner, question, "alice");

        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Equal("account_question_another", CapturedLog.Value(world.Log.Of("Refused")[^1], "Code"));
        Assert.Equal(HttpStatusCode.BadRequest, (await owner.OpenAsync(Return, "same-origin")).Status);
        Assert.Empty(world.Links());
    }

    [Fact]
    public async Task Without_the_password_nothing_is_connected_and_the_question_stays_open()
    {
        await using World world = await World.StartAsync();
        using Visitor owner = world.NewVisitor();
        Page question = await owner.SignInAsync("admin");

        Page refused = await owner.OpenAsync(Return, "same-origin");

        Assert.Equal(HttpStatusCode.Unauthorized, refused.Status);
        Assert.Empty(world.Links());
        GatewayPages.IsOne(await AnswerWithPasswordAsync(world, owner, question, "admin"), "Connected");
    }

    [Fact]
    public async Task Another_browser_another_site_or_a_late_return_connects_nothing()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();
        await stranger.SignInAsync("admin");
        using Visitor admin = await world.SignedInWithPasswordAsync("admin");

        // Another browser, in which the administrator is signed in, was asked nothing.
        Page elsewhere = await admin.OpenAsync(Return, "same-origin");
        await admin.SignInAsync("admin");
        Page crossSite = await admin.OpenAsync(Return, "cross-site");
        Page typed = await admin.OpenAsync(Return);
        world.Clock.Advance(TimeSpan.FromMinutes(16));
        Page late = await admin.OpenAsync(Return, "same-origin");

        Assert.Equal(
            [HttpStatusCode.BadRequest, HttpStatusCode.Forbidden, HttpStatusCode.Forbidden, HttpStatusCode.BadRequest],
            new[] { elsewhere, crossSite, typed, late }.Select(page => page.Status));
        Assert.Empty(world.Links());
    }

    [Fact]
    public async Task An_answer_counts_once_even_if_the_cookie_is_sent_again()
    {
        await using World world = await World.StartAsync();
        using Visitor owner = world.NewVisitor();
        Page question = await owner.SignInAsync("admin");
        string kept = owner.Cookie("paperless-gateway-account")!;
        Page done = await AnswerWithPasswordAsync(world, owner, question, "admin");
        Assert.NotNull(await world.Gateway.Services.GetRequiredService<IAccountLinkStore>().RemoveAsync(world.KeyOf("admin"), World.Ct));
        owner.Cookies.Add(new Cookie("paperless-gateway-account", kept, "/", "localhost"));

        Page again = await owner.OpenAsync(Return, "same-origin");

        GatewayPages.IsOne(done, "Connected");
        Assert.Equal(HttpStatusCode.BadRequest, again.Status);
        Assert.Empty(world.Links());
    }

    [Fact]
    public async Task A_session_by_single_sign_on_is_no_proof_of_the_account()
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = await world.SignedInAsync("alice");
        world.Provider.SignsInAs = "admin";
        await (await RoundTrip.BeginAsync(visitor, more: "&prompt=login")).CompleteAsync();

        Page refused = await visitor.OpenAsync(Return, "same-origin");

        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        Assert.Equal("alice", Assert.Single(world.Links()).Label);
    }

    [Fact]
    public async Task While_Paperless_does_not_say_who_signed_in_nothing_is_connected_and_the_question_stays_open()
    {
        await using World world = await World.StartAsync();
        using Visitor owner = world.NewVisitor();
        Page question = await owner.SignInAsync("admin");
        using (world.Paperless.Faults.Answer(request => request.RawPath == "/api/ui_settings/", 500))
        {
            Page away = await AnswerWithPasswordAsync(world, owner, question, "admin");

            Assert.Equal((HttpStatusCode.ServiceUnavailable, $"5; url={Return}"), (away.Status, away.Header("Refresh")));
            Assert.Empty(world.Links());
        }

        world.Provider.SignsInAs = "admin";
        GatewayPages.IsOne(await owner.NavigateAsync(Return, "same-origin"), "Connected");
    }

    [Fact]
    public async Task A_user_who_may_not_read_the_own_name_connects_nothing()
    {
        await using World world = await World.StartAsync();
        world.Paperless.Data.AddUser("carol", user => user with { Password = "carol", IsStaff = true });
        world.NewPerson("carol", "Carol Cook");
        using Visitor carol = world.NewVisitor();
        Page question = await carol.SignInAsync("carol");

        Page refused = await AnswerWithPasswordAsync(world, carol, question, "carol");

        Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
        GatewayPages.IsOne(refused, "A permission is missing");
        Assert.Empty(world.Links());
    }

    private static async Task<string?> WhoAfterAsync(Visitor visitor, Page question)
    {
        await visitor.DeclineAsync(question);
        return await visitor.WhoAsync();
    }

    /// <summary>"Yes", and then Paperless's login page.</summary>
    private static async Task<Page> AnswerWithPasswordAsync(World world, Visitor visitor, Page question, string person)
    {
        string address = WebUtility.HtmlDecode(Yes().Match(question.Text).Groups["href"].Value);
        Page answer = await visitor.FillInPasswordAsync(world, address, person);
        Assert.Equal((HttpStatusCode.Redirect, world.Options.ScriptName + Return), (answer.Status, answer.Location!.PathAndQuery));
        world.Provider.SignsInAs ??= person;
        return await visitor.NavigateAsync(answer.Location.AbsoluteUri, "same-origin");
    }

    [GeneratedRegex("href=\"(?<href>[^\"]+)\">Yes: ")]
    private static partial Regex Yes();

    [GeneratedRegex("name=\"state\" value=\"(?<state>[^\"]+)\"")]
    private static partial Regex State();
}
