using System.Net;
using System.Text.RegularExpressions;
using Gateway.Tests.Accounts;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.Tests.Attacks;

/// <summary>A world at the root of its host and one below a script name.</summary>
public sealed class RedirectWorlds : IAsyncLifetime
{
    internal World[] All { get; private set; } = [];

    public async ValueTask InitializeAsync() => All = [await World.StartAsync(), await World.StartAsync(options => options.ScriptName = "/paperless")];

    public async ValueTask DisposeAsync()
    {
        foreach (World world in All)
        {
            await world.DisposeAsync();
        }
    }
}

/// <summary>Whatever address a link names to lead back to, the browser stays at the gateway, or goes to the provider's own endpoints.</summary>
[Trait("Category", "Attacks")]
public sealed partial class OpenRedirectTests(RedirectWorlds worlds) : IClassFixture<RedirectWorlds>
{
    private const string Navigation = "Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: same-origin\r\n";

    private int _judged;

    [Fact]
    public void The_redirect_attacks_cover_at_least_300_addresses_of_20_kinds()
    {
        Assert.InRange(RedirectTargets.All(new Uri("http://localhost:1")).Distinct().Count(), 300, int.MaxValue);
        Assert.InRange(RedirectTargets.Kinds.Count, 20, int.MaxValue);
    }

    [Fact]
    public async Task Every_page_with_a_return_address_redirects_to_the_gateway_or_the_provider_only()
    {
        foreach (World world in worlds.All)
        {
            string name = world.Options.ScriptName;
            using Visitor alice = await world.SignedInAsync("alice", name + "/");
            string cookie = $"Cookie: {alice.Cookies.GetCookieHeader(new Uri(world.Origin + name + "/"))}\r\n";
            using RawClient client = new(world.Port);
            foreach ((string kind, string text) in Targets(world))
            {
                string next = Uri.EscapeDataString(text);
                foreach (string spelled in new[] { next, text }.Distinct().Where(IsSendable))
                {
                    foreach ((string page, string credentials) in new[]
                    {
                        ("/accounts/login/?next=", cookie),
                        ("/accounts/login/?loggedout=1&state=x&next=", cookie),
                        ("/accounts/oidc/authentik/login/?next=", cookie),
                        ("/accounts/oidc/authentik/login/?next=", ""),
                        ("/accounts/oidc/authentik/login/?next=/documents&next=", cookie),
                        ("/accounts/oidc/authentik/login/?process=connect&next=", ""),
                        ("/accounts/oidc/authentik/login/?process=connect&next=", cookie),
                        ("/accounts/logout/?next=", ""),
                        ("/accounts/logout/?post_logout_redirect_uri=", ""),
                        ("/api/auth/logout/?next=", ""),
                        ("/admin/logout/?next=", ""),
                    })
                    {
                        RawAnswer answer = await client.SendAsync(
                            $"GET {name}{page}{spelled} HTTP/1.1\r\nHost: localhost:{world.Port}\r\n{Navigation}{credentials}\r\n");
                        Judge(world, $"{kind}: {page}{spelled}", answer);
                        if (credentials.Length > 0 && !page.Contains("connect", StringComparison.Ordinal))
                        {
                            DoesNothing(world, $"{kind}: {page}{spelled}", answer.Header("Location"));
                        }
                    }
                }
            }
        }

        Say("answers to return addresses");
        Assert.InRange(_judged, 7_000, int.MaxValue);
    }

    [Fact]
    public async Task A_path_that_looks_like_another_site_does_not_redirect_to_that_site()
    {
        foreach (World world in worlds.All)
        {
            using RawClient client = new(world.Port);
            foreach ((string kind, string text) in Targets(world).Where(target => IsSendable(target.Text)))
            {
                // The target of a request to another host, of one to the script name's outside, and of a page that asks for a sign-in first.
                foreach (string host in new[] { "evil.example", $"localhost:{world.Port}" })
                {
                    foreach (string target in new[] { text, "/" + text, "/documents?" + text, $"/{text}?next={text}", "/paperless/" + text })
                    {
                        RawAnswer answer = await client.SendAsync($"GET {target} HTTP/1.1\r\nHost: {host}\r\n{Navigation}\r\n");
                        Judge(world, $"{kind}: {target} at {host}", answer);
                    }
                }
            }
        }

        Say("paths");
        Assert.InRange(_judged, 4_000, int.MaxValue);
    }

    [Fact]
    public async Task A_whole_sign_in_connect_password_sign_in_and_sign_out_redirect_inside_the_gateway_only()
    {
        foreach (World world in worlds.All)
        {
            string name = world.Options.ScriptName;
            foreach ((string kind, string text) in Targets(world).GroupBy(target => target.Kind).Select(kind => kind.ElementAt(kind.Count() / 2)))
            {
                string next = Uri.EscapeDataString(text);
                using Visitor visitor = world.NewVisitor();
                List<Page> pages =
                [
                    await visitor.OpenAsync($"{name}/accounts/login/?next={next}"),
                    await visitor.SignInAsync("alice", text),
                    await TwoProviders.ContinueAsync(
                        visitor, await visitor.NavigateAsync($"{name}/accounts/oidc/authentik/login/?process=connect&next={next}", "same-origin")),
                    await visitor.NavigateAsync($"{name}/accounts/logout/?next={next}", "same-origin"),
                ];
                Assert.All(
                    Links().Matches(pages[0].Text),
                    link => IsOwn(world, $"{kind}: a link of the sign-in page", WebUtility.HtmlDecode(link.Groups[1].Value)));
                foreach (Uri address in pages.SelectMany(page => page.Trail))
                {
                    Assert.True(
                        address.Authority == world.Provider.Address.Authority || address.GetLeftPart(UriPartial.Authority) == world.Origin,
                        $"{kind}: {text} leads to {address}");
                    _judged++;
                }

                // Signed in, connected and signed out: each of them came to its end.
                Assert.StartsWith(name + "/accounts/login/?loggedout=1", pages[3].Address.PathAndQuery, StringComparison.Ordinal);
                Assert.All([pages[1].Address, pages[2].Address], address => DoesNothing(world, $"{kind}: {text}", address.AbsoluteUri));

                using Visitor other = world.NewVisitor();
                Page password = await other.SignInWithPasswordAsync(world, "bob", text);
                IsOwn(world, $"{kind}: a password sign-in", password.Header("Location")!);
                _judged++;
            }
        }

        Say("steps of whole sign-ins");
    }

