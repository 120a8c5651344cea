using CsCheck;
using Gateway.Access;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignIn;

public sealed class ReturnAddressTests
{
    private static readonly Uri Page = new("https://docs.example.com/accounts/login/");

    public static TheoryData<string> Elsewhere =>
    [
        "", " ", "documents", "?next=/", "#", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/\\/evil.example", "/a\\..\\evil",
        "https://evil.example", "https:evil.example", "HTTPS://docs.example.com/", "https://docs.example.com@evil.example/", "javascript:alert(1)",
        "data:text/html,x",
        "\t//evil.example", "/\t/evil.example", "/\n/evil.example", "/\r\nSet-Cookie: a=b", "/a\0", "/\u007f/evil.example", " //evil.example", "/a\u001f",
        "/accounts/login/", "/accounts/login/?next=/accounts/login/", "/accounts/logout/", "/Accounts/Logout/", "/accounts/oidc/authentik/login/",
        "/./accounts/logout/", "/x/../accounts/logout/", "/%2e/accounts/logout/", "/x/%2E%2e/accounts/oidc/authentik/login/", "/%61ccounts/logout/",
        "/api/auth/logout/", "/API/auth/logout", "/admin/logout/", "/admin/%6Cogout/#x", "/%5cevil.example", "/%2f%2fevil.example", "/a//b", "/a;b", "/a%",
        "/" + new string('a', 2000), "/" + new string('é', 1000),
    ];

    [Theory]
    [MemberData(nameof(Elsewhere))]
    public void A_return_address_at_another_site_or_in_a_sign_in_loop_becomes_the_front_page(string next)
    {
        Assert.Equal("/", ReturnAddress.SafeOrFrontPage(next, ""));
        Assert.Equal("/paperless/", ReturnAddress.SafeOrFrontPage(next, "/paperless"));
    }

    [Fact]
    public void A_missing_return_address_becomes_the_front_page() => Assert.Equal("/paperless/", ReturnAddress.SafeOrFrontPage(null, "/paperless"));

    [Theory]
    [InlineData("/")]
    [InlineData("/documents/2")]
    [InlineData("/documents/2/details?page=3#notes")]
    [InlineData("/documents?sort=created&reverse=1&query=a%20b")]
    [InlineData("/view/3?next=//evil.example&x=https://evil.example")]
    [InlineData("/accounts")]
    [InlineData("/gateway/session")]
    [InlineData("/documents?query=%2F%2Fevil.example%5C;//#/../x")]
    [InlineData("/api/auth/")]
    [InlineData("/api/documents/2/preview/")]
    public void A_local_return_address_is_kept_unchanged(string next)
    {
        Assert.Equal(next, ReturnAddress.SafeOrFrontPage(next, ""));
        Assert.Equal("/paperless" + next, ReturnAddress.SafeOrFrontPage("/paperless" + next, "/paperless"));
    }

    [Theory]
    [InlineData("/documents/2", "/paperless/")]
    [InlineData("/paperless", "/paperless/")]
    [InlineData("/paperlessx/", "/paperless/")]
    [InlineData("/PAPERLESS/documents", "/paperless/")]
    [InlineData("//paperless/documents", "/paperless/")]
    [InlineData("/paperless/accounts/login/", "/paperless/")]
    [InlineData("/paperless/documents/2", "/paperless/documents/2")]
    public void Only_paths_below_the_script_name_are_local_return_addresses(string next, string expected) =>
        Assert.Equal(expected, ReturnAddress.SafeOrFrontPage(next, "/paperless"));

    [Theory]
    [InlineData("/suche?q=Größe", "/suche?q=Gr%C3%B6%C3%9Fe")]
    [InlineData("/門", "/%E9%96%80")]
    [InlineData("/a b", "/a%20b")]
    [InlineData("/a%C3%B6", "/a%C3%B6")]
    [InlineData("/\u2028/evil", "/%E2%80%A8/evil")]
    [InlineData("/\u3000/evil", "/%E3%80%80/evil")]
    public void Characters_not_allowed_in_a_header_are_escaped_as_a_browser_does(string next, string expected) =>
        Assert.Equal(expected, ReturnAddress.SafeOrFrontPage(next, ""));

    [Fact]
    public void Every_return_address_resolves_to_the_public_origin_in_a_browser()
    {
        Gen<string> hostile = Gen.String[Gen.Char["/\\.@:?#%25cf \t\n\r\0ex"], 0, 12];
        Gen.Select(
            Gen.OneOf(hostile, Gen.String, hostile.Select(text => "/" + text), hostile.Select(text => "/paperless/" + text)),
            Gen.OneOf(Gen.Const(""), Gen.Const("/paperless"))).Sample((next, scriptName) =>
        {
            string address = ReturnAddress.SafeOrFrontPage(next, scriptName);

            Assert.StartsWith(scriptName + "/", address, StringComparison.Ordinal);
            Assert.False(address.StartsWith("//", StringComparison.Ordinal));
            Assert.All(address, letter => Assert.InRange(letter, '!', '~'));
            Assert.DoesNotContain('\\', address);
            Assert.Equal(Page.Authority, new Uri(Page, address).Authority);
            Assert.Equal(address, ReturnAddress.SafeOrFrontPage(address, scriptName));
        }, iter: 20_000);
    }

    [Fact]
    public async Task A_signed_in_person_on_the_sign_in_page_is_redirected_to_a_local_page_only()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        foreach ((string next, string expected) in new[] {
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("/documents/門", "/documents/%E9%96%80") })
        {
            foreach (string path in new[] { "/accounts/login/", "/accounts/oidc/authentik/login/" })
            {
                Page page = await alice.OpenAsync($"{path}?next={Uri.EscapeDataString(next)}", "same-origin");
                Assert.Equal(expected, page.Header("Location"));
            }
        }
    }
}
