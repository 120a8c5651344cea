using Gateway.Forwarding;
using Gateway.StandIns.Paperless;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;
using Microsoft.Playwright;

namespace Gateway.Tests.Browser;

/// <summary>The other pages on every screen: a screenshot in artifacts/screenshots, no finding of axe, no horizontal overflow.</summary>
[Needs(RealPart.Chromium)]
public sealed class PageAppearanceTests(Chromium chromium)
{
    public static TheoryData<Screen, ColorScheme> Looks => PageLook.Looks;

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task A_person_makes_a_device_password_on_every_screen_and_ends_it(Screen screen, ColorScheme colors)
    {
        await using World world = await World.StartAsync(JourneyTests.ForPeople);
        await using BrowserWindow window = await chromium.OpenAsync(screen, colors);
        PageLook look = new(window, screen, colors);
        IPage page = window.Page;
        await page.GotoAsync(world.Origin + "/accounts/login/?next=%2Fgateway%2Fsession");
        await JourneyTests.SignInAsync(page, "alice");

        await page.GetByRole(AriaRole.Link, new() { Name = "Apps and scanners" }).ClickAsync();
        await look.IsInOrderAsync("apps-none", "Your device passwords");
        await page.GetByLabel("Name of the device").FillAsync("Hall scanner");
        await page.GetByLabel("It opens").SelectOptionAsync("Uploads only");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make device password" }).ClickAsync();

        // By itself: the policy of the page with the form lets no form lead to the provider.
        await look.IsInOrderAsync("device-password", "Your new device password");
        await Assertions.Expect(page.Locator("pre")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("^pgd_.{49}$"));
        string secret = await page.Locator("pre").InnerTextAsync();
        using Visitor app = world.NewVisitor();
        Assert.Equal(System.Net.HttpStatusCode.OK, await Apps.DeviceForm.UseAsync(app, secret, "/api/ui_settings/"));
        await page.ReloadAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Your device passwords");
        await look.IsInOrderAsync("apps", "Your device passwords");
        await Assertions.Expect(page.GetByRole(AriaRole.Listitem)).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Link, new() { Name = "All your sessions" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("End my device password, too")).Not.ToBeCheckedAsync();
        await look.IsInOrderAsync("sessions-with-device-password", "Your sessions");

        await page.GetByRole(AriaRole.Link, new() { Name = "Apps and scanners" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "End this device password" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Listitem)).ToHaveCountAsync(0);
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, await Apps.DeviceForm.UseAsync(app, secret, "/api/ui_settings/"));
        Assert.Empty(window.Errors);
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task The_error_pages_look_right_on_every_screen(Screen screen, ColorScheme colors)
    {
        await using World world = await World.StartAsync(options =>
        {
            JourneyTests.ForPeople(options);
            options.Services = services => services.AddSingleton(new ForwardingTimeouts(TimeSpan.FromSeconds(1)));
        });
        await using BrowserWindow window = await chromium.OpenAsync(screen, colors);
        PageLook look = new(window, screen, colors);
        IPage page = window.Page;

        await page.GotoAsync(world.Origin + "/a/%2Fb");
        await look.IsInOrderAsync("400", "Malformed address");
        await page.GotoAsync(world.Origin + "/gateway/nothing");
        await look.IsInOrderAsync("404", "Not found");
        world.Provider.NextAuthorizeError = new ProviderError(
            "access_denied",
            "The policy paperless-access-for-family-members-only does not allow this: <b>ask</b> your administrator.");
        await page.GotoAsync(world.Origin + "/accounts/login/");
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign in with authentik" }).ClickAsync();
        await look.IsInOrderAsync("provider-refused", "The provider refused");
        await page.GotoAsync(world.Origin + "/accounts/login/");
        await JourneyTests.SignInAsync(page, "alice");
        await Assertions.Expect(page.Locator("#status")).ToHaveTextAsync("connected");

        using (world.Paperless.Faults.Drop(_ => true))
        {
            await page.GotoAsync(world.Origin + "/documents/1");
            await look.IsInOrderAsync("502", "Paperless does not answer");
        }

        using (Fault held = world.Paperless.Faults.Hold(request => request.Path == "/documents/1"))
        {
            await page.GotoAsync(world.Origin + "/documents/1");
            await look.IsInOrderAsync("504", "Paperless takes too long");
        }

        Assert.All(window.Errors, error => Assert.Matches("status of (400|403|404|502|504)", error));
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task A_superuser_looks_through_the_admin_pages_and_ends_a_session_on_every_screen(Screen screen, ColorScheme colors)
    {
        await using World world = await Admin.AdminWorld.StartAsync(JourneyTests.ForPeople);
        using Visitor bob = await world.SignedInAsync("bob", userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
        await using BrowserWindow window = await chromium.OpenAsync(screen, colors);
        PageLook look = new(window, screen, colors);
        IPage page = window.Page;
        await page.GotoAsync(world.Origin + "/accounts/login/?next=%2Fgateway%2Fsessions");
        await JourneyTests.SignInAsync(page, "alice");
        await Apps.DeviceWorld.MakeDevicePasswordAsync(world, "bob");
        using Visitor stranger = world.NewVisitor();
        await stranger.FetchAsync("/api/documents/7/");

        await page.GetByRole(AriaRole.Link, new() { Name = "Administration" }).ClickAsync();
        await look.IsInOrderAsync("admin", "Administration", isWide: true);
        foreach ((string link, string name) in new[]
        {
            ("Password sessions", "admin-password-sessions"), ("Connected accounts", "admin-links"), ("Device passwords", "admin-devices"),
            ("Refusals", "admin-refusals"), ("Configuration", "admin-settings"), ("Sessions", "admin-sessions"),
        })
        {
            await page.GetByRole(AriaRole.Link, new() { Name = link, Exact = true }).ClickAsync();
            await look.IsInOrderAsync(name, link, isWide: true);
        }

        await page.GetByLabel("User name").FillAsync("bob");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "End this session" }).ClickAsync();
        await look.IsInOrderAsync("admin-question", "End this session?");
        await page.GetByRole(AriaRole.Button, new() { Name = "End the session" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("The session has ended.");
        await look.IsInOrderAsync("admin-session-ended", "Sessions", isWide: true);
        Assert.Null(await bob.WhoAsync());
        Assert.Empty(window.Errors);
    }
}
