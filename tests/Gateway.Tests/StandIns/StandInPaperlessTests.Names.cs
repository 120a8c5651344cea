using System.Net;
using Gateway.StandIns.Paperless;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>How the header and the name in it are read.</summary>
public sealed class StandInPaperlessTestsNames
{
    [Theory]
    [InlineData("ALICE")]
    [InlineData("a/b c<x>")]
    [InlineData("AnonymousUser")]
    [InlineData("consumer")]
    [InlineData("Jürgen")]
    public async Task Any_name_logs_in_as_it_is_written_in_latin_1(string name)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { WithPeople = true }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/dashboard", RemoteUser(name));

        Assert.Equal(name, paperless.Received.Single().SignedInAs);
        Assert.NotEqual(name, paperless.Data.FindUser("alice")!.Name);
    }

    [Fact]
    public async Task A_name_of_200_characters_logs_in_and_utf_8_becomes_mojibake()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage longName = await client.GetAsync("/dashboard", RemoteUser(new string('x', 200)));
        using HttpResponseMessage utf8 = await client.GetAsync("/dashboard", RemoteUser("JÃ¼rgen"));

        Assert.NotNull(paperless.Data.FindUser(new string('x', 200)));
        Assert.NotNull(paperless.Data.FindUser("JÃ¼rgen"));
    }

    [Fact]
    public async Task Two_headers_join_with_a_comma_and_are_recorded_as_two()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);

        await RawHttp.SendAsync(
            paperless.Address,
            "GET /dashboard HTTP/1.1\r\nHost: x\r\nRemote-User: carol\r\nremote-user: dave\r\nConnection: close\r\n\r\n");

        Assert.NotNull(paperless.Data.FindUser("carol,dave"));
        Assert.Equal(["carol", "dave"], paperless.Received.Single().Lines("Remote-User"));
    }

    [Theory]
    [InlineData(false, HttpStatusCode.Found)]
    [InlineData(true, HttpStatusCode.OK)]
    public async Task An_underscore_counts_as_a_dash_only_before_django_5_2_13(bool old, HttpStatusCode status)
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { UnderscoresInHeaders = old }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/dashboard", ("Remote_User", "alice"));

        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task The_header_may_have_another_name()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { UserHeader = "X-Forwarded-User" }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage ours = await client.GetAsync("/dashboard", ("X-Forwarded-User", "alice"));
        using HttpResponseMessage usual = await client.GetAsync("/dashboard", RemoteUser("bob"));

        Assert.Equal(HttpStatusCode.OK, ours.StatusCode);
        Assert.Equal(HttpStatusCode.Found, usual.StatusCode);
    }

    [Fact]
    public async Task With_the_api_off_the_header_is_ignored_wherever_the_path_contains_api()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(ct: Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/x/api/y", RemoteUser("alice"));

        Assert.Equal("/accounts/login/?next=/x/api/y", response.Headers.Location?.ToString());
    }

    [Fact]
    public async Task Without_the_mode_the_header_means_nothing()
    {
        await using StandInPaperless paperless = await StandInPaperless.StartAsync(new() { RemoteUser = false }, Ct);
        using PaperlessClient client = new PaperlessClient(paperless);

        using HttpResponseMessage response = await client.GetAsync("/dashboard", RemoteUser("alice"));

        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
    }
}
