using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gateway.Accounts;
using Gateway.SignIn;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Accounts;

/// <summary>Without `PAPERLESS_SOCIAL_AUTO_SIGNUP` (the default) a new person chooses the username.</summary>
public sealed partial class UsernameChoiceTests : IAsyncLifetime
{
    private World _world = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIAL_AUTO_SIGNUP"] = null);
        _world.NewPerson("carol cook", "Carol Cook", "paperless-users");
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task The_username_page_proposes_a_name_and_the_chosen_name_completes_the_sign_in()
    {
        using Visitor carol = _world.NewVisitor();
        Page page = await carol.SignInAsync("carol cook", "/documents/2");
        Assert.Equal((HttpStatusCode.OK, "no-store"), (page.Status, page.Header("Cache-Control")));
        Assert.Contains("value=\"carol_cook\"", page.Text, StringComparison.Ordinal);
        Assert.Null(carol.Cookie(SignedIn.CookieName));
        Assert.Empty(_world.Forwarded);

        Page done = await ChooseAsync(carol, page, "carol");

        Assert.Equal((HttpStatusCode.SeeOther, "/documents/2"), (done.Status, done.Location!.PathAndQuery));
        Assert.Equal("carol", await carol.WhoAsync());
        Assert.Equal(HttpStatusCode.OK, (await carol.NavigateAsync("/documents/2")).Status);
        using Visitor again = await _world.SignedInAsync("carol cook");
        Assert.Equal("carol", await again.WhoAsync());
    }

