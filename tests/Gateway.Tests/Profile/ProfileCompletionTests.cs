using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Gateway.StandIns.Paperless;
using Gateway.Storage;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Profile;

/// <summary>My Profile shows the providers and links of the gateway beside those of Paperless.</summary>
public sealed class ProfileCompletionTests : IAsyncLifetime
{
    private const string Profile = "/api/profile/";
    private const string Providers = "/api/profile/social_account_providers/";

    private TwoProviders _both = null!;

    private World World => _both.World;

    public async ValueTask InitializeAsync() => _both = await StartAsync(apiOn: true);

    public ValueTask DisposeAsync() => _both.DisposeAsync();

    [Theory]
    [InlineData(true, "")]
    [InlineData(false, "")]
    [InlineData(true, "/paperless")]
    public async Task The_profile_and_the_provider_list_show_the_gateways_entries_beside_Paperless_own(bool apiOn, string scriptName)
    {
        await using TwoProviders both = await StartAsync(apiOn, scriptName);
        both.World.Paperless.Data.AddSocialAccount("alice", "github", "al");
        using Visitor alice = await both.World.SignedInAsync("alice", scriptName + "/");
        await both.AddLinkAsync("bob", "bobs");
        await both.AddLinkAsync("alice", "second", provider: "other");

        Page profile = await alice.FetchAsync(scriptName + Profile);
        Page providers = await alice.FetchAsync(scriptName + Providers);

        IReadOnlyList<AccountLink> links = both.LinksOf("alice");
        JsonNode accounts = JsonNode.Parse(profile.Text)!["social_accounts"]!;
        Assert.Equal(
            """[{"id":1,"provider":"github","name":"al"},"""
            + $$"""{"id":{{-links[0].Id}},"provider":"authentik","name":"alice"},"""
            + $$"""{"id":{{-links[1].Id}},"provider":"other","name":"second's name"}]""",
            accounts.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));
        Assert.Equal("alice@example.com", (string?)JsonNode.Parse(profile.Text)!["email"]);
        Assert.Equal(
            [
                ("authentik", $"{scriptName}/accounts/oidc/authentik/login/?process=connect"),
                ("Git hub", $"{scriptName}/accounts/oidc/git/login/?process=connect"),
                ("other", $"{scriptName}/accounts/oidc/other/login/?process=connect"),
            ],
            JsonNode.Parse(providers.Text)!.AsArray().Select(provider => ((string?)provider!["name"], (string?)provider["login_url"])));
        Assert.All([profile, providers], page => Assert.Equal(Encoding.UTF8.GetByteCount(page.Text), page.Response.Content.Headers.ContentLength));
        Assert.All(
            [profile, providers],
            page => Assert.Equal((HttpStatusCode.OK, "application/json"), (page.Status, page.Response.Content.Headers.ContentType?.MediaType)));
    }

    [Fact]
    public async Task The_answer_to_a_change_of_the_profile_is_completed_too()
    {
        using Visitor alice = await World.SignedInAsync("alice");

        Page page = await alice.FetchAsync(HttpMethod.Patch, Profile, PaperlessClient.Json("""{"first_name":"Älice"}"""));

        Assert.Equal("Älice", World.Paperless.Data.FindUser("alice")!.FirstName);
        Assert.Equal(("Älice", 1), ((string?)JsonNode.Parse(page.Text)!["first_name"], JsonNode.Parse(page.Text)!["social_accounts"]!.AsArray().Count));
    }

    [Fact]
    public async Task The_profile_is_requested_uncompressed_and_keeps_Paperless_cookies_and_headers()
    {
        World.Paperless.Data.UpdateUser("alice", user => user with { LastName = new string('x', 500) });
        using Visitor alice = await World.SignedInAsync("alice");

        Page page = await alice.FetchAsync(
            HttpMethod.Get,
            Profile,
            null,
            ("Accept-Encoding", "gzip, br, zstd"),
            ("If-None-Match", "\"1\""),
            ("Range", "bytes=0-10"));

        Assert.Single(JsonNode.Parse(page.Text)!["social_accounts"]!.AsArray());
        Assert.Null(page.Header("Content-Encoding"));
        ReceivedRequest asked = World.Forwarded[^1];
        Assert.Equal((null, null, null, "alice"), (asked.Header("Accept-Encoding"), asked.Header("If-None-Match"), asked.Header("Range"), asked.SignedInAs));
        Assert.Equal("10", page.Header("X-Api-Version"));
    }

    [Fact]
    public async Task The_profile_for_a_request_with_a_credential_is_forwarded_unchanged()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        string token = World.Paperless.Data.TokenOf("bob");

        foreach (string path in (string[])[Profile, Providers])
        {
            Page page = await alice.FetchAsync(HttpMethod.Get, path, null, ("Authorization", $"Token {token}"));
            Assert.DoesNotContain("\"id\":-", page.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("oidc/other", page.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_profile_is_refused_without_a_session()
    {
        using Visitor stranger = World.NewVisitor();
        World.Paperless.ForgetReceived();

        Assert.Equal(
            (HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized),
            ((await stranger.FetchAsync(Profile)).Status, (await stranger.FetchAsync(Providers)).Status));
        Assert.Empty(World.Forwarded);
    }

    [Theory]
    [InlineData("/api/profile")]
    [InlineData("/api/profile/social_account_providers")]
    [InlineData("/api/Profile/")]
    [InlineData("/api/profile/x/")]
    public async Task Only_the_profile_paths_of_Paperless_are_completed(string path)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault fault = Answering("application/json", """{"social_accounts":[]}""");

        Page page = await alice.FetchAsync(path);

        Assert.Equal("""{"social_accounts":[]}""", page.Text);
    }

    [Fact]
    public async Task An_HTML_view_of_the_profile_API_and_a_HEAD_request_are_forwarded_unchanged()
    {
        using Visitor alice = await World.SignedInAsync("alice");

        Page html = await alice.OpenAsync(Profile, "none", ("Accept", "text/html"));
        Page head = await alice.FetchAsync(HttpMethod.Head, Profile);

        Assert.StartsWith("<!DOCTYPE html>", html.Text, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, ""), (head.Status, head.Text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("{\"social_accounts\":[]")]
    [InlineData("{\"social_accounts\":[]}}")]
    [InlineData("{\"email\":\"a\"}")]
    [InlineData("{\"social_accounts\":null}")]
    [InlineData("{\"social_accounts\":{}}")]
    [InlineData("{\"social_accounts\":[],\"social_accounts\":[]}")]
    [InlineData("{\"social_accounts\":[],\"email\":\"\\ud800\"}")]
    [InlineData("{\"social_accounts\":[]} <b>")]
    [InlineData("\ufeff{\"social_accounts\":[]}")]
    public async Task An_answer_that_is_not_a_profile_is_forwarded_unchanged(string json)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault fault = Answering("application/json", json, ("ETag", "\"1\""));

        Page page = await alice.FetchAsync(Profile);

        Assert.Equal(
            (HttpStatusCode.OK, json, "\"1\""),
            (page.Status, Encoding.UTF8.GetString(await page.Response.Content.ReadAsByteArrayAsync(World.Ct)), page.Header("ETag")));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"detail\":\"x\"}")]
    [InlineData("[")]
    public async Task An_answer_that_is_not_a_provider_list_is_forwarded_unchanged(string json)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault fault = Answering("application/json", json);

        Assert.Equal(json, (await alice.FetchAsync(Providers)).Text);
    }

    [Fact]
    public async Task Unexpected_entries_of_the_provider_list_are_kept_and_duplicate_addresses_are_merged()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault fault = Answering(
            "application/json",
            """
            [7, null, {"name": "x"}, {"login_url": 8},
             {"name": "A", "login_url": "https://docs.example.com/accounts/oidc/other/login/?process=connect"},
             {"name": "B", "login_url": "/accounts/oidc/other/login/"},
             {"name": "C", "login_url": "/accounts/github/login/?process=connect"}]
            """);

        Page page = await alice.FetchAsync(Providers);

        Assert.Equal(
            """[7,null,{"name":"x"},{"login_url":8},"""
            + """{"name":"other","login_url":"/accounts/oidc/other/login/?process=connect"},"""
            + """{"name":"C","login_url":"/accounts/github/login/?process=connect"},"""
            + """{"name":"authentik","login_url":"/accounts/oidc/authentik/login/?process=connect"}]""",
            JsonNode.Parse(page.Text)!.ToJsonString());
    }

    [Fact]
    public async Task A_completed_profile_drops_the_ETag_of_Paperless_answer()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault fault = Answering(
            "application/json; charset=utf-8",
            """{"social_accounts":[],"n":1.50}""",
            ("ETag", "\"1\""),
            ("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="),
            ("X-Other", "kept"));

        Page page = await alice.FetchAsync(Profile);

        Assert.Equal(
            (null, null, "kept", "application/json; charset=utf-8"),
            (page.Header("ETag"), page.Header("Content-MD5"), page.Header("X-Other"), page.Header("Content-Type")));
        Assert.Contains("\"n\":1.50", page.Text, StringComparison.Ordinal);
        Assert.Single(JsonNode.Parse(page.Text)!["social_accounts"]!.AsArray());
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(500)]
    [InlineData(206)]
    public async Task A_profile_answer_with_a_status_other_than_200_is_forwarded_unchanged(int status)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault fault = Answering("application/json", """{"social_accounts":[]}""", status: status);

        Page page = await alice.FetchAsync(Profile);

        Assert.Equal((status, """{"social_accounts":[]}"""), ((int)page.Status, page.Text));
    }

    [Fact]
    public async Task A_profile_answer_that_is_compressed_nevertheless_is_forwarded_unchanged()
    {
        MemoryStream zipped = new();
        await using (GZipStream zip = new(zipped, CompressionLevel.Fastest, leaveOpen: true))
        {
            await zip.WriteAsync("""{"social_accounts":[]}"""u8.ToArray(), World.Ct);
        }

        using Visitor alice = await World.SignedInAsync("alice");
        using Fault fault = World.Paperless.Faults.Write(IsProfile, response =>
        {
            response.ContentType = "application/json";
            response.Headers.ContentEncoding = "gzip";
            return response.Body.WriteAsync(zipped.ToArray(), World.Ct).AsTask();
        });

        Page page = await alice.FetchAsync(Profile);

        Assert.Equal(
            ("gzip", Convert.ToHexString(zipped.ToArray())),
            (page.Header("Content-Encoding"), Convert.ToHexString(await page.Response.Content.ReadAsByteArrayAsync(World.Ct))));
    }

    [Theory]
    [InlineData(1024 * 1024 + 1, true)]
    [InlineData(1024 * 1024 + 1, false)]
    [InlineData(5_000_000, true)]
    [InlineData(5_000_000, false)]
    public async Task An_oversized_profile_answer_is_forwarded_unchanged(int length, bool withLength)
    {
        string json = $$"""{"social_accounts":[],"x":"{{new string('x', length - 29)}}"}""";
        Assert.Equal(length, json.Length);
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault fault = Answering("application/json", json, withLength: withLength);

        Page page = await alice.FetchAsync(Profile);

        Assert.True(json == page.Text);
        Assert.Equal((length, withLength ? null : true), (page.Response.Content.Headers.ContentLength, page.Response.Headers.TransferEncodingChunked));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_large_profile_answer_is_completed(bool withLength)
    {
        string json = $$"""{"social_accounts":[],"x":"{{new string('x', 1024 * 1024 - 29)}}"}""";
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault fault = Answering("application/json", json, withLength: withLength);

        Page page = await alice.FetchAsync(Profile);

        Assert.Single(JsonNode.Parse(page.Text)!["social_accounts"]!.AsArray());
        Assert.Equal(page.Text.Length, page.Response.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task A_truncated_profile_answer_becomes_502()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        using Fault fault = World.Paperless.Faults.Break(IsProfile);

        Page page = await alice.FetchAsync(Profile);

        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("paperless_away", page.Text, StringComparison.Ordinal);
    }

    private static async Task<TwoProviders> StartAsync(bool apiOn, string scriptName = "")
    {
        TwoProviders both = await TwoProviders.StartAsync(options =>
        {
            TwoProviders.ApiOn(apiOn)(options);
            options.ScriptName = scriptName;
            Func<StandInPaperlessOptions, StandInPaperlessOptions> before = options.Paperless;
            options.Paperless = paperless => before(paperless) with
            {
                SocialProviders = [new SocialProvider("authentik", "Authentik of Paperless"), new SocialProvider("git", "Git hub")],
            };
        });
        return both;
    }

    private static bool IsProfile(ReceivedRequest request) => request.RawPath.StartsWith("/api/profile", StringComparison.OrdinalIgnoreCase);

    private Fault Answering(string type, string json, params (string Name, string Value)[] headers) => Answering(type, json, 200, true, headers);

    private Fault Answering(
        string type,
        string json,
        int status = 200,
        bool withLength = true,
        (string Name, string Value)[]? headers = null) => World.Paperless.Faults.Write(
        IsProfile,
        async response =>
        {
            byte[] body = Encoding.UTF8.GetBytes(json);
            response.StatusCode = status;
            response.ContentType = type;
            response.ContentLength = withLength ? body.Length : null;
            foreach ((string name, string value) in headers ?? [])
            {
                response.Headers[name] = value;
            }

            await response.Body.WriteAsync(body, World.Ct);
        });
}
