using System.Net;
using System.Text;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Access;

/// <summary>Requests to the API with an `Authorization` header of their own.</summary>
public sealed class ApiCredentialTests(SharedWorld shared) : IClassFixture<SharedWorld>
{
    private World World => shared.World;

    private string AdminToken => "Token " + World.Paperless.Data.AdminToken;

    private static string Basic(string name, string password) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}"));

    [Fact]
    public async Task A_request_with_a_token_is_forwarded_without_the_user_header_even_on_a_session()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        Page page = await alice.FetchAsync(HttpMethod.Get, "/api/users/", null, ("Authorization", AdminToken));

        ReceivedRequest received = Assert.Single(World.Forwarded);
        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal("admin", received.SignedInAs);
        Assert.Equal([AdminToken], received.Lines("Authorization"));
        Assert.DoesNotContain(received.Headers, header => header.Key is "Remote-User" or "Cookie");
        Assert.Empty(page.SetCookies);
    }

    [Fact]
    public async Task A_request_with_a_token_needs_no_Origin_header_and_no_fetch_metadata()
    {
        using Visitor program = World.NewVisitor();
        World.Paperless.ForgetReceived();

        Page page = await program.SendAsync(
            HttpMethod.Patch,
            "/api/documents/1/",
            PaperlessClient.Json("""{"title":"By token"}"""),
            ("Authorization", AdminToken),
            ("Origin", "https://evil.example"),
            ("Sec-Fetch-Site", "cross-site"));

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal("By token", World.Paperless.Data.FindDocument(1)!.Title);
    }

    [Fact]
    public async Task An_invalid_token_gets_Paperless_own_error()
    {
        using Visitor program = World.NewVisitor();

        Page page = await program.SendAsync(HttpMethod.Get, "/api/users/", null, ("Authorization", "Token nope"));

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        Assert.Contains("Invalid token.", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Basic_credentials_are_forwarded_while_regular_login_is_on()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        Page page = await alice.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Authorization", Basic("admin", "admin")));

        ReceivedRequest received = Assert.Single(World.Forwarded);
        Assert.Equal((HttpStatusCode.OK, "admin"), (page.Status, received.SignedInAs));
        Assert.DoesNotContain(received.Headers, header => header.Key is "Remote-User" or "Cookie");
    }

    [Theory]
    [InlineData("Bearer eyJhbGciOiJub25lIn0.e30.")]
    [InlineData("Negotiate abc")]
    [InlineData("Token")]
    [InlineData("")]
    [InlineData("Tokenabc")]
    [InlineData("Digest username=\"admin\"")]
    public async Task Other_kinds_of_credentials_are_refused_on_the_API_with_and_without_a_session(string credential)
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        foreach (string cookie in (string[])["", $"Cookie: paperless-gateway={alice.Cookie("paperless-gateway")}\r\n"])
        {
            string answer = await RawConnection.AskAsync(
                World,
                $"GET /api/documents/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nAuthorization: {credential}\r\n{cookie}Connection: close\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 401 ", answer, StringComparison.Ordinal);
            Assert.DoesNotContain("WWW-Authenticate", answer, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("credential_refused", answer, StringComparison.Ordinal);
        }

        Assert.Empty(World.Forwarded);
    }

    [Fact]
    public async Task A_request_with_two_credentials_is_refused()
    {
        World.Paperless.ForgetReceived();

        string answer = await RawConnection.AskAsync(World, $"GET /api/users/ HTTP/1.1\r\nHost: localhost:{World.Port}\r\nAuthorization: "
            + $"{AdminToken}\r\nAuthorization: {AdminToken}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 401 ", answer, StringComparison.Ordinal);
        Assert.Empty(World.Forwarded);
    }

    [Theory]
    [InlineData("/dashboard")]
    [InlineData("/x/api/documents/")]
    [InlineData("/admin/")]
    [InlineData("/API/documents/")]
    public async Task A_credential_opens_no_path_outside_the_API(string path)
    {
        using Visitor program = World.NewVisitor();
        World.Paperless.ForgetReceived();

        Page page = await program.SendAsync(HttpMethod.Get, path, null, ("Authorization", AdminToken));

        Assert.Equal(HttpStatusCode.Unauthorized, page.Status);
        Assert.Empty(World.Forwarded);
    }

    [Fact]
    public async Task A_credential_is_not_forwarded_outside_the_API()
    {
        using Visitor alice = await World.SignedInAsync("alice");
        World.Paperless.ForgetReceived();

        await alice.OpenAsync("/dashboard", "none", ("Authorization", AdminToken));

        ReceivedRequest received = Assert.Single(World.Forwarded);
        Assert.Empty(received.Lines("Authorization"));
        Assert.Equal(["alice"], received.Lines("Remote-User"));
    }

    [Fact]
    public async Task With_the_user_header_enabled_for_the_API_a_token_still_decides_the_user()
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"] = "true";
            options.Paperless = paperless => paperless with { RemoteUserApi = true, UnderscoresInHeaders = true };
        });
        using Visitor alice = await world.SignedInAsync("alice");
        world.Paperless.ForgetReceived();

        await alice.FetchAsync(
            HttpMethod.Get,
            "/api/users/",
            null,
            ("Authorization", "Token " + world.Paperless.Data.AdminToken),
            ("Remote_User", "bob"),
            ("Remote-User", "bob"));

        Assert.Equal("admin", Assert.Single(world.Forwarded).SignedInAs);
    }
}
