using System.Net;
using System.Text.Json.Nodes;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;
using Gateway.Tests.StandIns;

namespace Gateway.Tests.Accounts;

/// <summary>Somebody signed in with a Paperless password links a provider's account: the way in for administrators.</summary>
public sealed class PasswordSessionConnectTests
{
    private const string Disconnect = "/api/profile/disconnect_social_account/";

    [Theory]
    [InlineData(true, "")]
    [InlineData(false, "")]
    [InlineData(true, "/paperless")]
    public async Task An_administrator_connects_sees_it_signs_in_with_it_and_disconnects(bool apiOn, string script)
    {
        await using TwoProviders both = await TwoProviders.StartAsync(options =>
        {
            TwoProviders.ApiOn(apiOn)(options);
            options.ScriptName = script;
        });
        both.Other.SignsInAs = "admin";
        using Visitor admin = await AdminAsync(both);
        Assert.Contains(
            $"\"login_url\":\"{script}/accounts/oidc/other/login/?process=connect\"",
            (await admin.FetchAsync(script + "/api/profile/social_account_providers/")).Text,
            StringComparison.Ordinal);

        await admin.NavigateAsync(script + "/accounts/oidc/other/login/?process=connect", "same-origin");

        AccountLink link = Assert.Single(both.LinksOf("admin"));
        Assert.Null(admin.Cookie(SignedIn.CookieName));
        JsonNode accounts = JsonNode.Parse((await admin.FetchAsync(script + "/api/profile/")).Text)!["social_accounts"]!;
        Assert.Equal((-link.Id, "other", "admin"), ((long)accounts[0]!["id"]!, (string?)accounts[0]!["provider"], (string?)accounts[0]!["name"]));
        using Visitor later = both.World.NewVisitor();
        await later.NavigateAsync(script + "/accounts/oidc/other/login/", "same-origin");
        Assert.Contains("\"username\":\"admin\"", (await later.FetchAsync(script + "/gateway/session")).Text, StringComparison.Ordinal);

        Page page = await admin.FetchAsync(HttpMethod.Post, script + Disconnect, PaperlessClient.Json($$"""{"id":{{-link.Id}}}"""));
        Assert.Equal((HttpStatusCode.OK, $"{-link.Id}"), (page.Status, page.Text));
        Assert.Empty(both.LinksOf("admin"));
    }

    [Fact]
    public async Task From_another_site_or_without_a_word_of_where_from_nothing_happens()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(TwoProviders.ApiOn(true));
        using Visitor admin = await AdminAsync(both);
        AccountLink link = await both.AddLinkAsync("admin");
        StringContent Body() => PaperlessClient.Json($$"""{"id":{{-link.Id}}}""");

        Page connect = await admin.OpenAsync("/accounts/oidc/other/login/?process=connect", "cross-site");
        Page cross = await admin.FetchAsync(HttpMethod.Post, Disconnect, Body(), ("Sec-Fetch-Site", "cross-site"));
        Page silent = await admin.SendAsync(HttpMethod.Post, Disconnect, Body());

        Assert.All([connect, cross, silent], page => Assert.Equal(HttpStatusCode.Forbidden, page.Status));
        Assert.Single(both.LinksOf("admin"));
    }

    private static async Task<Visitor> AdminAsync(TwoProviders both)
    {
        Visitor visitor = await both.World.SignedInWithPasswordAsync("admin");
        await visitor.OpenAsync(both.World.Options.ScriptName + "/");
        return visitor;
    }
}
