using System.Net;
using Gateway.Paperless;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Paperless;

/// <summary>The API of Paperless fails, is slow or answers wrongly; and the gateway's own API token.</summary>
public sealed class PaperlessApiTests
{
    [Theory]
    [InlineData("drop")]
    [InlineData("500")]
    [InlineData("503")]
    [InlineData("break")]
    [InlineData("hold")]
    [InlineData("html")]
    [InlineData("other user")]
    [InlineData("no name")]
    public async Task While_Paperless_API_fails_nobody_signs_in_and_the_page_retries(string how)
    {
        await using World world = await StartAsync();
        (await world.SignedInAsync("alice")).Dispose();
        using Visitor alice = world.NewVisitor();
        Predicate<ReceivedRequest> api = request => request.RawPath.StartsWith("/api/users/", StringComparison.Ordinal);
        world.Paperless.ForgetReceived();
        using (Fault fault = how switch
        {
            "drop" => world.Paperless.Faults.Drop(api),
            "break" => world.Paperless.Faults.Break(api),
            "hold" => world.Paperless.Faults.Hold(api),
            "html" => world.Paperless.Faults.Answer(api, 200),
            "other user" => world.Paperless.Faults
                .Answer(api, 200, """{"id": 1, "username": "admin", "is_active": true, "is_staff": false, "is_superuser": false, "groups": []}"""),
            "no name" => world.Paperless.Faults.Answer(api, 200, """{"id": 2, "is_active": true, "is_staff": false, "is_superuser": false, "groups": []}"""),
            _ => world.Paperless.Faults.Answer(api, int.Parse(how, System.Globalization.CultureInfo.InvariantCulture)),
        })
        {
            Task<Page> signIn = alice.SignInAsync("alice", "/documents/2");
            for (int tries = 0; how == "hold" && tries < 3; tries++)
            {
                await fault.StruckAsync(World.Ct);
                world.Clock.Advance(PaperlessApiTimes.Default.ResponseTimeout);
            }

            Page page = await signIn;
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "5"), (page.Status, page.Header("Retry-After")));
            Assert.Equal("5; url=/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2", page.Header("Refresh"));
            Assert.Null(alice.Cookie(SignedIn.CookieName));
            Assert.Empty(world.Forwarded);
            Assert.Matches("trace id <code>[^<]+</code>", page.Text);
        }

        Page again = await alice.NavigateAsync("/accounts/oidc/authentik/login/?next=%2Fdocuments%2F2", "same-origin");
        Assert.Equal(("/documents/2", "alice"), (again.Address.PathAndQuery, await alice.WhoAsync()));
    }

    [Fact]
    public async Task Requests_to_the_API_that_read_are_tried_three_times_and_those_that_write_once()
    {
        await using World world = await StartAsync(("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "true"), ("GATEWAY_CREATE_GROUPS", "true"));
        Fault reading = world.Paperless.Faults.Drop(request => request is { Method: "GET", RawPath: "/api/users/" });
        using Visitor alice = world.NewVisitor();
        await alice.SignInAsync("alice");
        Assert.Equal(3, reading.Hits);
        reading.Release();

        Fault writing = world.Paperless.Faults.Drop(request => request.Method == "PATCH");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await alice.SignInAsync("alice")).Status);
        Assert.Equal(1, writing.Hits);
        writing.Release();

        await alice.SignInAsync("alice");
        Assert.Equal(["family", "paperless-users"], world.Paperless.Data.GroupsOf("alice"));
    }

    [Fact]
    public async Task After_repeated_API_failures_the_gateway_backs_off()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = world.NewVisitor();
        using Fault down = world.Paperless.Faults.Answer(request => request.RawPath.StartsWith("/api/", StringComparison.Ordinal), 503);
        for (int tries = 0; tries < 6; tries++)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await alice.SignInAsync("alice")).Status);
        }

        Assert.InRange(down.Hits, 9, 10);
        down.Release();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await alice.SignInAsync("alice")).Status);
        world.Clock.Advance(PaperlessApiTimes.Default.BreakDuration);
        Assert.Equal("/", (await alice.SignInAsync("alice")).Address.PathAndQuery);
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task All_API_requests_of_one_sign_in_take_28_seconds_at_most()
    {
        await using World world = await World.StartAsync(
            options => options.Services = services => services.AddSingleton(PaperlessApiTimes.Default with { ResponseTimeout = TimeSpan.FromHours(1) }));
        using Fault silent = world.Paperless.Faults.Hold(request => request.RawPath.StartsWith("/api/users/", StringComparison.Ordinal));
        using Visitor alice = world.NewVisitor();

        Task<Page> signIn = alice.SignInAsync("alice");
        await silent.StruckAsync(World.Ct);
        world.Clock.Advance(TimeSpan.FromSeconds(28));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await signIn.InTimeAsync("The gateway gives Paperless up.")).Status);
    }

    [Fact]
    public async Task A_user_on_whom_Paperless_API_fails_does_not_block_other_peoples_sign_ins()
    {
        await using World world = await World.StartAsync();
        int id = world.Paperless.Data.FindUser("alice")!.Id;
        (await world.SignedInAsync("alice")).Dispose();
        using Fault stumbles = world.Paperless.Faults.Answer(request => request.RawPath == $"/api/users/{id}/", 500);
        using Visitor alice = world.NewVisitor();
        for (int tries = 0; tries < 6; tries++)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await alice.SignInAsync("alice")).Status);
        }

        using Visitor bob = await world.SignedInAsync("bob");

        Assert.Equal("bob", await bob.WhoAsync());
    }

    [Fact]
    public async Task A_group_name_on_which_Paperless_API_fails_does_not_block_the_other_groups()
    {
        await using World world = await StartAsync(("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "true"), ("GATEWAY_CREATE_GROUPS", "true"));
        Fault stumbles = world.Paperless.Faults.Answer(request => request.Method == "PATCH" && request.Header("Content-Length") is { Length: >= 3 }, 500);
        world.Provider.Change(world.Provider.Find("alice")! with { Name = "Alice 🦊 " + new string('x', 100) });

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal(1, stumbles.Hits);
        Assert.Equal(["family", "paperless-users"], world.Paperless.Data.GroupsOf("alice"));
    }

    [Fact]
    public async Task An_HTML_page_in_place_of_an_API_token_does_not_stop_the_gateway()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["GATEWAY_PAPERLESS_TOKEN"] = null;
            options.Settings["PAPERLESS_ADMIN_USER"] = "admin";
            options.Settings["PAPERLESS_ADMIN_PASSWORD"] = "admin";
        });
        using (world.Paperless.Faults.Answer(request => request.RawPath == "/api/token/", 200))
        {
            world.StartGateway();
            using Visitor early = world.NewVisitor();
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await early.SignInAsync("alice")).Status);
        }

        world.Clock.Advance(TimeSpan.FromSeconds(20));
        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Theory]
    [InlineData(302)]
    [InlineData(400)]
    [InlineData(404)]
    [InlineData(429)]
    public async Task An_API_failure_unrelated_to_the_token_is_not_reported_as_a_token_problem(int status)
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        using Fault odd = world.Paperless.Faults.Answer(request => request.RawPath == "/api/ui_settings/", status);
        world.StartGateway();
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Empty(world.Log.Of("PaperlessCredentialWrong"));
    }

    [Fact]
    public async Task An_API_change_that_was_not_applied_is_detected()
    {
        await using World world = await StartAsync(("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "true"), ("GATEWAY_CREATE_GROUPS", "true"));
        int id = world.Paperless.Data.FindUser("alice")!.Id;
        using Fault lost = world.Paperless.Faults.Answer(
            request => request.Method == "PATCH",
            200,
            $$"""{"id": {{id}}, "username": "alice", "is_active": true, "is_staff": false, "is_superuser": false, "groups": []}""");
        using Visitor alice = world.NewVisitor();

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await alice.SignInAsync("alice")).Status);
    }

    [Fact]
    public async Task API_requests_that_write_have_a_Content_Length()
    {
        await using World world = await StartAsync(("PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS", "true"), ("GATEWAY_CREATE_GROUPS", "true"));

        (await world.SignedInAsync("alice")).Dispose();

        Assert.All(world.ApiRequests.Where(request => request.Method is "POST" or "PATCH"), request => Assert.NotNull(request.Header("Content-Length")));
        Assert.All(world.ApiRequests, request => Assert.EndsWith("/", request.RawPath, StringComparison.Ordinal));
        Assert.All(world.ApiRequests, request => Assert.Null(request.Header("Remote-User")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_API_token_is_obtained_with_the_admin_password_and_again_after_the_token_is_rejected(bool api)
    {
        await using World world = await WithPasswordAsync("admin", api);
        (await world.SignedInAsync("alice")).Dispose();
        Assert.Single(world.Paperless.Received, IsTokenRequest);
        world.Paperless.Data.UpdateUser("admin", user => user with { Token = null });
        world.Clock.Advance(TimeSpan.FromMinutes(1));

        (await world.SignedInAsync("bob")).Dispose();

        Assert.Equal(2, world.Paperless.Received.Count(IsTokenRequest));
        Assert.DoesNotContain("\"admin\" \"admin\"", world.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(world.Paperless.Data.TokenOf("admin"), world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_admin_password_is_reported_and_retried_no_more_often_than_Paperless_allows()
    {
        await using World world = await WithPasswordAsync("wrong-password-of-the-admin", api: false);
        using Visitor alice = world.NewVisitor();
        for (int tries = 0; tries < 10; tries++)
        {
            Page page = await alice.SignInAsync("alice");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
            Assert.Contains("PAPERLESS_ADMIN_PASSWORD", WordsOfPages.OperatorsPart(page), StringComparison.Ordinal);
        }

        Assert.Single(world.Paperless.Received, IsTokenRequest);
        Assert.Contains("PAPERLESS_ADMIN_PASSWORD", world.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-password-of-the-admin", world.Log.Text, StringComparison.Ordinal);
        world.Clock.Advance(TimeSpan.FromSeconds(20));
        world.Paperless.Data.UpdateUser("admin", user => user with { Password = "wrong-password-of-the-admin" });
        await alice.SignInAsync("alice");
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Theory]
    [InlineData("bob", false)]
    [InlineData("bob", true)]
    [InlineData(null, false)]
    [InlineData(null, true)]
    public async Task An_API_token_of_a_user_who_is_no_superuser_is_reported_once_and_nobody_signs_in(string? owner, bool api)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            options.Settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"] = api ? "true" : "false";
            options.Paperless = paperless => paperless with { RemoteUserApi = api };
        });
        world.Options.ApiToken = owner is null ? "0123456789" : world.Paperless.Data.TokenOf(owner);
        world.StartGateway();
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Contains("GATEWAY_PAPERLESS_TOKEN", WordsOfPages.OperatorsPart(page), StringComparison.Ordinal);
        Assert.Null(page.Header("Refresh"));
        string said = Assert.Single(world.Log.Of("PaperlessCredentialWrong")).RenderMessage(System.Globalization.CultureInfo.InvariantCulture);
        Assert.Contains("GATEWAY_PAPERLESS_TOKEN", said, StringComparison.Ordinal);
        Assert.DoesNotContain(world.Options.ApiToken, world.Log.Text, StringComparison.Ordinal);
        Assert.Null(alice.Cookie(SignedIn.CookieName));
    }

    [Fact]
    public async Task Paperless_may_start_after_the_gateway()
    {
        await using World world = await World.StartAsync(options => options.StartGateway = false);
        Fault starting = world.Paperless.Faults.Answer(_ => true, 502);
        world.StartGateway();
        using Visitor early = world.NewVisitor();
        Assert.NotEqual(HttpStatusCode.OK, (await early.OpenAsync("/")).Status);
        starting.Release();

        using Visitor alice = await world.SignedInAsync("alice");

        Assert.Equal("alice", await alice.WhoAsync());
    }

    private static bool IsTokenRequest(ReceivedRequest request) => request is { Method: "POST", RawPath: "/api/token/" };

    private static Task<World> WithPasswordAsync(string password, bool api) => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_PAPERLESS_TOKEN"] = null;
        options.Settings["PAPERLESS_ADMIN_USER"] = "admin";
        options.Settings["PAPERLESS_ADMIN_PASSWORD"] = password;
        options.Settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"] = api ? "true" : "false";
        options.Paperless = paperless => paperless with { RemoteUserApi = api };
    });

    private static Task<World> StartAsync(params (string Name, string Value)[] settings) => World.StartAsync(options =>
    {
        foreach ((string name, string value) in settings)
        {
            options.Settings[name] = value;
        }
    });
}
