using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Profile;

/// <summary>Disconnect removes a link of the gateway in My Profile of Paperless, except the last way to sign in.</summary>
public sealed class DisconnectTests : IAsyncLifetime
{
    private const string Path = "/api/profile/disconnect_social_account/";

    private TwoProviders _both = null!;

    private World World => _both.World;

    public async ValueTask InitializeAsync() => _both = await TwoProviders.StartAsync(TwoProviders.ApiOn(true));

    public ValueTask DisposeAsync() => _both.DisposeAsync();

    [Fact]
    public async Task A_disconnected_provider_account_no_longer_signs_in_as_that_user()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        await TwoProviders.ConnectAsync(alice);
        AccountLink link = _both.LinksOf("alice")[1];

        Page page = await DisconnectAsync(alice, -link.Id);

        Assert.Equal(
            (HttpStatusCode.OK, $"{-link.Id}", "application/json", "no-store"),
            (page.Status, page.Text, page.Header("Content-Type"), page.Header("Cache-Control")));
        Assert.Equal("authentik", Assert.Single(_both.LinksOf("alice")).Provider);
        Assert.DoesNotContain(World.Forwarded, request => request.RawPath == Path);
        Assert.Equal(("alice", "other"), (CapturedLog.Value(Assert.Single(World.Log.Of("AccountDisconnected")), "User"), CapturedLog.Value(
            World.Log.Of("AccountDisconnected")[0],
            "Provider")));
        Assert.Equal("alice", await alice.WhoAsync());
        using Visitor elsewhere = await _both.SignedInWithOtherAsync();
        Assert.Equal("bob", await elsewhere.WhoAsync());
    }

    [Theory]
    [InlineData("application/json", "{\"id\":-ID}")]
    [InlineData("application/json; charset=utf-8", " { \"id\" : \"-ID\" , \"more\" : [] } ")]
    [InlineData("application/x-www-form-urlencoded", "id=-ID")]
    [InlineData("application/x-www-form-urlencoded", "id=1&x=&id=%2DID")]
    public async Task A_disconnect_accepts_every_form_of_the_account_id_that_Paperless_API_accepts(string type, string body)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        AccountLink link = await _both.AddLinkAsync("alice");

        Page page = await alice.FetchAsync(HttpMethod.Post, Path, Body(body.Replace("ID", $"{link.Id}", StringComparison.Ordinal), type));

        Assert.Equal((HttpStatusCode.OK, $"{-link.Id}"), (page.Status, page.Text));
        Assert.Single(_both.LinksOf("alice"));
    }

    [Fact]
    public async Task A_disconnect_of_an_unknown_link_or_of_another_users_link_is_not_found()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        AccountLink bobs = await _both.AddLinkAsync("bob");

        foreach (string id in (string[])[$"{-bobs.Id}", "-999", "-9223372036854775808"])
        {
            Page page = await alice.FetchAsync(HttpMethod.Post, Path, PaperlessClient.Json($$"""{"id":{{id}}}"""));
            Assert.Equal((HttpStatusCode.BadRequest, "Social account not found"), (page.Status, page.Text));
        }

        Assert.Equal(2, _both.Links.Count);
        Assert.Equal(3, World.Log.Of("DisconnectNotFound").Count);
    }

    [Theory]
    [InlineData("application/json", "{\"id\": ID}", false)]
    [InlineData("application/json", "{\"id\": ID}", true)]
    [InlineData("application/x-www-form-urlencoded", "id=ID", false)]
    public async Task A_disconnect_of_an_account_stored_in_Paperless_is_forwarded_to_Paperless(string type, string body, bool chunked)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        SocialAccount own = World.Paperless.Data.AddSocialAccount("alice", "github", "al");
        string text = body.Replace("ID", $"{own.Id}", StringComparison.Ordinal);

        Page page = await alice.FetchAsync(HttpMethod.Post, Path, chunked ? PaperlessClient.Chunked(text, type) : Body(text, type));

        Assert.Equal((HttpStatusCode.OK, $"{own.Id}"), (page.Status, page.Text));
        Assert.Empty(World.Paperless.Data.FindUser("alice")!.SocialAccounts);
        ReceivedRequest received = World.Forwarded[^1];
        Assert.Equal(
            (text.Length, $"{text.Length}", null, type),
            ((int)received.BodyLength, received.Header("Content-Length"), received.Header("Transfer-Encoding"), received.Header("Content-Type")));
        Assert.Single(_both.LinksOf("alice"));
    }

    [Theory]
    [InlineData("application/json", "{")]
    [InlineData("application/json", "")]
    [InlineData("application/json", "[-1]")]
    [InlineData("application/json", "{\"id\":null}")]
    [InlineData("application/json", "{\"id\":-1.5}")]
    [InlineData("application/json", "{\"id\":-1,\"id\":-1}")]
    [InlineData("application/json", "{\"id\":\"\\ud800\"}")]
    [InlineData("application/json", "{\"id\":{\"id\":-1}}")]
    [InlineData("application/json", "{\"id\":0}")]
    [InlineData("text/plain", "{\"id\":-1}")]
    [InlineData("application/x-www-form-urlencoded", "id=-1&id=")]
    public async Task A_disconnect_whose_id_is_no_link_of_the_gateway_is_forwarded_to_Paperless(string type, string body)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        await _both.AddLinkAsync("alice");

        Page page = await alice.FetchAsync(HttpMethod.Post, Path, Body(body, type));

        Assert.True((int)page.Status >= 400);
        Assert.Equal((Path, body.Length), (World.Forwarded[^1].RawPath, (int)World.Forwarded[^1].BodyLength));
        Assert.Equal(2, _both.LinksOf("alice").Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_oversized_disconnect_body_is_not_read(bool chunked)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        string body = $$"""{"id":-1,"x":"{{new string('x', 9000)}}"}""";

        Page page = await alice.FetchAsync(HttpMethod.Post, Path, chunked ? PaperlessClient.Chunked(body, "application/json") : PaperlessClient.Json(body));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, page.Status);
        Assert.Single(_both.Links);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_only_link_of_a_user_without_a_password_cannot_be_disconnected(bool apiOn)
    {
        await using TwoProviders both = await TwoProviders.StartAsync(TwoProviders.ApiOn(apiOn));
        both.World.Paperless.Data.UpdateUser("alice", user => user with { Password = null });
        using Visitor alice = await both.World.SignedInAsync("alice");
        AccountLink link = both.LinksOf("alice")[0];

        Page page = await DisconnectAsync(alice, -link.Id);

        Assert.Equal((HttpStatusCode.Conflict, "application/problem+json"), (page.Status, page.Response.Content.Headers.ContentType?.MediaType));
        Assert.Contains("only way to sign in", page.Text, StringComparison.Ordinal);
        Assert.Single(both.LinksOf("alice"));
        Assert.Equal("last_way_in", CapturedLog.Value(Assert.Single(both.World.Log.Of("Refused")), "Code"));

        // A new password ends Paperless's own sessions; the next page begins another one.
        both.World.Paperless.Data.UpdateUser("alice", user => user with { Password = "secret" });
        await alice.OpenAsync("/");
        Assert.Equal(HttpStatusCode.OK, (await DisconnectAsync(alice, -link.Id)).Status);
        Assert.Empty(both.LinksOf("alice"));
    }

    /// <summary>Paperless says `has_usable_password` of every user whom its API made, although nobody can sign in with the empty password.</summary>
    [Fact]
    public async Task The_only_link_of_a_user_whom_the_gateway_made_stays()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(TwoProviders.ApiOn(true));
        both.World.NewPerson("carol", "Carol Cook");
        both.World.Provider.SignsInAs = "carol";
        using Visitor carol = await both.World.SignedInAsync("carol");
        AccountLink link = both.LinksOf("carol")[0];

        Page page = await DisconnectAsync(carol, -link.Id);

        Assert.Equal(HttpStatusCode.Conflict, page.Status);
        Assert.Single(both.LinksOf("carol"));
    }

    [Fact]
    public async Task With_regular_login_disabled_a_password_does_not_count_as_another_way_to_sign_in()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(options => options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true");
        using Visitor alice = await both.World.SignedInAsync("alice");
        AccountLink first = both.LinksOf("alice")[0];
        AccountLink second = await both.AddLinkAsync("alice");

        Assert.Equal(HttpStatusCode.OK, (await DisconnectAsync(alice, -first.Id)).Status);
        Page last = await DisconnectAsync(alice, -second.Id);

        Assert.Equal(HttpStatusCode.Conflict, last.Status);
        Assert.DoesNotContain("password", last.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Single(both.LinksOf("alice"));
    }

    [Fact]
    public async Task A_link_at_a_removed_provider_does_not_count_as_another_way_to_sign_in()
    {
        World.Paperless.Data.UpdateUser("alice", user => user with { Password = null });
        using Visitor alice = await World.SignedInAsync("alice");
        AccountLink old = await _both.AddLinkAsync("alice", issuer: "https://old.example/", provider: "old");

        Assert.Equal(HttpStatusCode.Conflict, (await DisconnectAsync(alice, -_both.LinksOf("alice")[0].Id)).Status);
        Assert.Equal(HttpStatusCode.OK, (await DisconnectAsync(alice, -old.Id)).Status);
    }

    [Fact]
    public async Task While_Paperless_does_not_say_whether_a_password_exists_the_only_link_cannot_be_disconnected()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        AccountLink link = _both.LinksOf("alice")[0];

        using (World.Paperless.Faults.Answer(request => request.RawPath == "/api/profile/", 500))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await DisconnectAsync(alice, -link.Id)).Status);
        }

        using (World.Paperless.Faults
            .Write(request => request.RawPath == "/api/profile/", response => response.WriteAsync("{\"has_usable_password\":\"true\"}", World.Ct)))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await DisconnectAsync(alice, -link.Id)).Status);
        }

        using (World.Paperless.Faults.Drop(request => request.RawPath == "/api/profile/"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await DisconnectAsync(alice, -link.Id)).Status);
        }

        Assert.Single(_both.Links);
        Assert.Equal(HttpStatusCode.OK, (await DisconnectAsync(alice, -link.Id)).Status);
    }

    [Fact]
    public async Task Of_two_concurrent_disconnects_one_is_refused_as_the_last_way_to_sign_in()
    {
        World.Paperless.Data.UpdateUser("alice", user => user with { Password = null });
        using Visitor alice = await World.SignedInAsync("alice");
        AccountLink first = _both.LinksOf("alice")[0];
        for (int round = 0; round < 10; round++)
        {
            AccountLink second = await _both.AddLinkAsync("alice", $"round {round}");

            Page[] pages = await Task.WhenAll(DisconnectAsync(alice, -first.Id), DisconnectAsync(alice, -second.Id));

            Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Conflict], pages.Select(page => page.Status).Order());
            first = Assert.Single(_both.LinksOf("alice"));
        }
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    public async Task A_cross_site_disconnect_is_refused(string header, string value)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        AccountLink link = await _both.AddLinkAsync("alice");

        Page page = await alice.FetchAsync(HttpMethod.Post, Path, PaperlessClient.Json($$"""{"id":{{-link.Id}}}"""), (header, value));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal(2, _both.LinksOf("alice").Count);
    }

    [Fact]
    public async Task A_request_without_a_session_or_with_a_credential_disconnects_nothing()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        AccountLink link = await _both.AddLinkAsync("alice");
        using Visitor stranger = World.NewVisitor();

        Page anonymous = await DisconnectAsync(stranger, -link.Id);
        Page token = await alice.FetchAsync(
            HttpMethod.Post,
            Path,
            PaperlessClient.Json($$"""{"id":{{-link.Id}}}"""),
            ("Authorization", $"Token {World.Paperless.Data.TokenOf("alice")}"));
        Page slashless = await alice.FetchAsync(HttpMethod.Post, Path.TrimEnd('/'), PaperlessClient.Json($$"""{"id":{{-link.Id}}}"""));
        Page get = await alice.FetchAsync(Path + $"?id={-link.Id}");

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.BadRequest), (anonymous.Status, token.Status));
        Assert.NotEqual(HttpStatusCode.OK, slashless.Status);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.Status);
        Assert.Equal(2, _both.LinksOf("alice").Count);
    }

    [Fact]
    public async Task A_disconnect_works_below_a_script_name()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(options => options.ScriptName = "/paperless");
        using Visitor alice = await both.World.SignedInAsync("alice", "/paperless/");
        await alice.NavigateAsync("/paperless/accounts/oidc/other/login/?process=connect", "same-origin");
        AccountLink link = both.LinksOf("alice")[1];

        Page page = await alice.FetchAsync(HttpMethod.Post, "/paperless" + Path, PaperlessClient.Json($$"""{"id":{{-link.Id}}}"""));
        Page last = await alice.FetchAsync(HttpMethod.Post, "/paperless" + Path, PaperlessClient.Json($$"""{"id":{{-both.LinksOf("alice")[0].Id}}}"""));

        // The only one left; with a password in Paperless it may go.
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (page.Status, last.Status));
        Assert.Empty(both.Links);
    }

    private static Task<Page> DisconnectAsync(Visitor visitor, long id)
        => visitor.FetchAsync(HttpMethod.Post, Path, PaperlessClient.Json($$"""{"id":{{id}}}"""));

    private static ByteArrayContent Body(string text, string type)
        => new(Encoding.UTF8.GetBytes(text)) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } };
}
