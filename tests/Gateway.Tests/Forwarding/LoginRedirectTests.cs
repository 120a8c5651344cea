using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Gateway.Tests.Kit;
using Serilog.Events;

namespace Gateway.Tests.Forwarding;

/// <summary>Paperless redirects a signed-in person to its login page; the gateway answers with the cause, and no redirect loop begins.</summary>
public sealed class LoginRedirectTests
{
    [Theory]
    [InlineData("off")]
    [InlineData("another-header")]
    public async Task Where_Paperless_ignores_the_user_header_the_page_the_log_and_the_health_name_the_variables(string how)
    {
        await using World world = await World.StartAsync(options => options.Paperless = given => how == "off"
            ? given with { RemoteUser = false }
            : given with { UserHeader = "X-Authentik-Username" });
        using Visitor alice = world.NewVisitor();

        Page page = await alice.SignInAsync("alice", "/dashboard");
        Page again = await alice.NavigateAsync("/documents/2");
        Assert.Equal(HttpStatusCode.OK, (await alice.NavigateAsync("/accounts/password/reset/")).Status);

        Assert.All([page, again], shown => Assert.Equal(HttpStatusCode.BadGateway, shown.Status));
        Assert.Single(again.Trail);
        Assert.Contains("PAPERLESS_ENABLE_HTTP_REMOTE_USER=true", again.Text, StringComparison.Ordinal);
        Assert.Contains("PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME=HTTP_REMOTE_USER", again.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("sessionid", string.Join(';', again.SetCookies), StringComparison.Ordinal);
        Assert.Equal("UserHeaderIgnored", Assert.Single(Warnings(world)));
        JsonNode ready = JsonNode.Parse((await alice.SendAsync(HttpMethod.Get, new Uri(world.Gateway.Management, "/health/ready").AbsoluteUri)).Text)!;
        Assert.Equal("degraded", (string?)ready["status"]);
        Assert.Contains("PAPERLESS_ENABLE_HTTP_REMOTE_USER", (string?)ready["checks"]!["paperless"], StringComparison.Ordinal);
        Assert.Equal("alice", await alice.WhoAsync());
    }

    [Fact]
    public async Task When_Paperless_accepts_the_user_header_again_the_health_is_ready_again()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using (world.Paperless.Faults.Write(request => request.Path == "/dashboard", RedirectToLoginAsync))
        {
            Assert.Equal(HttpStatusCode.BadGateway, (await alice.NavigateAsync("/dashboard")).Status);
        }

        Assert.Equal(HttpStatusCode.OK, (await alice.NavigateAsync("/dashboard")).Status);

        Assert.Single(world.Log.Of("UserHeaderAccepted"));
        Page ready = await alice.SendAsync(HttpMethod.Get, new Uri(world.Gateway.Management, "/health/ready").AbsoluteUri);
        Assert.Equal("ready", (string?)JsonNode.Parse(ready.Text)!["status"]);
    }

    [Theory]
    [InlineData("inactive", "was switched off")]
    [InlineData("inactive-without-cookie", "was switched off")]
    public async Task A_user_who_was_switched_off_in_Paperless_sees_so_at_once_and_is_signed_out(string how, string reason)
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });
        if (how == "inactive-without-cookie")
        {
            alice.Cookies.GetAllCookies().Single(cookie => cookie.Name == "sessionid").Expired = true;
        }

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Single(page.Trail);
        Assert.Contains(reason, page.Text, StringComparison.Ordinal);
        Assert.Equal("AccountGone", CapturedLog.Value(Assert.Single(world.Log.Of("SessionEnded")), "Cause"));
        Assert.Equal("SessionRefused", Assert.Single(Warnings(world)));
        Assert.Equal(HttpStatusCode.Unauthorized, (await alice.FetchAsync("/api/documents/")).Status);
        Assert.Empty(world.Log.Of("UserHeaderIgnored"));
    }

    [Fact]
    public async Task Where_Paperless_does_not_say_why_the_page_does_not_redirect_and_the_session_goes_on()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.Data.UpdateUser("alice", user => user with { IsActive = false });
        world.Paperless.Data.UpdateUser(World.GatewayUser, user => user with { IsActive = false });

        Page page = await alice.NavigateAsync("/documents/2");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.Status);
        Assert.Single(page.Trail);
        Assert.Empty(world.Log.Of("SessionEnded"));
        Assert.Empty(world.Log.Of("UserHeaderIgnored"));
    }

    [Theory]
    [InlineData("/static/nope.js", true)]
    [InlineData("/static/nope.js", false)]
    [InlineData("/static/frontend/nope.css?v=2", true)]
    [InlineData("/share/not-a-slug/", true)]
    public async Task A_file_that_Paperless_does_not_have_is_404(string path, bool isSignedIn)
    {
        await using World world = await World.StartAsync();
        using Visitor visitor = isSignedIn ? await world.SignedInAsync("alice") : world.NewVisitor();

        Page page = await visitor.NavigateAsync(path);

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        Assert.Single(page.Trail);
        Assert.Empty(Warnings(world));
    }

    [Fact]
    public async Task An_address_that_the_API_does_not_have_is_404_for_somebody_without_a_session_at_Paperless()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        alice.Cookies.GetAllCookies().Single(cookie => cookie.Name == "sessionid").Expired = true;

        Page page = await alice.FetchAsync("/api/nope/");

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        Assert.Equal("not_there", (string?)JsonNode.Parse(page.Text)!["code"]);
        Assert.Empty(world.Log.Of("UserHeaderIgnored"));
    }

    private static Task RedirectToLoginAsync(HttpResponse response)
    {
        response.Redirect("/accounts/login/?next=/dashboard");
        return Task.CompletedTask;
    }

    private static IEnumerable<string> Warnings(World world) =>
        world.Log.Events.Where(line => line.Level >= LogEventLevel.Warning)
            .Select(line => CapturedLog.NameOf(line) ?? line.RenderMessage(CultureInfo.InvariantCulture));
}
