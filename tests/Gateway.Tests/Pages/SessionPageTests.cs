using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Pages;

public sealed class SessionPageTests
{
    [Fact]
    public async Task The_session_endpoint_tells_a_script_who_is_signed_in_and_nothing_more()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        DateTimeOffset now = world.Clock.GetUtcNow();

        Page page = await alice.SendAsync(HttpMethod.Get, "/gateway/session", null, ("Accept", "application/json"));

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal("application/json; charset=utf-8", page.Header("Content-Type"));
        Assert.Equal("no-store", page.Header("Cache-Control"));
        JsonElement session = JsonDocument.Parse(page.Text).RootElement;
        Assert.Equal(
            ["username", "provider", "issuer", "subject", "groups", "groups_source", "superuser", "signed_in_at", "expires_at", "checked_at"],
            session.EnumerateObject().Select(property => property.Name));
        Assert.Equal("alice", session.GetProperty("username").GetString());
        Assert.Equal("authentik", session.GetProperty("provider").GetString());
        Assert.Equal(world.Provider.Issuer.AbsoluteUri, session.GetProperty("issuer").GetString());
        Assert.Equal(world.Provider.Find("alice")!.Subject, session.GetProperty("subject").GetString());
        Assert.Equal(["paperless-users", "family"], session.GetProperty("groups").EnumerateArray().Select(group => group.GetString()));
        Assert.Equal("groups", session.GetProperty("groups_source").GetString());
        Assert.Equal(now, session.GetProperty("signed_in_at").GetDateTimeOffset(), TimeSpan.FromSeconds(1));
        Assert.Equal(now, session.GetProperty("checked_at").GetDateTimeOffset(), TimeSpan.FromSeconds(1));
        Assert.Equal(now.AddDays(21), session.GetProperty("expires_at").GetDateTimeOffset(), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task The_session_endpoint_shows_a_person_a_page()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.OpenAsync("/gateway/session");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        GatewayPages.IsOne(page, "Your session");
        Assert.All(
            ["<dd>alice</dd>", "<dd>Alice Archer</dd>", "paperless-users, family", world.Provider.Find("alice")!.Subject, "href=\"/accounts/logout/\""],
            part => Assert.Contains(part, page.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8")]
    [InlineData("application/json", "application/json; charset=utf-8")]
    [InlineData("*/*", "application/json; charset=utf-8")]
    [InlineData("", "application/json; charset=utf-8")]
    [InlineData("no media type,,;", "application/json; charset=utf-8")]
    public async Task The_Accept_header_decides_whether_the_session_endpoint_sends_a_page_or_JSON(string accept, string contentType)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.SendAsync(HttpMethod.Get, "/gateway/session", null, ("Accept", accept));
        Page head = await alice.SendAsync(HttpMethod.Head, "/gateway/session", null, ("Accept", accept));

        Assert.Equal((HttpStatusCode.OK, contentType), (page.Status, page.Header("Content-Type")));
        Assert.Equal((HttpStatusCode.OK, contentType, ""), (head.Status, head.Header("Content-Type"), head.Text));
        Assert.Contains("Accept", page.Header("Vary"), StringComparison.Ordinal);
        Assert.Contains("Cookie", page.Header("Vary"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_session_endpoint_distinguishes_unknown_groups_from_no_groups()
    {
        await using World world = await World.StartAsync();
        world.Provider.TamperIdToken = Without;
        world.Provider.TamperUserInfo = Without;
        using Visitor alice = await world.SignedInAsync("alice");
        world.Provider.TamperIdToken = null;
        world.Provider.TamperUserInfo = null;
        world.Provider.Change(world.Provider.Find("bob")! with { Groups = [] });
        using Visitor bob = await world.SignedInAsync("bob");

        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), await GroupsAsync(alice));
        Assert.Equal((JsonValueKind.Array, JsonValueKind.String), await GroupsAsync(bob));
        Assert.Contains("The provider sent no groups.", (await alice.OpenAsync("/gateway/session")).Text, StringComparison.Ordinal);
        Assert.Contains("None", (await bob.OpenAsync("/gateway/session")).Text, StringComparison.Ordinal);

        static JsonObject Without(JsonObject claims)
        {
            claims.Remove("groups");
            return claims;
        }
    }

    [Fact]
    public async Task Claims_of_a_person_are_escaped_on_the_session_page()
    {
        const string evil = "<script>alert(1)</script>\" onload=\"x";
        await using World world = await World.StartAsync();
        Person alice = world.Provider.Find("alice")!;
        world.Provider.Change(alice with { Name = evil, Groups = [evil, "</dd><img src=x onerror=alert(1)>"] });
        using Visitor visitor = await world.SignedInAsync("alice");

        Page page = await visitor.OpenAsync("/gateway/session");

        GatewayPages.IsOne(page, "Your session");
        Assert.Contains(WebUtility.HtmlEncode(evil).Replace("&#39;", "'", StringComparison.Ordinal), page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("<img", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_session_endpoint_without_a_session_answers_401_and_names_the_sign_in()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/docs/gateway/session");
        Page json = await stranger.SendAsync(HttpMethod.Get, "/docs/gateway/session", null, ("Accept", "application/json"));

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (page.Status, json.Status));
        GatewayPages.IsOne(page, "Not signed in");
        Assert.Contains("href=\"/docs/accounts/login/?next=%2Fdocs%2Fgateway%2Fsession\"", page.Text, StringComparison.Ordinal);
        Assert.Equal("application/problem+json", json.Header("Content-Type"));
        Assert.Null(json.Header("WWW-Authenticate"));
    }

    private static async Task<(JsonValueKind Groups, JsonValueKind Source)> GroupsAsync(Visitor visitor)
    {
        Page page = await visitor.SendAsync(HttpMethod.Get, "/gateway/session");
        JsonElement session = JsonDocument.Parse(page.Text).RootElement;
        return (session.GetProperty("groups").ValueKind, session.GetProperty("groups_source").ValueKind);
    }
}
