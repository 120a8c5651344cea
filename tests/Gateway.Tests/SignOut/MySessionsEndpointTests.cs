using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Gateway.Tests.PasswordSessions;
using Microsoft.Data.Sqlite;
using Serilog.Events;

namespace Gateway.Tests.SignOut;

/// <summary>`/gateway/sessions`: the list of a person's sessions.</summary>
public sealed partial class MySessionsEndpointTests
{
    private const string Path = "/gateway/sessions";
    private const string Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    private const string Phone
        = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

    private static readonly string[] Properties = ["id", "device", "user_agent", "address", "signed_in_at", "used_at", "expires_at", "current"];

    [Fact]
    public async Task A_script_gets_the_list_of_the_persons_sessions_with_the_current_one_marked_and_the_last_used_first()
    {
        await using World world = await World.StartAsync();
        using Visitor phone = await world.SignedInAsync("alice", userAgent: Phone);
        world.Clock.Advance(TimeSpan.FromMinutes(5));
        using Visitor desk = await world.SignedInAsync("alice", userAgent: Firefox);
        using Visitor bob = await world.SignedInAsync("bob");
        DateTimeOffset now = world.Clock.GetUtcNow();

        Page page = await desk.SendAsync(HttpMethod.Get, Path, null, ("Accept", "application/json"));

        Assert.Equal((HttpStatusCode.OK, "application/json; charset=utf-8"), (page.Status, page.Header("Content-Type")));
        Assert.Equal(("no-store", "nosniff"), (page.Header("Cache-Control"), page.Header("X-Content-Type-Options")));
        JsonElement[] sessions = Read(page);
        Assert.Equal(2, sessions.Length);
        Assert.All(sessions, one => Assert.Equal(Properties, one.EnumerateObject().Select(property => property.Name)));
        Assert.All(sessions, one => Assert.Matches("^[0-9a-f]{16}$", Id(one)));
        Assert.Equal(["Firefox on Linux", "Safari on iPhone"], sessions.Select(one => one.GetProperty("device").GetString()));
        Assert.Equal([Firefox, Phone], sessions.Select(one => one.GetProperty("user_agent").GetString()));
        Assert.Equal([true, false], sessions.Select(one => one.GetProperty("current").GetBoolean()));
        Assert.All(sessions, one => Assert.True(IPAddress.IsLoopback(IPAddress.Parse(one.GetProperty("address").GetString()!))));
        Assert.Equal(now, sessions[0].GetProperty("used_at").GetDateTimeOffset(), TimeSpan.FromSeconds(1));
        Assert.Equal(now.AddMinutes(-5), sessions[1].GetProperty("signed_in_at").GetDateTimeOffset(), TimeSpan.FromSeconds(1));
        Assert.Equal(now.AddMinutes(-5), sessions[1].GetProperty("used_at").GetDateTimeOffset(), TimeSpan.FromSeconds(1));
        Assert.Equal(now.AddDays(21), sessions[0].GetProperty("expires_at").GetDateTimeOffset(), TimeSpan.FromSeconds(1));
        Assert.DoesNotContain(desk.Cookie("paperless-gateway")!, page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_person_sees_the_list_of_sessions_as_a_page_with_a_button_on_each_other_session()
    {
        await using World world = await World.StartAsync();
        using Visitor phone = await world.SignedInAsync("alice", userAgent: Phone);
        using Visitor desk = await world.SignedInAsync("alice", userAgent: Firefox);
        JsonElement[] sessions = await ListAsync(desk);

        Page page = await desk.OpenAsync(Path);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        GatewayPages.IsOne(page, "Your sessions", $"'self' {world.Provider.Address.GetLeftPart(UriPartial.Authority)}");
        Assert.Equal(
            [Id(sessions.Single(one => !one.GetProperty("current").GetBoolean()))],
            IdField().Matches(page.Text).Select(field => field.Groups["id"].Value));
        Assert.All(
            ["Firefox on Linux", "Safari on iPhone", "This is your current session.", "action=\"/gateway/sessions/end-all\""],
            part => Assert.Contains(part, page.Text, StringComparison.Ordinal));
        Assert.Contains("href=\"/gateway/sessions\"", (await desk.OpenAsync("/gateway/session")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reading_the_list_of_sessions_sends_no_request_to_the_provider()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        int before = world.Provider.Received.Count;

        await alice.OpenAsync(Path);

        Assert.Equal(before, world.Provider.Received.Count);
    }

    [Fact]
    public async Task Ending_a_session_in_the_list_ends_that_session_with_its_WebSocket_and_no_other()
    {
        await using World world = await World.StartAsync();
        using Visitor phone = await world.SignedInAsync("alice", userAgent: Phone);
        using Visitor desk = await world.SignedInAsync("alice", userAgent: Firefox);
        using StatusSocket socket = await StatusSocket.OpenAsync(world, phone);

        Page page = await PostAsync(world, desk, Path + "/end", Id((await ListAsync(desk)).Single(one => !one.GetProperty("current").GetBoolean())));

        Assert.Equal((HttpStatusCode.SeeOther, Path, "no-store"), (page.Status, page.Header("Location"), page.Header("Cache-Control")));
        Assert.Equal(1008, await socket.ClosedWithAsync());
        Assert.Equal((null, "alice"), (await phone.WhoAsync(), await desk.WhoAsync()));
        Assert.Single(await ListAsync(desk));
        Assert.Equal("EndedByTheUser", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        await world.RestartGatewayAsync();
        Assert.Equal((null, "alice"), (await phone.WhoAsync(), await desk.WhoAsync()));
    }

    [Fact]
    public async Task The_list_of_sessions_neither_shows_nor_ends_another_persons_session()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        string ofBob = Id(Assert.Single(await ListAsync(bob)));

        Page page = await PostAsync(world, alice, Path + "/end", ofBob);

        Assert.Equal((HttpStatusCode.SeeOther, Path), (page.Status, page.Header("Location")));
        Assert.Equal(("alice", "bob"), (await alice.WhoAsync(), await bob.WhoAsync()));
        Assert.NotEqual(ofBob, Id(Assert.Single(await ListAsync(alice))));
        Assert.Empty(world.Log.Of("SessionEnded"));
    }

    [Theory]
    [InlineData("0123456789abcdef")]
    [InlineData("")]
    [InlineData(null)]
    public async Task Ending_an_unknown_session_leads_back_to_the_list(string? id)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await PostAsync(world, alice, Path + "/end", id);

        Assert.Equal((HttpStatusCode.SeeOther, Path), (page.Status, page.Header("Location")));
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task Ending_the_current_session_in_the_list_is_a_sign_out()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await PostAsync(world, alice, Path + "/end", Id(Assert.Single(await ListAsync(alice))));

        Assert.Equal((HttpStatusCode.SeeOther, world.Provider.Address.Authority), (page.Status, page.Location!.Authority));
        Assert.Contains("id_token_hint=", page.Location.Query, StringComparison.Ordinal);
        Assert.Null(alice.Cookie("paperless-gateway"));
    }

    [Fact]
    public async Task Sign_out_everywhere_ends_all_sessions_of_the_person_and_continues_at_the_provider()
    {
        await using World world = await World.StartAsync();
        using Visitor phone = await world.SignedInAsync("alice");
        using Visitor desk = await world.SignedInAsync("alice");
        using Visitor bob = await world.SignedInAsync("bob");
        using StatusSocket onPhone = await StatusSocket.OpenAsync(world, phone);
        using StatusSocket onDesk = await StatusSocket.OpenAsync(world, desk);

        Page page = await PostAsync(world, desk, Path + "/end-all", null);

        Assert.Equal((HttpStatusCode.SeeOther, world.Provider.Address.Authority), (page.Status, page.Location!.Authority));
        Assert.Contains("id_token_hint=", page.Location.Query, StringComparison.Ordinal);
        Assert.Equal((1008, 1008), (await onPhone.ClosedWithAsync(), await onDesk.ClosedWithAsync()));
        Assert.Null(desk.Cookie("paperless-gateway"));
        Assert.Equal((null, null, "bob"), (await phone.WhoAsync(), await desk.WhoAsync(), await bob.WhoAsync()));
        LogEvent ended = Assert.Single(world.Log.Of("SessionsEnded"));
        Assert.Equal(("2", "SignedOutEverywhere"), (CapturedLog.Value(ended, "Count"), CapturedLog.Value(ended, "Cause")));
        Assert.StartsWith(
            "/accounts/login/?loggedout=1",
            (await desk.NavigateAsync(page.Location.AbsoluteUri, "cross-site")).Address.PathAndQuery,
            StringComparison.Ordinal);

        world.Clock.Advance(TimeSpan.FromSeconds(1));
        using Visitor again = await world.SignedInAsync("alice");
        Assert.Single(await ListAsync(again));
    }

    [Theory]
    [InlineData("/end", "Sec-Fetch-Site", "cross-site")]
    [InlineData("/end", "Origin", "https://evil.example")]
    [InlineData("/end-all", "Sec-Fetch-Site", "cross-site")]
    [InlineData("/end-all", "Sec-Fetch-Site", "same-site")]
    [InlineData("/end-all", "Origin", "null")]
    public async Task A_cross_site_request_ends_no_session_of_the_list(string path, string header, string value)
    {
        await using World world = await World.StartAsync();
        using Visitor phone = await world.SignedInAsync("alice");
        using Visitor desk = await world.SignedInAsync("alice");
        using FormUrlEncodedContent form = new(new Dictionary<string, string> { ["id"] = Id((await ListAsync(desk))[1]) });

        Page page = await desk.SendAsync(HttpMethod.Post, Path + path, form, ("Accept", "text/html"), (header, value));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        GatewayPages.IsOne(page, "Not from another site");
        Assert.Equal(("alice", "alice"), (await phone.WhoAsync(), await desk.WhoAsync()));
    }

    [Fact]
    public async Task A_GET_request_ends_no_session_of_the_list()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page end = await alice.OpenAsync(Path + "/end?id=" + Id(Assert.Single(await ListAsync(alice))), "same-origin");
        Page all = await alice.OpenAsync(Path + "/end-all", "same-origin");

        Assert.All([end, all], page => Assert.True((int)page.Status is 404 or 405, page.Text));
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task The_list_of_sessions_without_a_session_answers_401_and_names_the_sign_in()
    {
        await using World world = await World.StartAsync(options => options.ScriptName = "/docs");
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/docs" + Path);
        Page json = await stranger.SendAsync(HttpMethod.Get, "/docs" + Path, null, ("Accept", "application/json"));
        Page post = await PostAsync(world, stranger, "/docs" + Path + "/end-all", null);

        Assert.All([page, json, post], one => Assert.Equal(HttpStatusCode.Unauthorized, one.Status));
        GatewayPages.IsOne(page, "Not signed in");
        Assert.Contains("href=\"/docs/accounts/login/?next=%2Fdocs%2Fgateway%2Fsessions\"", page.Text, StringComparison.Ordinal);
        Assert.Equal("application/problem+json", json.Header("Content-Type"));
    }

    [Fact]
    public async Task A_user_agent_is_escaped_in_the_list_of_sessions()
    {
        const string evil = "<script>alert(1)</script>\" onload=\"x";
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice", userAgent: evil);

        Page page = await alice.OpenAsync(Path);

        GatewayPages.IsOne(page, "Your sessions", $"'self' {world.Provider.Address.GetLeftPart(UriPartial.Authority)}");
        Assert.Contains("&lt;script&gt;alert(1)", page.Text, StringComparison.Ordinal);
        Assert.Equal(evil, Assert.Single(await ListAsync(alice)).GetProperty("user_agent").GetString());
    }

    [Fact]
    public async Task On_a_password_session_the_page_says_that_there_is_no_list_of_sessions()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "false");
        world.Paperless.Data.UpdateUser("alice", user => user with { Password = "alice" });
        using Visitor alice = await world.SignedInWithPasswordAsync("alice");

        Page page = await alice.OpenAsync(Path);

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        GatewayPages.IsOne(page, "No list of sessions");
        Assert.Equal(HttpStatusCode.OK, (await alice.SessionAsync()).Status);
    }

    [Fact]
    public async Task While_the_store_is_unavailable_the_list_of_sessions_shows_a_page_that_retries()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        await AskAsync(world, "ALTER TABLE sessions RENAME TO away;");

        Page page = await alice.OpenAsync(Path);
        Page end = await PostAsync(world, alice, Path + "/end", "0123456789abcdef");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable), (page.Status, end.Status));
        GatewayPages.IsOne(page, "No sessions at the moment");
        Assert.Equal(("5", "5; url=/gateway/sessions"), (page.Header("Retry-After"), page.Header("Refresh")));
        await AskAsync(world, "ALTER TABLE away RENAME TO sessions;");
        Assert.Single(await ListAsync(alice));
    }

    private static async Task AskAsync(World world, string sql)
    {
        await using SqliteConnection connection = new($"Data Source={System.IO.Path.Combine(world.DataDirectory, "gateway.db")};Pooling=False");
        await connection.OpenAsync(World.Ct);
        await using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(World.Ct);
    }

    private static Task<Page> PostAsync(World world, Visitor visitor, string path, string? id) => visitor.SendAsync(
        HttpMethod.Post,
        path,
        new FormUrlEncodedContent(id is null ? [] : new Dictionary<string, string> { ["id"] = id }),
        ("Accept", "text/html"),
        ("Origin", world.Origin),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "navigate"));

    private static async Task<JsonElement[]> ListAsync(Visitor visitor)
        => Read(await visitor.SendAsync(HttpMethod.Get, Path, null, ("Accept", "application/json")));

    private static JsonElement[] Read(Page page) => [.. JsonDocument.Parse(page.Text).RootElement.EnumerateArray()];

    private static string Id(JsonElement session) => session.GetProperty("id").GetString()!;

    [GeneratedRegex("<input [^>]*name=\"id\" value=\"(?<id>[^\"]*)\"")]
    private static partial Regex IdField();
}
