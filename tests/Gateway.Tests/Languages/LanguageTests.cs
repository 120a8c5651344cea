using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Gateway.Pages;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Languages;

/// <summary>In which language a person reads a page.</summary>
public sealed partial class LanguageTests
{
    private const string German = "Anmelden";

    /// <summary>With "de-" before and five letters after, as long as a name may be.</summary>
    private const string Parts = "aaaaaaaa-bbbbbbbb-dddddddd";

    private const string Ten = "ja,ja,ja,ja,ja,ja,ja,ja,ja,ja,";

    [Theory]
    [InlineData(null, "en", "Sign in")]
    [InlineData("", "en", "Sign in")]
    [InlineData("de", "de", German)]
    [InlineData("de-AT", "de", German)]
    [InlineData("DE-de", "de", German)]
    [InlineData("de-Latn-AT-1996", "de", German)]
    [InlineData("en-US,en;q=0.9,de;q=0.8", "en", "Sign in")]
    [InlineData("en;q=0.5, de;q=0.7", "de", German)]
    [InlineData("ja,de;q=0.5,en;q=0.4", "de", German)]
    [InlineData("ja", "en", "Sign in")]
    [InlineData("de;q=0", "en", "Sign in")]
    [InlineData("*", "en", "Sign in")]
    [InlineData("de_DE", "en", "Sign in")]
    [InlineData("de-" + Parts + "-ccccc", "de", German)]
    [InlineData("de-" + Parts + "-cccccc", "en", "Sign in")]
    [InlineData(Ten + Ten + Ten + Ten + "ja,ja,ja,ja,ja,ja,ja,ja,ja,de", "de", German)]
    [InlineData(Ten + Ten + Ten + Ten + Ten + "de", "en", "Sign in")]
    public async Task A_page_is_in_the_first_language_of_the_browser_that_there_is(string? accepted, string language, string heading)
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await OpenAsync(stranger, "/accounts/login/", accepted);

        IsIn(page, language);
        Assert.Contains($"<h1>{heading}</h1>", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_language_has_its_own_sign_in_page()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();
        HashSet<string> headings = [];
        foreach (string language in PageLanguage.Available.Keys)
        {
            Page page = await OpenAsync(stranger, "/accounts/login/?loggedout=1", language);
            IsIn(page, language);
            headings.Add(Heading().Match(page.Text).Value);
        }

        Assert.Equal(PageLanguage.Available.Count, headings.Count);
    }

    [Theory]
    [InlineData("de-de", "fr", "de")]
    [InlineData("en-us", "de", "en")]
    [InlineData("ja-jp", "de", "de")]
    [InlineData("", "de", "de")]
    [InlineData("de-de", null, "de")]
    [InlineData("de-" + Parts + "-cccccc", "en", "en")]
    public async Task The_language_that_a_person_has_set_in_Paperless_counts_before_the_browsers(string setting, string? accepted, string language)
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_COOKIE_PREFIX"] = "docs_");
        using Visitor alice = await world.SignedInAsync("alice");

        // Paperless's interface writes it when it has read the settings of its user.
        alice.Cookies.Add(new Uri(world.Origin), new Cookie("docs_django_language", setting));