    [Fact]
    public async Task A_valid_return_address_is_kept_unchanged()
    {
        foreach (World world in worlds.All)
        {
            string name = world.Options.ScriptName;
            using Visitor alice = await world.SignedInAsync("alice", name + "/");
            foreach (string address in RedirectTargets.Genuine.Select(genuine => name + genuine))
            {
                Page login = await alice.OpenAsync($"{name}/accounts/login/?next={Uri.EscapeDataString(address)}", "same-origin");
                using Visitor stranger = world.NewVisitor();
                Page page = await stranger.SignInAsync("bob", address);

                Assert.Equal(address, login.Header("Location"));
                Assert.Equal(new Uri(world.Origin + address).PathAndQuery, page.Address.PathAndQuery);
                IsOwn(world, address, login.Header("Location")!);
            }
        }
    }

    [Theory]
    [InlineData("//evil.example/x", "http://evil.example")]
    [InlineData("/\\evil.example", "http://evil.example")]
    [InlineData("\\\\evil.example", "http://evil.example")]
    [InlineData("/\t/evil.example", "http://evil.example")]
    [InlineData(" \u0001//evil.example", "http://evil.example")]
    [InlineData("https:evil.example", "https://evil.example")]
    [InlineData("http:evil.example", "http://docs.example")]
    [InlineData("http:///evil.example", "http://evil.example")]
    [InlineData("http://docs.example@evil.example:80/", "http://evil.example")]
    [InlineData("java\nscript:alert(1)", "javascript:")]
    [InlineData("/x/../%2e%2E/y", "http://docs.example")]
    [InlineData("?x", "http://docs.example")]
    public void The_URL_parser_of_these_tests_resolves_addresses_as_browsers_do(string location, string origin) =>
        Assert.Equal(origin, BrowserUrl.Resolve(new Uri("http://docs.example/a/b"), location).Origin);

    /// <summary>Each as it is and, where there is a script name, below it.</summary>
    private static IEnumerable<(string Kind, string Text)> Targets(World world)
    {
        IReadOnlyList<(string Kind, string Text)> all = RedirectTargets.All(new Uri(world.Origin));
        return world.Options.ScriptName.Length == 0 ? all : all.Concat(all.Select(target => (target.Kind, world.Options.ScriptName + target.Text)));
    }

    /// <summary>What fits into a request line as it stands.</summary>
    private static bool IsSendable(string text) => text.Length is > 0 and < 6000 && text.All(letter => letter is > ' ' and < '\u0100' and not '\u007f');

    private void Judge(World world, string what, RawAnswer answer)
    {
        _judged++;
        Assert.NotEqual(500, answer.Status);
        if (answer.Header("Refresh") is { } refresh)
        {
            Assert.DoesNotContain("evil", refresh, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Null(answer.Header("X"));
        if (answer.Header("Location") is not { } location)
        {
            return;
        }

        Assert.InRange(answer.Status, 300, 399);
        BrowserUrl there = BrowserUrl.Resolve(new Uri(world.Origin + "/accounts/login/"), location);
        if (there.Origin == world.Provider.Address.GetLeftPart(UriPartial.Authority))
        {
            Assert.Equal("/application/o/authorize/", there.Path);
            Dictionary<string, Microsoft.Extensions.Primitives.StringValues> query = QueryHelpers.ParseQuery(new Uri(location).Query);
            Assert.Equal($"{world.Origin}{world.Options.ScriptName}/accounts/oidc/authentik/login/callback/", query["redirect_uri"]);
            return;
        }

        IsOwn(world, what, location);
    }

    /// <summary>The gateway's own, to .NET and to a browser alike.</summary>
    private static void IsOwn(World world, string what, string location)
    {
        Assert.True(location.All(letter => letter is > ' ' and < '\u007f') && !location.Split('?', '#')[0].Contains('\\'), $"{what}: {location}");
        Uri page = new(world.Origin + "/accounts/login/");
        BrowserUrl there = BrowserUrl.Resolve(page, location);
        Assert.True(there.Origin == world.Origin, $"{what}: {location} is {there.Origin} to a browser");
        Assert.True(new Uri(page, location).GetLeftPart(UriPartial.Authority) == world.Origin, $"{what}: {location} is {new Uri(page, location)} to .NET");
    }

    /// <summary>A sign-in must not end on an address that signs out, or begins a Connect, by being opened.</summary>
    private static void DoesNothing(World world, string what, string? location)
    {
        string path = Uri.UnescapeDataString(BrowserUrl.Resolve(new Uri(world.Origin), location ?? "").Path);
        Assert.False(Acting().IsMatch(path), $"{what}: {location} does something by being opened");
    }

    private void Say(string what) => TestContext.Current.TestOutputHelper?.WriteLine($"{_judged} {what} judged");

    [GeneratedRegex("<a [^>]*href=\"([^\"]*)\"")]
    private static partial Regex Links();

    [GeneratedRegex("^(/paperless)?/((accounts|api/auth|admin)/logout/?$|accounts/)", RegexOptions.IgnoreCase)]
    private static partial Regex Acting();
}
