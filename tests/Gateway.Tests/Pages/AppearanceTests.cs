using System.Net;
using System.Text.RegularExpressions;
using Gateway.Settings;
using Gateway.Tests.Kit;
using Gateway.Tests.PasswordSessions;

namespace Gateway.Tests.Pages;

/// <summary>The name, the logo, the icons and the texts of the pages.</summary>
public sealed partial class AppearanceTests
{
    private const string Svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 2 2\"><circle cx=\"1\" cy=\"1\" r=\"1\"/></svg>";

    [Fact]
    public async Task The_pages_show_Paperlesss_name_and_an_icon_that_browsers_keep()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/login/");
        Page icon = await stranger.SendAsync(HttpMethod.Get, Icon().Match(page.Text).Groups["href"].Value);

        Assert.Contains("<span>Paperless-ngx</span>", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("by Paperless-ngx", page.Text, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, "image/svg+xml"), (icon.Status, icon.Header("Content-Type")));
        Assert.Equal(("public, max-age=31536000, immutable", "nosniff"), (icon.Header("Cache-Control"), icon.Header("X-Content-Type-Options")));
        Assert.Contains("sandbox", icon.Header("Content-Security-Policy"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/docs")]
    public async Task The_title_and_the_logo_of_the_environment_are_shown_before_anybody_has_signed_in(string scriptName)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.ScriptName = scriptName;
            options.Settings["PAPERLESS_APP_TITLE"] = "Smith & <Sons>";
            options.Settings["PAPERLESS_APP_LOGO"] = "/logo/our leaf.png";
            options.Paperless = paperless => paperless with { AppTitle = "Smith & <Sons>", AppLogo = "/logo/our leaf.png" };
        });
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync(scriptName + "/accounts/login/");
        Page logo = await stranger.SendAsync(HttpMethod.Get, scriptName + "/logo/our%20leaf.png");

