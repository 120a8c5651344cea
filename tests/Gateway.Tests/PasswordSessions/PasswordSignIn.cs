using System.Net;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.PasswordSessions;

/// <summary>What a person does who signs in with a Paperless password.</summary>
internal static partial class PasswordSignIn
{
    /// <summary>Opens the sign-in page, takes the link to Paperless's own, and fills in the form.</summary>
    /// <returns>The answer to the form.</returns>
    public static async Task<Page> SignInWithPasswordAsync(this Visitor visitor, World world, string person, string next = "/documents/2")
    {
        Page door = await visitor.OpenAsync($"{world.Options.ScriptName}/accounts/login/?next={Uri.EscapeDataString(next)}");
        string address = LinkOf(door) ?? throw new InvalidOperationException("The sign-in page has no link for a password.\n" + door.Text);
        return await visitor.FillInPasswordAsync(world, address, person);
    }

    /// <summary>Opens Paperless's login page at its address, and fills in the form.</summary>
    public static async Task<Page> FillInPasswordAsync(this Visitor visitor, World world, string address, string person)
    {
        Page form = await visitor.OpenAsync(address, "same-origin");
        Assert.Equal((HttpStatusCode.OK, address), (form.Status, form.Address.PathAndQuery));
        Dictionary<string, string> fields = new() { ["login"] = person, ["password"] = person };
        foreach (Match hidden in Hidden().Matches(form.Text))
        {
            fields[hidden.Groups["name"].Value] = WebUtility.HtmlDecode(hidden.Groups["value"].Value);
        }

        return await visitor.SendAsync(
            HttpMethod.Post,
            address,
            new FormUrlEncodedContent(fields),
            ("Accept", "text/html"),
            ("Origin", world.Origin),
            ("Sec-Fetch-Site", "same-origin"),
            ("Sec-Fetch-Mode", "navigate"));
    }

    public static async Task<Visitor> SignedInWithPasswordAsync(this World world, string person)
    {
        Visitor visitor = world.NewVisitor();
        Page page = await visitor.SignInWithPasswordAsync(world, person);
        Assert.Equal(HttpStatusCode.Redirect, page.Status);
        return visitor;
    }

    public static string? LinkOf(Page page) =>
        Link().Match(page.Text) is { Success: true } link ? WebUtility.HtmlDecode(link.Groups["href"].Value) : null;

    /// <summary>The session's JSON.</summary>
    public static Task<Page> SessionAsync(this Visitor visitor) => visitor.FetchAsync(HttpMethod.Get, "/gateway/session", null, ("Accept", "application/json"));

    [GeneratedRegex("<a class=\"button quiet small\" href=\"(?<href>[^\"]*)\">Sign in with a Paperless password</a>")]
    private static partial Regex Link();

    [GeneratedRegex("<input type=\"hidden\" name=\"(?<name>[^\"]*)\" value=\"(?<value>[^\"]*)\">")]
    private static partial Regex Hidden();
}
