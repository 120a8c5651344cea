using Gateway.StandIns.Paperless;
using Gateway.Tests.Accounts;
using Microsoft.Playwright;

namespace Gateway.Tests.Browser;

/// <summary>Connect and disconnect in a real browser, starting from My Profile of Paperless.</summary>
[Needs(RealPart.Chromium)]
public sealed class ConnectJourneyTests(Chromium chromium)
{
    [Fact]
    public async Task A_person_connects_a_second_provider_signs_in_with_it_and_disconnects_it()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(JourneyTests.ForPeople);
        await using BrowserWindow window = await chromium.OpenAsync();
        IPage page = window.Page;
        await page.GotoAsync(both.World.Origin + "/dashboard");
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign in with authentik" }).ClickAsync();

        await OpenProfileAsync(page);
        await Assertions.Expect(page.Locator("#social-accounts > li")).ToHaveTextAsync(["alice (authentik) Disconnect"]);
        await Assertions.Expect(page.Locator("#social-providers > li")).ToHaveTextAsync(["authentik", "other"]);
        await page.Locator("#social-providers").GetByRole(AriaRole.Link, new() { Name = "other" }).ClickAsync();
        await ContinueAsync(page);
        await Assertions.Expect(page).ToHaveURLAsync(both.World.Origin + "/");
        await OpenProfileAsync(page);
        await Assertions.Expect(page.Locator("#social-accounts > li")).ToHaveTextAsync(["alice (authentik) Disconnect", "bob (other) Disconnect"]);

        await page.GetByRole(AriaRole.Link, new() { Name = "Logout" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Signed out");
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign in with other" }).ClickAsync();
        await Assertions.Expect(page.Locator("meta[name=username]")).ToHaveAttributeAsync("content", "alice");

        await OpenProfileAsync(page);
        await page.GetByRole(AriaRole.Listitem).Filter(new() { HasText = "bob (other)" }).GetByRole(AriaRole.Button, new() { Name = "Disconnect" })
            .ClickAsync();
        await Assertions.Expect(page.Locator("#social-accounts > li")).ToHaveTextAsync(["alice (authentik) Disconnect"]);
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator("#social-accounts > li")).ToHaveTextAsync(["alice (authentik) Disconnect"]);
        Assert.Equal("authentik", Assert.Single(both.LinksOf("alice")).Provider);
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task A_provider_account_linked_to_another_user_is_refused_and_another_one_can_be_connected()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(JourneyTests.ForPeople);
        await both.AddLinkAsync("bob", both.Other.Find("bob")!.Subject, both.Other.Issuer.AbsoluteUri, "other");
        await using BrowserWindow window = await chromium.OpenAsync();
        IPage page = window.Page;
        await page.GotoAsync(both.World.Origin + "/profile");
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign in with authentik" }).ClickAsync();
        await page.Locator("#social-providers").GetByRole(AriaRole.Link, new() { Name = "other" }).ClickAsync();
        await Assertions.Expect(page.GetByText("This sign-in belongs to another Paperless account.")).ToBeVisibleAsync();
        Assert.Equal([], await window.AccessibilityViolationsAsync());

        both.Other.SignsInAs = null;
        await page.GetByRole(AriaRole.Link, new() { Name = "Connect another one" }).ClickAsync();
        await page.Locator("#sign-in-admin").ClickAsync();
        await ContinueAsync(page);
        await OpenProfileAsync(page);

        await Assertions.Expect(page.Locator("#social-accounts > li")).ToHaveTextAsync(["alice (authentik) Disconnect", "admin (other) Disconnect"]);
        Assert.All(window.Errors, error => Assert.Contains("status of 403", error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_page_that_waits_for_Paperless_completes_a_connect_by_itself()
    {
        await using TwoProviders both = await TwoProviders.StartAsync(JourneyTests.ForPeople);
        await using BrowserWindow window = await chromium.OpenAsync();
        IPage page = window.Page;
        await page.GotoAsync(both.World.Origin + "/profile");
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign in with authentik" }).ClickAsync();
        await Assertions.Expect(page.Locator("#social-providers > li")).ToHaveCountAsync(2);
        using (Fault fault = both.World.Paperless.Faults.Answer(request => request.RawPath.StartsWith("/api/users/", StringComparison.Ordinal), 503))
        {
            await page.Locator("#social-providers").GetByRole(AriaRole.Link, new() { Name = "other" }).ClickAsync();
            await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Paperless answers with an error");
        }

        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Connected", new() { Timeout = 20_000 });
        Assert.Equal(2, both.LinksOf("alice").Count);
    }

    private static async Task ContinueAsync(IPage page)
    {
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Connected");
        await page.GetByRole(AriaRole.Link, new() { Name = "Back to Paperless" }).ClickAsync();
    }

    private static async Task OpenProfileAsync(IPage page)
    {
        await Assertions.Expect(page.Locator("#status")).ToHaveTextAsync("connected");
        await page.GetByRole(AriaRole.Link, new() { Name = "My Profile" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Edit Profile");
        await Assertions.Expect(page.Locator("#status")).ToHaveTextAsync("connected");
    }
}
