using Gateway.Pages;
using Gateway.Tests.Admin;
using Gateway.Tests.Kit;
using Gateway.Tests.Pages;
using Microsoft.Playwright;

namespace Gateway.Tests.Browser;

/// <summary>Pages in other languages on a narrow phone: a screenshot in artifacts/screenshots, nothing wider than the screen, no finding of axe.</summary>
/// <remarks>The other languages have longer words than English. The pages are left by selectors, because their words are not known here.</remarks>
[Needs(RealPart.Chromium)]
public sealed class TranslatedPageTests(Chromium chromium)
{
    public static TheoryData<string> Languages => [.. PageLanguage.Available.Keys.Where(language => language != PageLanguage.English.Name)];

    [Theory]
    [InlineData("de")]
    public async Task The_pages_of_a_signed_in_superuser_fit_a_phone(string language)
    {
        await using World world = await AdminWorld.StartAsync(JourneyTests.ForPeople);
        using Visitor bob = await world.SignedInAsync("bob", userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
        await using BrowserWindow window = await chromium.OpenAsync(Screen.Phone, ColorScheme.Light, language);
        Look look = new(window, language);
        IPage page = window.Page;

        await look.OpenAsync("sign-in", world.Origin + "/accounts/login/");
        await look.OpenAsync("signed-out", world.Origin + "/accounts/login/?loggedout=1");
        await look.OpenAsync("not-found", world.Origin + "/gateway/nothing");
        await look.OpenAsync("malformed", world.Origin + "/a/%2Fb");
        await look.OpenAsync("not-signed-in", world.Origin + "/gateway/session");
        await page.GotoAsync(world.Origin + "/accounts/login/?next=%2Fgateway%2Fsession");
        await SignInAsync(page, "alice");
        await look.IsInOrderAsync("session");
        await look.OpenAsync("apps-none", world.Origin + "/gateway/apps");
        await page.Locator("#name").FillAsync("Hall scanner");
        await page.Locator("form.fields button").ClickAsync();
        await page.Locator("pre").WaitForAsync();
        await look.IsInOrderAsync("device-password");
        await look.OpenAsync("apps", world.Origin + "/gateway/apps");
        (await world.SignedInAsync("alice")).Dispose();
        await look.OpenAsync("sessions", world.Origin + "/gateway/sessions");
        await look.OpenAsync("check", world.Origin + "/gateway/check");
        foreach (string list in AdminWorld.Lists)
        {
            await look.OpenAsync("admin" + list[AdminWorld.Path.Length..].Replace('/', '-'), world.Origin + list);
        }

        foreach (string list in new[] { "sessions", "links", "devices" })
        {
            await page.GotoAsync($"{world.Origin}{AdminWorld.Path}/{list}");
            await page.Locator(".sessions a.button").Last.ClickAsync();
            await look.IsInOrderAsync($"admin-{list}-question");
        }

        await page.Locator("form button").ClickAsync();
        await look.IsInOrderAsync("admin-devices-ended");
        using (world.Paperless.Faults.Drop(_ => true))
        {
            await look.OpenAsync("502", world.Origin + "/documents/1");
        }

        await page.GotoAsync(world.Provider.Address.AbsoluteUri);
        await page.EvaluateAsync("address => { location.href = address }", world.Origin + "/accounts/logout/");
        await page.WaitForURLAsync(world.Origin + "/**");
        await look.IsInOrderAsync("confirm-sign-out");
    }

    [Theory]
    [MemberData(nameof(Languages))]
    public async Task The_buttons_of_providers_with_long_names_fit_a_phone(string language)
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = SignInPageTests.Providers(
            ("authentik", "authentik"),
            ("work", "Ministry of Administrative Affairs and Digital Infrastructure"),
            ("unbroken", "single-sign-on.department.subsidiary.very-long-company-name.example.com")));
        await using BrowserWindow window = await chromium.OpenAsync(Screen.Phone, ColorScheme.Light, language);
        Look look = new(window, language);

        await look.OpenAsync("sign-in-several", world.Origin + "/accounts/login/");
        await window.Page.Locator("a.button").Nth(1).ClickAsync();
        await window.Page.Locator(".operator").WaitForAsync();
        await look.IsInOrderAsync("503");
    }

    private static async Task SignInAsync(IPage page, string person)
    {
        await page.Locator("a.button").First.ClickAsync();
        await page.Locator("#sign-in-" + person).ClickAsync();
    }

    /// <summary>One window's way of looking.</summary>
    private sealed class Look(BrowserWindow window, string language)
    {
        private const int Width = 360;

        public async Task OpenAsync(string name, string address)
        {
            await window.Page.GotoAsync(address);
            await IsInOrderAsync(name);
        }

        public async Task IsInOrderAsync(string name)
        {
            await window.Page.SetViewportSizeAsync(Width, 740);
            await Assertions.Expect(window.Page.Locator("html")).ToHaveAttributeAsync("lang", language);
            await Assertions.Expect(window.Page.Locator("h1")).ToHaveCountAsync(1);
            await window.ScreenshotAsync($"{name}-{language}");
            Assert.True(await window.Page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= Width, $"{name} is wider than the screen.");
            string[] cut = await window.Page.EvaluateAsync<string[]>(
                """
                [...document.querySelectorAll('h1, h2, p, dt, dd, label, .button')]
                  .filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)
                """);
            Assert.Empty(cut);
            Assert.Equal([], await window.AccessibilityViolationsAsync());
        }
    }
}
