using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using static Gateway.Tests.StandIns.PaperlessClient;

namespace Gateway.Tests.StandIns;

/// <summary>Login, logout, passwords and tokens of Paperless.</summary>
public abstract class AccountsContract(Installation installation) : PaperlessContract(installation)
{
    [Theory]
    [InlineData("GET", "/accounts/logout/")]
    [InlineData("HEAD", "/accounts/logout/")]
    [InlineData("GET", "/api/auth/logout/")]
    [InlineData("HEAD", "/api/auth/logout/")]
    public async Task Paperless_signs_out_on_GET(string method, string path)
    {
        (string? cookie, string _) = await Client.EnterAsync(Paperless.Name("alice"));

        using HttpResponseMessage response = await Client.SendAsync(new HttpMethod(method), path, null, Cookie(cookie));

        Assert.Equal(Login + "?loggedout=1", response.Headers.Location?.ToString());
        Assert.Contains("Max-Age=0", SetCookie(response, "sessionid"), StringComparison.Ordinal);
        Assert.Null(SetCookie(response, "csrftoken"));
        Assert.Null(await WhoAsync(Cookie(cookie)));
    }

    [Theory]
    [InlineData("/accounts/logout/")]
    [InlineData("/api/auth/logout/")]
    public async Task Paperless_requires_the_CSRF_token_for_a_logout_by_POST(string path)
    {
        ContractUser alice = await Paperless.AddUserAsync("alice");
        (string? cookie, string? token) = await Client.EnterAsync(alice.Name);

        using HttpResponseMessage without = await Client.PostAsync(path, null, Cookie(cookie));
        Assert.Equal(HttpStatusCode.Forbidden, without.StatusCode);
        Assert.Equal(alice.Email, await WhoAsync(Cookie(cookie)));

        using HttpResponseMessage with = await Client.PostAsync(path, null, Cookie(cookie), ("X-CSRFToken", token));
        Assert.Equal(HttpStatusCode.Found, with.StatusCode);
        Assert.Null(await WhoAsync(Cookie(cookie)));
    }

    [Theory]
    [InlineData("", Login + "?loggedout=1")]
    [InlineData("?next=/foo", "/foo")]
    [InlineData("?next=/accounts/login/?next=/", "/accounts/login/?next=/")]
    [InlineData("?next=//evil.example", Login + "?loggedout=1")]
    public async Task Paperless_logout_redirects_to_next_even_without_a_session(string query, string location)
    {
        using HttpResponseMessage response = await Client.GetAsync("/accounts/logout/" + query);

        Assert.Equal(location, response.Headers.Location?.OriginalString);
    }

    [Fact]
    public async Task A_logout_of_Paperless_with_the_user_header_is_undone_at_the_next_page()
    {
        (string Name, string Value) alice = RemoteUser(Paperless.Name("alice"));
        (string? cookie, string _) = await Client.EnterAsync(alice.Value);

        using HttpResponseMessage logout = await Client.GetAsync("/accounts/logout/", Cookie(cookie), alice);
        using HttpResponseMessage next = await Client.GetAsync(Login + "?loggedout=1", alice);

        Assert.Equal("/dashboard", next.Headers.Location?.ToString());
        Assert.NotNull(SetCookie(next, "sessionid"));
    }

    [Fact]
    public async Task The_login_form_of_Paperless_signs_in_and_redirects_to_next()
    {
        ContractUser alice = await AddUserWithPasswordAsync("alice");

        using HttpResponseMessage right = await SubmitAsync(
            Login + "?next=/documents/1", ("login", alice.Name), ("password", Paperless.Password), ("next", "/documents/1"));
        using HttpResponseMessage wrong = await SubmitAsync(Login, ("login", alice.Name), ("password", "no"));

        Assert.Equal("/documents/1", right.Headers.Location?.ToString());
        Assert.Equal(alice.Email, await WhoAsync(Cookie(SetCookie(right, "sessionid")!.Split(';')[0])));
        Assert.Equal(HttpStatusCode.OK, wrong.StatusCode);
    }

    [Fact]
    public async Task The_admin_site_of_Paperless_accepts_the_password_of_a_staff_member()
    {
        ContractUser clerk = await AddUserWithPasswordAsync("clerk", ("is_staff", true));
        ContractUser alice = await AddUserWithPasswordAsync("alice");

        using HttpResponseMessage staff = await SubmitAsync("/admin/login/", ("username", clerk.Name), ("password", Paperless.Password));
        using HttpResponseMessage other = await SubmitAsync("/admin/login/", ("username", alice.Name), ("password", Paperless.Password));

        Assert.Equal(HttpStatusCode.Found, staff.StatusCode);
        Assert.Equal(clerk.Email, await WhoAsync(Cookie(SetCookie(staff, "sessionid")!.Split(';')[0])));
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Fact]
    public async Task A_Paperless_password_works_as_Basic_credentials_on_the_API_and_gets_a_token()
    {
        ContractUser alice = await AddUserWithPasswordAsync("alice");

        using HttpResponseMessage right = await TokenForAsync(alice.Name, Paperless.Password);
        using HttpResponseMessage wrong = await TokenForAsync(alice.Name, "wrong");
        string token = (await JsonAsync(right)).GetProperty("token").GetString()!;

        Assert.Equal(alice.Email, await WhoAsync(Token(token)));
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Equal(alice.Email, await WhoAsync(Basic(alice.Name, Paperless.Password)));
        Assert.Null(await WhoAsync(Basic(alice.Name, "wrong")));
        Assert.Null(await WhoAsync(("Authorization", "Bearer " + token)));
    }

    [Fact]
    public async Task A_Paperless_session_ends_when_the_password_changes()
    {
        ContractUser alice = await AddUserWithPasswordAsync("alice");
        (string? cookie, string _) = await Client.EnterAsync(alice.Name);

        Assert.Equal(alice.Email, await WhoAsync(Cookie(cookie)));
        using HttpResponseMessage changed = await Client.SendAsync(HttpMethod.Patch, alice.Path, Json($$"""{"password":"{{Paperless.Password}}-2"}"""), Admin);

        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Null(await WhoAsync(Cookie(cookie)));
    }

    private Task<ContractUser> AddUserWithPasswordAsync(string ending, params IEnumerable<(string Field, JsonNode Value)> more) =>
        Paperless.AddUserAsync(ending, more.Append(("password", Paperless.Password)));

    /// <summary>From an address of its own: Paperless takes few requests a minute from one.</summary>
    private Task<HttpResponseMessage> TokenForAsync(string name, string password) => Client.PostAsync(
        "/api/token/", Json($$"""{"username":"{{name}}","password":"{{password}}"}"""), ("X-Forwarded-For", Paperless.Name("caller")));

    private static (string Name, string Value) Basic(string name, string password) =>
        ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));

    /// <summary>Opens the page of a form and sends it, with the page's cookie and masked token.</summary>
    private async Task<HttpResponseMessage> SubmitAsync(string path, params (string Name, string Value)[] fields)
    {
        using HttpResponseMessage page = await Client.GetAsync(path);
        string cookie = SetCookie(page, "csrftoken")!.Split(';')[0];
        string token = (await TextAsync(page)).Split("name=\"csrfmiddlewaretoken\" value=\"")[1].Split('"')[0];
        Assert.Equal(64, token.Length);
        using FormUrlEncodedContent form = new FormUrlEncodedContent(fields.Append(("csrfmiddlewaretoken", token))
            .Select(field => KeyValuePair.Create(field.Item1, field.Item2)));
        return await Client.PostAsync(path, form, Cookie(cookie));
    }
}