    [Fact]
    public async Task The_page_holds_each_group_once_and_the_new_account_gets_them()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_SOCIAL_AUTO_SIGNUP"] = null;
            options.Provider = given => given with { IncludeClaimsInIdToken = false };
        });
        string[] groups = [.. Enumerable.Range(0, 400).Select(number => $"{new string('g', 60)}{number}")];
        world.NewPerson("carol", "Carol Cook", groups);
        world.Paperless.Data.AddGroup(groups[7]);
        using Visitor carol = world.NewVisitor();

        Page page = await carol.SignInAsync("carol");
        await ChooseAsync(carol, page, "carol");

        Assert.InRange(page.Text.Length, 400 * 60, 400 * 60 * 2);
        Assert.Equal([groups[7]], world.Paperless.Data.GroupsOf("carol"));
    }

    [Fact]
    public void A_form_that_an_earlier_version_wrote_keeps_its_groups()
    {
        Person person = JsonSerializer.Deserialize(
            """
            {"Provider": "authentik", "Issuer": "i", "Subject": "s", "Groups": ["family", "chefs"], "AssertedAt": "2026-01-01T00:00:00+00:00",
             "GroupEntries": [{"Names": ["family", "chefs"], "Whole": "family,chefs"}], "ProvidedGroups": ["family,chefs"]}
            """,
            PendingSignInJson.Default.Person)!;

        Assert.Equal(["family", "chefs"], person.Groups);
        Assert.Equal("family,chefs", Assert.Single(person.GroupLookups).Whole);
    }

    [Theory]
    [InlineData("alice", "is taken")]
    [InlineData("ALICE", "is taken")]
    [InlineData("admin", "is taken")]
    [InlineData("consumer", "keeps for itself")]
    [InlineData("carol cook", "characters other than")]
    [InlineData("", "is empty")]
    [InlineData("山田", "Latin-1")]
    [InlineData("<script>", "characters other than")]
    public async Task An_invalid_username_is_explained_on_the_same_page_and_the_sign_in_continues(string name, string says)
    {
        using Visitor carol = _world.NewVisitor();
        Page page = await carol.SignInAsync("carol cook", "/documents/2");

        Page again = await ChooseAsync(carol, page, name);

        Assert.Equal(HttpStatusCode.BadRequest, again.Status);
        Assert.Contains(says, again.Text, StringComparison.Ordinal);
        Assert.Contains($"value=\"{System.Text.Encodings.Web.HtmlEncoder.Default.Encode(name)}\"", again.Text, StringComparison.Ordinal);
        Assert.Null(carol.Cookie(SignedIn.CookieName));
        Assert.Equal("username_refused", CapturedLog.Value(Assert.Single(_world.Log.Of("Refused")), "Code"));
        Assert.DoesNotContain(_world.ApiRequests, request => request.Method == "POST");
        Page done = await ChooseAsync(carol, again, "carol");
        Assert.Equal("/documents/2", done.Location!.PathAndQuery);
    }

    [Fact]
    public async Task A_username_form_from_another_browser_is_refused()
    {
        using Visitor carol = _world.NewVisitor();
        using Visitor victim = _world.NewVisitor();
        using Visitor other = _world.NewVisitor();
        Page page = await carol.SignInAsync("carol cook");
        await other.SignInAsync("carol cook");

        foreach (Visitor visitor in (Visitor[])[victim, other])
        {
            Page refused = await ChooseAsync(visitor, page, "carol");

            Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
            Assert.Null(visitor.Cookie(SignedIn.CookieName));
        }

        Assert.Null(_world.Paperless.Data.FindUser("carol"));
    }

    [Fact]
    public async Task A_username_page_left_open_too_long_leads_to_a_new_sign_in()
    {
        using Visitor carol = _world.NewVisitor();
        Page page = await carol.SignInAsync("carol cook", "/documents/2");
        _world.Clock.Advance(TimeSpan.FromMinutes(16));

        Page late = await ChooseAsync(carol, page, "carol");

        Assert.Equal(HttpStatusCode.BadRequest, late.Status);
        Assert.Contains("href=\"/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2\"", late.Text, StringComparison.Ordinal);
        Assert.Null(_world.Paperless.Data.FindUser("carol"));
    }

    [Fact]
    public async Task Username_pages_in_two_tabs_both_work()
    {
        using Visitor carol = _world.NewVisitor();
        Page first = await carol.SignInAsync("carol cook", "/documents/1");
        await carol.SignInAsync("carol cook", "/documents/2");

        Page done = await ChooseAsync(carol, first, "carol");

        Assert.Equal("/documents/1", done.Location!.PathAndQuery);
    }

    [Fact]
    public async Task A_username_form_sent_a_second_time_signs_nobody_in()
    {
        using Visitor carol = _world.NewVisitor();
        Page page = await carol.SignInAsync("carol cook");
        await ChooseAsync(carol, page, "carol");
        await carol.NavigateAsync("/accounts/logout/", "same-origin");

        Page replayed = await ChooseAsync(carol, page, "carol");

        Assert.Equal(HttpStatusCode.BadRequest, replayed.Status);
        Assert.Null(await carol.WhoAsync());
    }

    [Theory]
    [InlineData("state", "AAAA")]
    [InlineData("state", "")]
    [InlineData("state", "not base64 at all")]
    [InlineData("other", "x")]
    public async Task A_forged_username_form_is_refused(string field, string value)
    {
        using Visitor carol = _world.NewVisitor();
        await carol.SignInAsync("carol cook");

        Page page = await PostAsync(carol, [new(field, value), new("username", "carol")]);

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Null(carol.Cookie(SignedIn.CookieName));
    }

    [Fact]
    public async Task A_cross_site_username_form_is_refused()
    {
        using Visitor carol = _world.NewVisitor();
        Page page = await carol.SignInAsync("carol cook");

        Page refused = await carol.SendAsync(
            HttpMethod.Post,
            "/gateway/username",
            Form(StateOf(page), "carol"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Origin", "https://evil.example"));

        Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
        Assert.Null(_world.Paperless.Data.FindUser("carol"));
    }

    [Fact]
    public async Task While_Paperless_is_unavailable_a_chosen_username_starts_no_session_and_can_be_sent_again()
    {
        using Visitor carol = _world.NewVisitor();
        Page page = await carol.SignInAsync("carol cook", "/documents/2");
        using (_world.Paperless.Faults.Answer(request => request.RawPath == "/api/users/", 500))
        {
            Page away = await ChooseAsync(carol, page, "carol");

            Assert.Equal(HttpStatusCode.ServiceUnavailable, away.Status);
            Assert.Equal("5; url=/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2", away.Header("Refresh"));
            Assert.Null(carol.Cookie(SignedIn.CookieName));
        }

        Assert.Equal("/documents/2", (await ChooseAsync(carol, page, "carol")).Location!.PathAndQuery);
    }

    [Fact]
    public async Task A_person_whose_name_matches_an_account_is_not_asked_for_a_username()
    {
        using Visitor alice = await _world.SignedInAsync("alice");

        Assert.Equal("alice", await alice.WhoAsync());
    }

    private static Task<Page> ChooseAsync(Visitor visitor, Page page, string name) => PostAsync(visitor, [new("state", StateOf(page)), new("username", name)]);

    private static Task<Page> PostAsync(Visitor visitor, KeyValuePair<string, string>[] fields) => visitor.SendAsync(
        HttpMethod.Post,
        "/gateway/username",
        new FormUrlEncodedContent(fields),
        ("Accept", "text/html"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"));

    private static FormUrlEncodedContent Form(string state, string name) => new([new("state", state), new("username", name)]);

    private static string StateOf(Page page)
        => State().Match(page.Text) is { Success: true } match ? match.Groups[1].Value : throw new InvalidOperationException(page.Text);

    [GeneratedRegex("name=\"state\" value=\"([^\"]+)\"")]
    private static partial Regex State();
}