        IsIn(await OpenAsync(alice, "/gateway/session", accepted), language);
    }

    [Fact]
    public async Task The_language_of_another_Paperless_on_the_host_does_not_count()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_COOKIE_PREFIX"] = "docs_");
        using Visitor alice = await world.SignedInAsync("alice");
        alice.Cookies.Add(new Uri(world.Origin), new Cookie("django_language", "de-de"));

        IsIn(await OpenAsync(alice, "/gateway/session", "en"), "en");
    }

    [Fact]
    public async Task Values_stay_as_they_are_and_are_encoded_in_every_language()
    {
        await using World world = await World.StartAsync(options => options.Settings["PAPERLESS_SOCIALACCOUNT_PROVIDERS"] = """
            {"openid_connect":{"APPS":[{"provider_id":"evil","name":"<b>{0} Sign in</b>","client_id":"c","secret":"s",
            "settings":{"server_url":"http://localhost:1/"}}]}}
            """);
        using Visitor stranger = world.NewVisitor();

        Page page = await OpenAsync(stranger, "/accounts/login/", "de");

        Assert.Contains(">Mit &lt;b&gt;{0} Sign in&lt;/b&gt; anmelden</a>", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_text_within_a_text_is_translated_too()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await OpenAsync(stranger, "/documents/%2F2", "de");

        Assert.Contains(
            "<p>Das Gateway leitet diese Anfrage nicht weiter, denn der Pfad enthält eine unvollständige %-Maskierung oder eine, die einen Schrägstrich, "
                + "einen umgekehrten Schrägstrich, ein Semikolon oder ein Steuerzeichen verbirgt.</p>",
            WebUtility.HtmlDecode(page.Text),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_is_translated_and_the_log_and_the_part_for_the_operator_are_not()
    {
        await using World world = await World.StartAsync();
        world.Paperless.Faults.Drop(_ => true);
        using Visitor alice = world.NewVisitor();

        Page page = await OpenAsync(alice, "/share/abc", "de");

        IsIn(page, "de");
        Assert.Equal(HttpStatusCode.BadGateway, page.Status);
        Assert.Contains("<h1>Paperless antwortet nicht</h1>", page.Text, StringComparison.Ordinal);
        Assert.Contains("Diese Seite versucht es von selbst noch einmal.", page.Text, StringComparison.Ordinal);
        Assert.Contains("Check that Paperless runs", WordsOfPages.OperatorsPart(page), StringComparison.Ordinal);
        string id = TraceId().Match(page.Text).Groups["id"].Value;
        Assert.NotEmpty(id);
        string line = Assert.Single(world.Log.Of("Refused")).RenderMessage(CultureInfo.InvariantCulture);
        Assert.Contains(id, line, StringComparison.Ordinal);
        Assert.Contains("Check that Paperless runs", line, StringComparison.Ordinal);
        Assert.DoesNotContain("antwortet", world.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Problem_details_have_title_and_detail_in_the_language_and_the_code_for_programs()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();

        Page page = await stranger.FetchAsync(HttpMethod.Get, "/api/documents/", null, ("Accept-Language", "de-CH, en;q=0.5"));

        Assert.Equal("application/problem+json", page.Header("Content-Type"));
        Assert.Equal("de", page.Header("Content-Language"));
        Assert.Contains("Accept-Language", page.Header("Vary"), StringComparison.Ordinal);
        JsonElement problem = JsonDocument.Parse(page.Text).RootElement;
        Assert.Equal("Nicht angemeldet", problem.GetProperty("title").GetString());
        Assert.Equal(
            "Diese Anfrage hat keine Sitzung. Melden Sie sich im Browser an, oder senden Sie ein API-Token.",
            problem.GetProperty("detail").GetString());
        Assert.Equal("not_signed_in", problem.GetProperty("code").GetString());
        Assert.NotEmpty(problem.GetProperty("traceId").GetString()!);
        Assert.Contains("Not signed in", world.Log.Of("Refused")[^1].RenderMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_in_Paperless_own_words_stay_in_English()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        using StringContent unknown = new("""{"id":-77}""", System.Text.Encoding.UTF8, "application/json");

        Page page = await alice.FetchAsync(HttpMethod.Post, "/api/profile/disconnect_social_account/", unknown, ("Accept-Language", "de"));

        Assert.Equal("Social account not found", page.Text);
    }

    [Fact]
    public async Task A_time_has_the_month_of_the_language_and_the_time_zone_and_a_form_for_programs()
    {
        await using World world = await World.StartAsync();
        using Visitor alice = await world.SignedInAsync("alice");
        DateTimeOffset now = world.Clock.GetUtcNow();

        Page page = await OpenAsync(alice, "/gateway/session", "de");

        string month = CultureInfo.InvariantCulture.DateTimeFormat.GetMonthName(now.Month);
        string german = TextFile.Translations.Single(file => file.Language == "de").Entries
            .Single(entry => entry.Key == $"{{0}} {month} {{1}}, {{2}} UTC").Text;
        string time = string.Format(CultureInfo.InvariantCulture, german, now.Day, now.Year, now.ToString("HH:mm", CultureInfo.InvariantCulture));
        Assert.Contains($">{time}</time>", WebUtility.HtmlDecode(page.Text), StringComparison.Ordinal);
        Assert.Matches("<time datetime=\"\\d{4}-\\d\\d-\\d\\dT", page.Text);
    }

    [Fact]
    public async Task Two_people_at_once_get_their_own_languages()
    {
        await using World world = await World.StartAsync();
        using Visitor stranger = world.NewVisitor();
        string[] languages = [.. Enumerable.Range(0, 40).Select(number => number % 2 == 0 ? "de" : "en")];

        Page[] pages = await Task.WhenAll(languages.Select(language => OpenAsync(stranger, "/accounts/login/", language)));

        Assert.All(pages.Zip(languages), pair => IsIn(pair.First, pair.Second));
    }

    private static void IsIn(Page page, string language)
    {
        Assert.Equal(language, page.Header("Content-Language"));
        Assert.Contains($"<html lang=\"{language}\">", page.Text, StringComparison.Ordinal);
        Assert.Equal("Accept, Accept-Language, Sec-Fetch-Mode, Cookie", page.Header("Vary"));
    }

    private static Task<Page> OpenAsync(Visitor visitor, string path, string? accepted) =>
        accepted is null ? visitor.OpenAsync(path) : visitor.OpenAsync(path, "none", ("Accept-Language", accepted));

    [GeneratedRegex("<h1>[^<]*</h1>")]
    private static partial Regex Heading();

    [GeneratedRegex("<code>(?<id>[^<]{8,})</code></p>")]
    private static partial Regex TraceId();
}
