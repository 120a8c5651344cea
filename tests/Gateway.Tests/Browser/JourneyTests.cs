using System.Text.RegularExpressions;
using Gateway.StandIns.Paperless;
using Gateway.Tests.Kit;
using Microsoft.Playwright;

namespace Gateway.Tests.Browser;

/// <summary>What people do with the gateway, in a real browser.</summary>
[Needs(RealPart.Chromium)]
public sealed partial class JourneyTests(Chromium chromium)
{
    [Fact]
    public async Task A_person_follows_a_deep_link_signs_in_works_and_signs_out()
    {
        await using World world = await World.StartAsync(ForPeople);
        await using BrowserWindow window = await chromium.OpenAsync();
        IPage page = window.Page;

        await page.GotoAsync(world.Origin + "/documents/2?from=mail#page-3");
        await SignInAsync(page, "alice");

        // The deep link, as alice.
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("^" + Regex.Escape(world.Origin + "/documents/2?from=mail")));
        await Assertions.Expect(page.Locator("#username")).ToHaveTextAsync("Alice");
        await Assertions.Expect(page.GetByText("Rental agreement")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#status")).ToHaveTextAsync("connected");

        // An upload, and the live status that tells of it.
        await page.SetInputFilesAsync("#file", new FilePayload { Name = "A letter.pdf", MimeType = "application/pdf", Buffer = new byte[200_000] });
        await page.GetByRole(AriaRole.Button, new() { Name = "Upload" }).ClickAsync();
        await Assertions.Expect(page.Locator("#upload-result")).ToContainTextAsync("Uploaded: ");
        await Assertions.Expect(page.Locator("#status")).ToContainTextAsync("SUCCESS");
        PaperlessUpload upload = Assert.Single(world.Paperless.Data.Uploads);
        Assert.Equal(("alice", "A letter.pdf", 200_000L), (upload.By, upload.FileName, upload.Length));

        await page.GetByRole(AriaRole.Link, new() { Name = "Logout" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(SignedOutAddress());
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Signed out");
        Assert.Empty(world.Provider.Sessions);
        Assert.Empty(world.Paperless.Data.Sessions);
        await world.Paperless.LiveStatus.ListenersAreAsync(0, World.Ct);

        // Nothing of the documents comes back by the back button.
        await page.GoBackAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Sign in");
        await Assertions.Expect(page.GetByText("Rental agreement")).Not.ToBeVisibleAsync();
        Assert.Equal("/accounts/login/", new Uri(page.Url).AbsolutePath);
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task Four_tabs_at_the_provider_each_come_back_to_their_own_page()
    {
        await using World world = await World.StartAsync(options =>
        {
            ForPeople(options);
            options.Settings["PAPERLESS_REDIRECT_LOGIN_TO_SSO"] = "true";
        });
        await using BrowserWindow window = await chromium.OpenAsync();
        IPage[] tabs = [window.Page, await window.NewTabAsync(), await window.NewTabAsync(), await window.NewTabAsync()];

        for (int number = 0; number < tabs.Length; number++)
        {
            await tabs[number].GotoAsync($"{world.Origin}/documents/{number + 1}");
            await Assertions.Expect(tabs[number].GetByRole(AriaRole.Heading)).ToHaveTextAsync("Who are you?");
        }

        // The last first. Its session serves all of them.
        world.Clock.Advance(TimeSpan.FromSeconds(5));
        for (int number = tabs.Length - 1; number >= 0; number--)
        {
            await tabs[number].Locator("#sign-in-alice").ClickAsync();
            await Assertions.Expect(tabs[number]).ToHaveURLAsync($"{world.Origin}/documents/{number + 1}");
            await Assertions.Expect(tabs[number].Locator("#username")).ToHaveTextAsync("Alice");
        }

        Assert.Single(world.Log.Of("SignedIn"));
        Assert.Empty(window.Errors);
    }

    [Fact]
    public async Task A_page_whose_session_ended_in_another_tab_leads_to_the_sign_in_and_back()
    {
        await using World world = await World.StartAsync(ForPeople);
        await using BrowserWindow window = await chromium.OpenAsync();
        await window.Page.GotoAsync(world.Origin + "/documents/2");
        await SignInAsync(window.Page, "alice");
        await Assertions.Expect(window.Page.Locator("#status")).ToHaveTextAsync("connected");
        IPage other = await window.NewTabAsync();
        await other.GotoAsync(world.Origin + "/dashboard");
        await Assertions.Expect(other.Locator("#status")).ToHaveTextAsync("connected");
        await other.GetByRole(AriaRole.Link, new() { Name = "Logout" }).ClickAsync();
        await Assertions.Expect(other).ToHaveURLAsync(SignedOutAddress());
        await Assertions.Expect(window.Page.Locator("#status")).ToHaveTextAsync("disconnected");

        // The app reloads its page on the 401 of its next call, as Paperless's own does.
        await window.Page.SetInputFilesAsync("#file", new FilePayload { Name = "late.pdf", MimeType = "application/pdf", Buffer = [1, 2, 3] });
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Upload" }).ClickAsync();

        await Assertions.Expect(window.Page).ToHaveURLAsync(world.Origin + "/accounts/login/?next=%2Fdocuments%2F2");
        Assert.Empty(world.Paperless.Data.Uploads);
        await SignInAsync(window.Page, "bob");
        await Assertions.Expect(window.Page).ToHaveURLAsync(world.Origin + "/documents/2");
        await Assertions.Expect(window.Page.Locator("#username")).ToHaveTextAsync("Bob");
        Assert.All(window.Errors, error => Assert.Contains("401", error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_sign_in_and_the_sign_out_work_with_the_keyboard_alone()
    {
        await using World world = await World.StartAsync(ForPeople);
        await using BrowserWindow window = await chromium.OpenAsync();
        IPage page = window.Page;
        await page.GotoAsync(world.Origin + "/dashboard");

        await page.Keyboard.PressAsync("Tab");
        await Assertions.Expect(page.GetByRole(AriaRole.Link, new() { Name = "Sign in with authentik" })).ToBeFocusedAsync();
        Assert.NotEqual("none", await page.EvaluateAsync<string>("getComputedStyle(document.activeElement).outlineStyle"));
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Who are you?");
        await page.Keyboard.PressAsync("Tab");
        await Assertions.Expect(page.Locator("#sign-in-alice")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");

        await Assertions.Expect(page).ToHaveURLAsync(world.Origin + "/dashboard");
        await Assertions.Expect(page.Locator("#username")).ToHaveTextAsync("Alice");
        Assert.Empty(window.Errors);
    }

    [Theory]
    [InlineData("GET", false)]
    [InlineData("POST", true)]
    public async Task A_cross_site_sign_out_only_shows_a_question_and_the_answer_signs_out(string method, bool restarted)
    {
        await using World world = await World.StartAsync(ForPeople);
        await using BrowserWindow window = await chromium.OpenAsync();
        IPage page = window.Page;
        await page.GotoAsync(world.Origin + "/dashboard");
        await SignInAsync(page, "alice");
        await Assertions.Expect(page.Locator("#status")).ToHaveTextAsync("connected");
        if (restarted)
        {
            await world.RestartGatewayAsync();
        }

        // The provider's host serves as the other site: to a browser 127.0.0.1 and localhost are two.
        await page.GotoAsync(world.Provider.Address.AbsoluteUri);
        await page.EvaluateAsync(
            """
            ([method, action]) => {
              const form = document.createElement('form')
              Object.assign(form, { method, action })
              document.body.append(form)
              form.submit()
            }
            """,
            new[] { method, world.Origin + "/accounts/logout/" });
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Sign out?");

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(SignedOutAddress());
        Assert.Empty(world.Provider.Sessions);
        Assert.Empty(window.Errors);
    }

    internal static void ForPeople(WorldOptions options)
    {
        options.Settings["PAPERLESS_ENABLE_HTTP_REMOTE_USER_API"] = "true";
        options.Paperless = paperless => paperless with { RemoteUserApi = true };
    }

    /// <summary>On the page that asks whether the account is theirs: "Yes", its password, and on to Paperless.</summary>
    internal static async Task ConnectWithPasswordAsync(IPage page, string person)
    {
        await page.GetByRole(AriaRole.Link, new() { Name = "Yes: sign in with its Paperless password once" }).ClickAsync();
        await page.GetByLabel("Username").FillAsync(person);
        await page.GetByLabel("Password").FillAsync(person);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.Locator("#sign-in-" + person).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Back to Paperless" }).ClickAsync();
    }

    internal static async Task SignInAsync(IPage page, string person)
    {
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign in with authentik" }).ClickAsync();
        await page.Locator("#sign-in-" + person).ClickAsync();
    }

    [GeneratedRegex(@"/accounts/login/\?loggedout=1")]
    private static partial Regex SignedOutAddress();
}