        Assert.Contains("<title>Sign in – Smith &amp; &lt;Sons&gt;</title>", page.Text, StringComparison.Ordinal);
        Assert.Contains($"<img class=\"logo\" src=\"{scriptName}/logo/our%20leaf.png\" alt=\"Smith &amp; &lt;Sons&gt;\"", page.Text, StringComparison.Ordinal);
        Assert.Contains("by Paperless-ngx", page.Text, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, "image/png"), (logo.Status, logo.Header("Content-Type")));
        Assert.Empty(world.Forwarded[^1].Lines("Remote-User"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_title_in_Paperlesss_own_configuration_comes_first(bool withPassword)
    {
        await using World world = await World.StartAsync(options =>
        {
            options.Settings["PAPERLESS_APP_TITLE"] = "Of the environment";
            options.Paperless = paperless => paperless with { AppTitle = "Of the configuration" };
        });
        using Visitor alice = withPassword ? await world.SignedInWithPasswordAsync("alice") : await world.SignedInAsync("alice");
        Assert.Equal(HttpStatusCode.OK, (await alice.SessionAsync()).Status);
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/login/");

        Assert.Contains("<title>Sign in – Of the configuration</title>", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/logo/leaf.svg", "/logo/leaf.svg")]
    [InlineData("logo/leaf.svg", "/logo/leaf.svg")]
    [InlineData("/logo/../admin/", null)]
    [InlineData("//evil.example/logo/x", null)]
    [InlineData("https://evil.example/logo.png", null)]
    [InlineData("/media/documents/1.pdf", null)]
    [InlineData("/logo/a?b", null)]
    [InlineData("/logo/", null)]
    [InlineData(null, null)]
    public void Only_a_file_in_Paperlesss_public_logo_directory_is_a_logo(string? path, string? logo) =>
        Assert.Equal(logo, AppearanceSettings.CleanLogo(path));

    [Fact]
    public async Task A_provider_has_an_icon_from_a_file_that_the_gateway_itself_serves()
    {
        string file = await FileAsync(".svg", Svg);
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_PROVIDER_ICONS"] = $"authentik={file}");
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/login/");
        GatewayPages.IsOne(page, "Sign in");
        string address = ProviderIcon().Match(page.Text).Groups["src"].Value;
        Page icon = await stranger.SendAsync(HttpMethod.Get, address);
        Page head = await stranger.SendAsync(HttpMethod.Head, address);

        Assert.StartsWith("/gateway/assets/", address, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, "image/svg+xml", Svg), (icon.Status, icon.Header("Content-Type"), icon.Text));
        Assert.Equal("nosniff", icon.Header("X-Content-Type-Options"));
        Assert.Contains("sandbox", icon.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.OK, ""), (head.Status, head.Text));
    }

    [Theory]
    [InlineData("other", Svg, "there is no provider \"other\"")]
    [InlineData("authentik", "<!DOCTYPE html><html><body><svg></svg></body></html>", "is no PNG, WebP or SVG")]
    [InlineData("authentik", "GIF89a", "is no PNG, WebP or SVG")]
    [InlineData("authentik", "", "is no PNG, WebP or SVG")]
    public async Task An_icon_that_is_no_picture_or_of_no_provider_is_a_problem(string provider, string content, string problem)
    {
        string file = await FileAsync(".svg", content);

        Assert.Contains(problem, Problem("GATEWAY_PROVIDER_ICONS", $"{provider}={file}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_large_or_missing_icon_is_a_problem()
    {
        string large = await FileAsync(".svg", Svg + new string(' ', 64 * 1024));

        Assert.Contains("is larger than 64 KiB", Problem("GATEWAY_PROVIDER_ICONS", $"authentik={large}"), StringComparison.Ordinal);
        Assert.Contains("cannot be read", Problem("GATEWAY_PROVIDER_ICONS", $"authentik={large}.gone"), StringComparison.Ordinal);
        Assert.Contains("names no file", Problem("GATEWAY_PROVIDER_ICONS", "authentik"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_sign_in_page_shows_the_operators_text_encoded_and_with_its_lines()
    {
        await using World world = await World.StartAsync(options => options.Settings["GATEWAY_SIGN_IN_TEXT"] = @"For <b>staff</b> only.\nAsk Ada.");
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.OpenAsync("/accounts/login/");

        Assert.Contains("<p class=\"announcement\">For &lt;b&gt;staff&lt;/b&gt; only.\nAsk Ada.</p>", WebUtility.HtmlDecode(page.Text)
            .Replace("<b>", "&lt;b&gt;", StringComparison.Ordinal).Replace("</b>", "&lt;/b&gt;", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_of_more_than_1000_characters_is_a_problem() =>
        Assert.Contains("has more than 1000 characters", Problem("GATEWAY_SIGN_IN_TEXT", new string('x', 1001)), StringComparison.Ordinal);

    [Fact]
    public async Task Sign_out_everywhere_stands_before_the_list_of_sessions()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        string text = (await alice.OpenAsync("/gateway/sessions")).Text;

        Assert.True(text.IndexOf("Sign out everywhere", StringComparison.Ordinal) < text.IndexOf("<ul class=\"sessions\">", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_question_before_a_logout_leads_to_the_list_of_sessions()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");

        Page page = await alice.OpenAsync("/accounts/logout/", "cross-site");

        GatewayPages.IsOne(page, "Sign out?", $"'self' {world.Provider.Address.GetLeftPart(UriPartial.Authority)}");
        Assert.Contains("href=\"/gateway/sessions\"", page.Text, StringComparison.Ordinal);
    }

    private static async Task<string> FileAsync(string extension, string content)
    {
        string file = Path.Combine(Path.GetTempPath(), $"gateway-tests-{Guid.NewGuid():N}{extension}");
        await File.WriteAllTextAsync(file, content, World.Ct);
        return file;
    }

    private static string Problem(string name, string value)
    {
        Variables variables = new(new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create(name, (string?)value)]).Build());
        new AppearanceSettingsReader(variables).Read(["authentik"]);
        return Assert.Single(variables.Problems).Wrong;
    }

    [GeneratedRegex("<link rel=\"icon\" href=\"(?<href>[^\"]*)\"")]
    private static partial Regex Icon();

    [GeneratedRegex("<img class=\"icon\" src=\"(?<src>[^\"]*)\" width=\"20\" height=\"20\" alt")]
    private static partial Regex ProviderIcon();
}
