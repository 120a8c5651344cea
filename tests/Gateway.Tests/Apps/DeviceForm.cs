using System.Net;
using System.Text.RegularExpressions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Apps;

/// <summary>The page of device passwords, as a person uses it.</summary>
internal static partial class DeviceForm
{
    public const string Path = "/gateway/apps";

    public static Task<Page> PostAsync(this Visitor visitor, World world, string path, params (string Name, string Value)[] fields) => visitor.SendAsync(
        HttpMethod.Post,
        world.Options.ScriptName + path,
        new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))),
        ("Accept", "text/html"),
        ("Origin", world.Origin),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"));

    /// <summary>Sends the form.</summary>
    /// <returns>The page that leads to the provider.</returns>
    public static Task<Page> AskAsync(this Visitor visitor, World world, string name = "Hall scanner", string scope = "full", int days = 0) =>
        visitor.PostAsync(world, Path, ("name", name), ("scope", scope), ("days", days.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    /// <summary>The address of the provider to which a page leads by itself.</summary>
    public static string Onward(Page page)
    {
        Assert.True(page.Status == HttpStatusCode.OK, page.Text);
        string refresh = page.Header("Refresh") ?? throw new InvalidOperationException($"The page leads nowhere: {page.Text}");
        Assert.StartsWith("0; url=", refresh, StringComparison.Ordinal);
        return refresh["0; url=".Length..];
    }

    /// <summary>Goes to the provider and comes back to the callback address, which is not requested yet.</summary>
    public static async Task<string> AnswerAsync(this Visitor visitor, World world, string address)
    {
        for (int step = 0; step < 10; step++)
        {
            Page page = await visitor.OpenAsync(address, "cross-site");
            address = page.Location?.AbsoluteUri ?? throw new InvalidOperationException($"The provider keeps the browser: {page.Text}");
            if (address.StartsWith(world.Origin, StringComparison.Ordinal))
            {
                return address;
            }
        }

        throw new InvalidOperationException($"{address} leads nowhere.");
    }

    /// <summary>The whole journey.</summary>
    public static async Task<Page> MakeAsync(this Visitor visitor, World world, string name = "Hall scanner", string scope = "full", int days = 0) =>
        await visitor.OpenAsync(await visitor.AnswerAsync(world, Onward(await visitor.AskAsync(world, name, scope, days))), "cross-site");

    /// <summary>The device password that a page shows; null for none.</summary>
    public static string? SecretIn(Page page) => Secret().Match(page.Text) is { Success: true } match ? match.Value : null;

    /// <summary>The ids of the device passwords that the page lists.</summary>
    public static async Task<string[]> IdsAsync(this Visitor visitor) =>
        [.. Id().Matches((await visitor.OpenAsync(Path, "same-origin")).Text).Select(match => match.Groups["id"].Value)];

    public static async Task<HttpStatusCode> UseAsync(this Visitor app, string secret, string path = "/api/documents/") =>
        (await app.FetchAsync(HttpMethod.Get, path, null, ("Authorization", "Token " + secret))).Status;

    [GeneratedRegex("pgd_[A-Za-z0-9_-]{49}")]
    private static partial Regex Secret();

    [GeneratedRegex("name=\"id\" value=\"(?<id>[0-9a-f]{16})\"")]
    private static partial Regex Id();
}
