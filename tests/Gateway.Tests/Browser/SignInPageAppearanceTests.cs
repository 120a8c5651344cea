using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Microsoft.Playwright;

namespace Gateway.Tests.Browser;

/// <summary>The pages of a sign-in on every screen: a screenshot in artifacts/screenshots, no finding of axe, no horizontal overflow.</summary>
[Needs(RealPart.Chromium)]
public sealed class SignInPageAppearanceTests(Chromium chromium)
{
    public static TheoryData<Screen, ColorScheme> Looks => PageLook.Looks;

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task The_session_and_sign_in_pages_look_right_on_every_screen(Screen screen, ColorScheme colors)
    {
        await using World world = await World.StartAsync(options =>
        {
            JourneyTests.ForPeople(options);
            options.Settings["GATEWAY_ALLOWED_GROUPS"] = "family";
        });
        await using BrowserWindow window = await chromium.OpenAsync(screen, colors);
        PageLook look = new(window, screen, colors);
        IPage page = window.Page;

        await page.GotoAsync(world.Origin + "/accounts/login/?next=%2Fdashboard");
        await look.IsInOrderAsync("sign-in", "Sign in");
        await page.GotoAsync(world.Origin + "/accounts/login/?loggedout=1");
        await look.IsInOrderAsync("signed-out", "Signed out");
        await page.GotoAsync(world.Origin + "/accounts/login/?sharelink_expired=1");
        await look.IsInOrderAsync("share-link-expired", "Sign in");
        Assert.Empty(window.Errors);

        await page.GotoAsync(world.Origin + "/gateway/session");
        await look.IsInOrderAsync("not-signed-in", "Not signed in");
        await page.GotoAsync(world.Origin + "/accounts/login/");
        await JourneyTests.SignInAsync(page, "bob");
        await look.IsInOrderAsync("no-access", "No access");
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign in as somebody else" }).ClickAsync();
        await look.ProviderIsInOrderAsync("provider-sign-in", "Who are you?");
        await page.Locator("#sign-in-alice").ClickAsync();
        await Assertions.Expect(page.Locator("#username")).ToHaveTextAsync("Alice");
        await Assertions.Expect(page.Locator("#status")).ToHaveTextAsync("connected");
        await look.PaperlessIsInOrderAsync("paperless-dashboard");
        await page.GotoAsync(world.Origin + "/gateway/session");
        await look.IsInOrderAsync("session", "Your session");
        (await world.SignedInAsync("alice", userAgent: "a-program-with-a-very-long-name-that-nobody-has-heard-of-and-no-blank/1.0")).Dispose();
        await page.GetByRole(AriaRole.Link, new() { Name = "All your sessions" }).ClickAsync();
        await look.IsInOrderAsync("sessions", "Your sessions");
        await page.GetByRole(AriaRole.Button, new() { Name = "End this session" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Listitem)).ToHaveCountAsync(1);

        await page.GotoAsync(world.Provider.Address.AbsoluteUri);
        await page.EvaluateAsync("address => { location.href = address }", world.Origin + "/accounts/logout/");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading)).ToHaveTextAsync("Sign out?");
        await look.IsInOrderAsync("confirm-sign-out", "Sign out?");

        // The button leads on to the provider, which the page's policy must allow.
        await page.GotoAsync(world.Origin + "/gateway/sessions");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out everywhere" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(@"/accounts/login/\?loggedout=1"));
        Assert.All(window.Errors, error => Assert.Matches("status of (401|403)", error));
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task The_pages_of_a_password_sign_in_look_right_on_every_screen(Screen screen, ColorScheme colors)
    {
        await using World world = await World.StartAsync(options =>
        {
            JourneyTests.ForPeople(options);
            options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "false";
        });
        world.Paperless.Data.AddUser("carol", user => user with { Password = "carol" });
        await using BrowserWindow window = await chromium.OpenAsync(screen, colors);
        PageLook look = new(window, screen, colors);
        IPage page = window.Page;

        await page.GotoAsync(world.Origin + "/documents/2");
        await look.IsInOrderAsync("sign-in-password", "Sign in");
        await FillInAsync("alice");
        await Assertions.Expect(page).ToHaveURLAsync(world.Origin + "/documents/2");
        await Assertions.Expect(page.Locator("#username")).ToHaveTextAsync("alice");
        await Assertions.Expect(page.Locator("#status")).ToHaveTextAsync("connected");
        await page.GotoAsync(world.Origin + "/gateway/session");
        await look.IsInOrderAsync("session-password", "Your session");
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign out" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(world.Origin + "/accounts/login/?loggedout=1");

        await FillInAsync("carol");
        await look.IsInOrderAsync("permission-missing", "A permission is missing");
        Assert.All(window.Errors, error => Assert.Contains("status of 403", error, StringComparison.Ordinal));

        async Task FillInAsync(string person)
        {
            await page.GetByRole(AriaRole.Link, new() { Name = "Sign in with a Paperless password" }).ClickAsync();
            await page.GetByLabel("Username").FillAsync(person);
            await page.GetByLabel("Password").FillAsync(person);
            await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task The_pages_of_several_providers_with_long_names_look_right_on_every_screen(Screen screen, ColorScheme colors)
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = SignInPageTests.Providers(
            ("authentik", "authentik"),
            ("work", "Ministry of Administrative Affairs and Digital Infrastructure"),
            ("unbroken", "single-sign-on.department.subsidiary.very-long-company-name.example.com")));
        await using BrowserWindow window = await chromium.OpenAsync(screen, colors);
        PageLook look = new(window, screen, colors);

        await window.Page.GotoAsync(world.Origin + "/accounts/login/?loggedout=1");
        await look.IsInOrderAsync("sign-in-several", "Signed out");
        Assert.Empty(window.Errors);
        await window.Page.GetByRole(AriaRole.Link, new() { Name = "Ministry" }).ClickAsync();
        await look.IsInOrderAsync("503", "The provider does not answer");
        Assert.All(window.Errors, error => Assert.Contains("status of 503", error, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task The_pages_for_a_person_without_an_account_look_right_on_every_screen(Screen screen, ColorScheme colors)
    {
        await using World world = await World.StartAsync(options =>
        {
            JourneyTests.ForPeople(options);
            options.Settings["PAPERLESS_SOCIAL_AUTO_SIGNUP"] = "false";
            options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "true";
        });
        await using BrowserWindow window = await chromium.OpenAsync(screen, colors);
        PageLook look = new(window, screen, colors);
        IPage page = window.Page;

        // The superuser of that name is nobody's by the name alone, so the person chooses another one.
        await page.GotoAsync(world.Origin + "/accounts/login/");
        await JourneyTests.SignInAsync(page, "admin");
        await look.IsInOrderAsync("account-question-command", "Is this account yours?");
        await page.GetByRole(AriaRole.Button, new() { Name = "No, make me a new account" }).ClickAsync();
        await look.IsInOrderAsync("choose-username", "Choose a user name");
        Assert.True(await page.Locator("#username").EvaluateAsync<bool>("input => input === document.activeElement"));
        await Assertions.Expect(page.GetByLabel("User name")).ToHaveValueAsync("admin2");
        await page.GetByLabel("User name").FillAsync("admin");
        await page.Keyboard.PressAsync("Enter");
        await look.IsInOrderAsync("choose-username-taken", "Choose a user name");
        await page.GetByLabel("User name").FillAsync("ada");
        using (world.Paperless.Faults.Answer(request => request.RawPath == "/api/users/", 500))
        {
            await page.Keyboard.PressAsync("Enter");
            await look.IsInOrderAsync("paperless-error", "Paperless answers with an error");
        }

        // The page tries again by itself, and the questions come back.
        await page.GetByRole(AriaRole.Button, new() { Name = "No, make me a new account" }).ClickAsync(new() { Timeout = 20_000 });
        await Assertions.Expect(page.GetByLabel("User name")).ToBeVisibleAsync(new() { Timeout = 20_000 });
        await page.GetByLabel("User name").FillAsync("ada");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator("#username")).ToHaveTextAsync("Ada");
        Assert.All(window.Errors, error => Assert.Matches("status of (400|403|503)", error));
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task The_owner_connects_the_one_superuser_at_the_first_sign_in(Screen screen, ColorScheme colors)
    {
        await using World world = await World.StartAsync(options =>
        {
            JourneyTests.ForPeople(options);
            options.Settings["PAPERLESS_DISABLE_REGULAR_LOGIN"] = "false";
        });
        await using BrowserWindow window = await chromium.OpenAsync(screen, colors);
        PageLook look = new(window, screen, colors);
        IPage page = window.Page;

        await page.GotoAsync(world.Origin + "/documents/2");
        await JourneyTests.SignInAsync(page, "admin");
        await look.IsInOrderAsync("account-question", "Is this account yours?");
        await page.GetByRole(AriaRole.Link, new() { Name = "Yes: sign in with its Paperless password once" }).ClickAsync();
        await page.GetByLabel("Username").FillAsync("admin");
        await page.GetByLabel("Password").FillAsync("admin");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await page.Locator("#sign-in-admin").ClickAsync();
        await look.IsInOrderAsync("account-question-connected", "Connected");
        await page.GetByRole(AriaRole.Link, new() { Name = "Back to Paperless" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(world.Origin + "/documents/2");
        await page.GotoAsync(world.Origin + "/gateway/check");
        await look.IsInOrderAsync("check", "Check");
        await Assertions.Expect(page.GetByText("authentik: client secret")).ToBeVisibleAsync();
        Assert.Empty(window.Errors);
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task The_sign_in_page_with_logo_text_and_icons_looks_right_on_every_screen(Screen screen, ColorScheme colors)
    {
        string icon = Path.Combine(Path.GetTempPath(), $"gateway-tests-{Guid.NewGuid():N}.svg");
        await File.WriteAllTextAsync(
            icon,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 2 2\"><circle cx=\"1\" cy=\"1\" r=\"1\" fill=\"#fd4b2d\"/></svg>",
            World.Ct);
        await using World world = await World.StartAsync(options =>
        {
            JourneyTests.ForPeople(options);
            options.Settings["PAPERLESS_APP_TITLE"] = "Smith & Sons";
            options.Settings["GATEWAY_SIGN_IN_TEXT"] = @"For the people of Smith & Sons.\nQuestions? Ask Ada, room 12.";
            options.Settings["GATEWAY_PROVIDER_ICONS"] = $"authentik={icon}";
            options.Paperless = paperless => paperless with { AppTitle = "Smith & Sons", AppLogo = screen == Screen.Phone ? "/logo/leaf.png" : null };
        });
        await using BrowserWindow window = await chromium.OpenAsync(screen, colors);
        PageLook look = new(window, screen, colors);
        await window.Page.GotoAsync(world.Origin + "/accounts/login/");
        await look.IsInOrderAsync("sign-in-branded", "Sign in");
        Assert.True(await window.Page.Locator(".icon").EvaluateAsync<bool>("image => image.complete && image.naturalWidth > 0"));

        // The logo in Paperless's configuration is known after the first sign-in.
        await JourneyTests.SignInAsync(window.Page, "alice");
        await window.Page.GotoAsync(world.Origin + "/gateway/sessions");
        await look.IsInOrderAsync("sessions-branded", "Your sessions");
        Assert.Equal(screen == Screen.Phone ? 1 : 0, await window.Page.Locator("img.logo").CountAsync());
        if (screen == Screen.Desktop)
        {
            await window.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
            Assert.Equal("rgb(79, 174, 93)", await window.Page.Locator(".leaf").EvaluateAsync<string>("leaf => getComputedStyle(leaf).fill"));
        }

        Assert.Empty(window.Errors);
    }
}
