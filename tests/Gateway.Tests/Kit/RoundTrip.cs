using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Gateway.Tests.Kit;

/// <summary>One sign-in in one browser tab, step by step, so that a test can do something in between.</summary>
internal sealed class RoundTrip
{
    private const int MostSteps = 10;

    private readonly Visitor _visitor;

    private RoundTrip(Visitor visitor, Page begun)
    {
        _visitor = visitor;
        Begun = begun;
        Authorize = begun.Location ?? throw new InvalidOperationException($"The sign-in did not begin: {(int)begun.Status}\n{begun.Text}");
        Query = QueryHelpers.ParseQuery(Authorize.Query);
    }

    /// <summary>The gateway's redirect to the provider.</summary>
    public Page Begun { get; }

    public Uri Authorize { get; }

    /// <summary>The parameters of the authorization request.</summary>
    public IReadOnlyDictionary<string, StringValues> Query { get; }

    public static async Task<RoundTrip> BeginAsync(Visitor visitor, string next = "/", string provider = "authentik", string more = "") =>
        new(visitor, await visitor.OpenAsync($"/accounts/oidc/{provider}/login/?next={Uri.EscapeDataString(next)}{more}", "same-origin"));

    /// <summary>Signs in at the provider and returns the callback address, which is not requested yet.</summary>
    public async Task<string> AnswerAsync()
    {
        Uri address = Authorize;
        for (int step = 0; step < MostSteps; step++)
        {
            Page page = await _visitor.OpenAsync(address.AbsoluteUri, "cross-site");
            address = page.Location
                ?? throw new InvalidOperationException($"The provider keeps the browser: {(int)page.Status} at {page.Address}\n{page.Text}");
            if (address.Authority != Authorize.Authority)
            {
                return address.PathAndQuery;
            }
        }

        throw new InvalidOperationException($"{Authorize} leads nowhere in {MostSteps} steps.");
    }

    /// <summary>Opens the callback address and follows every redirect.</summary>
    public Task<Page> FinishAsync(string callback) => _visitor.NavigateAsync(callback, "cross-site");

    public async Task<Page> CompleteAsync() => await FinishAsync(await AnswerAsync());

    /// <summary>The same callback address with one parameter changed; null removes it.</summary>
    public static string With(string callback, string parameter, string? value)
    {
        string[] parts = callback.Split('?', 2);
        Dictionary<string, string?> query = QueryHelpers.ParseQuery(parts[1]).ToDictionary(pair => pair.Key, pair => (string?)pair.Value.ToString());
        query[parameter] = value;
        return QueryHelpers.AddQueryString(parts[0], query.Where(pair => pair.Value is not null));
    }
}

/// <summary>Sign-in helpers for <see cref="Visitor"/>.</summary>
internal static partial class SignedIn
{
    public const string CookieName = "paperless-gateway";

    /// <summary>The signed-in username; null without a session.</summary>
    public static async Task<string?> WhoAsync(this Visitor visitor)
    {
        Page page = await visitor.FetchAsync("/gateway/session");
        return page.Status == HttpStatusCode.OK
            ? System.Text.Json.JsonDocument.Parse(page.Text).RootElement.GetProperty("username").GetString()
            : null;
    }

    /// <summary>Says "No, make me a new account" on the page that asks about an account of the same name; another page stays.</summary>
    public static async Task<Page> DeclineAsync(this Visitor visitor, Page page)
    {
        if (Question().Match(page.Text) is not { Success: true } question)
        {
            return page;
        }

        Page answer = await visitor.SendAsync(
            HttpMethod.Post,
            question.Groups["action"].Value,
            new FormUrlEncodedContent([new("state", question.Groups["state"].Value)]),
            ("Accept", "text/html"),
            ("Sec-Fetch-Site", "same-origin"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"));
        return answer.Location is { } next ? await visitor.NavigateAsync(next.AbsoluteUri, "same-origin") : answer;
    }

    [GeneratedRegex("<h1>Is this account yours\\?</h1>.*action=\"(?<action>[^\"]+)\".*name=\"state\" value=\"(?<state>[^\"]+)\"", RegexOptions.Singleline)]
    private static partial Regex Question();

    /// <summary>Deletes every cookie whose name contains this text.</summary>
    public static void Forget(this Visitor visitor, string part)
    {
        foreach (Cookie cookie in visitor.Cookies.GetAllCookies().Where(cookie => cookie.Name.Contains(part, StringComparison.Ordinal)))
        {
            cookie.Expired = true;
        }
    }
}
