using System.Net;
using System.Text.RegularExpressions;
using Gateway.Tests.Apps;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Admin;

/// <summary>The admin pages, as a superuser uses them: alice is one, bob is not.</summary>
internal static partial class AdminWorld
{
    public const string Path = "/gateway/admin";

    /// <summary>Every page that shows something, …</summary>
    public static readonly string[] Lists = [Path, .. new[] { "sessions", "password-sessions", "links", "devices", "refusals", "settings" }.Select(Below)];

    /// <summary>… and every page that asks before a form changes something.</summary>
    public static readonly string[] Changes =
        [.. new[] { "sessions/end", "sessions/end-all", "password-sessions/end", "links/remove", "devices/revoke" }.Select(Below)];

    public static Task<World> StartAsync(Action<WorldOptions>? configure = null) => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_SUPERUSER_GROUPS"] = "family";
        configure?.Invoke(options);
    });

    /// <summary>Takes the only link to that question, and sends its form.</summary>
    public static async Task<Page> ChangeAsync(this Visitor visitor, World world, string list, string change, params (string Name, string Value)[] more)
    {
        string address = Links(await visitor.OpenAsync(list, "same-origin"), change).Single();
        Page question = await visitor.OpenAsync(address, "same-origin");
        Assert.Equal(HttpStatusCode.OK, question.Status);
        return await visitor.PostAsync(world, change, [Field(question), .. more]);
    }

    /// <summary>The page to which a form leads.</summary>
    public static Task<Page> FollowAsync(this Visitor visitor, Page page)
    {
        Assert.Equal(HttpStatusCode.SeeOther, page.Status);
        return visitor.OpenAsync(page.Location!.PathAndQuery, "same-origin");
    }

    public static string[] Links(Page page, string change) =>
    [
        .. Link().Matches(page.Text).Select(match => WebUtility.HtmlDecode(match.Groups["href"].Value))
            .Where(href => href.StartsWith(change + "?", StringComparison.Ordinal)),
    ];

    public static (string Name, string Value) Field(Page question)
    {
        Match field = Hidden().Match(question.Text);
        return (field.Groups["name"].Value, WebUtility.HtmlDecode(field.Groups["value"].Value));
    }

    private static string Below(string name) => $"{Path}/{name}";

    [GeneratedRegex("href=\"(?<href>[^\"]*)\"")]
    private static partial Regex Link();

    [GeneratedRegex("<input type=\"hidden\" name=\"(?<name>[^\"]*)\" value=\"(?<value>[^\"]*)\"")]
    private static partial Regex Hidden();
}
