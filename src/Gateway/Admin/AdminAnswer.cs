using System.Collections.Frozen;
using System.Globalization;
using Gateway.Pages;
using Gateway.Settings;

namespace Gateway.Admin;

/// <summary>The search and the page of a list that a request asks for.</summary>
/// <param name="Search">A part of a user name; empty: everything.</param>
/// <param name="Page">From 1.</param>
internal sealed record ListQuery(string Search, int Page)
{
    public const int PageSize = 100;

    /// <summary>Further rows are found by a search. It bounds what a request holds in memory.</summary>
    public const int MaxPage = 100;

    private const int MaxSearchLength = 150;

    public static ListQuery From(HttpRequest request)
    {
        string search = request.Query["search"].ToString().Trim();
        if (search.Length > MaxSearchLength)
        {
            search = search[..MaxSearchLength];
        }

        // 0 where it is no number.
        _ = int.TryParse(request.Query["page"], NumberStyles.None, CultureInfo.InvariantCulture, out int page);
        return new ListQuery(search, Math.Clamp(page, 1, MaxPage));
    }

    public bool Matches(params ReadOnlySpan<string?> texts)
    {
        if (Search.Length == 0)
        {
            return true;
        }

        foreach (string? text in texts)
        {
            if (text?.Contains(Search, StringComparison.OrdinalIgnoreCase) == true)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The rows of the requested page, from a list in memory.</summary>
    public IEnumerable<T> RowsOfPage<T>(IEnumerable<T> all) => all.Skip((Page - 1) * PageSize).Take(PageSize);

    /// <summary>The list with its search, its page and its total.</summary>
    public AdminList WithPaging(AdminList list, int total) =>
        list with { Search = Search, Page = Page, Total = total, HasNext = Page < MaxPage && Page * PageSize < total };
}

/// <summary>The answers that the admin pages share.</summary>
internal static class AdminAnswer
{
    /// <summary>Stands for a value that the gateway does not know.</summary>
    public const string Unknown = "–";

    /// <summary>What a form has done, by the word in the address to which it leads.</summary>
    private static readonly FrozenDictionary<string, PageText> Results = new Dictionary<string, PageText>
    {
        ["session-ended"] = "The session has ended.",
        ["session-gone"] = "There is no such session any more. It has ended already.",
        ["sessions-ended"] = "All sessions of that person have ended.",
        ["sessions-gone"] = "That person has no session any more.",
        ["link-removed"] = "The account is no longer connected. The sessions and device passwords of the connection have ended.",
        ["link-gone"] = "The account is not connected any more. It was removed already.",
        ["device-revoked"] = "The device password has ended.",
        ["device-gone"] = "There is no such device password any more. It has ended already.",
    }.ToFrozenDictionary();

    public static Task ShowListAsync(HttpContext context, AdminList list) => PageWriter.ShowAsync<AdminListPage>(
        context,
        StatusCodes.Status200OK,
        new() { [nameof(AdminListPage.List)] = list with { Result = Results.GetValueOrDefault(context.Request.Query["result"].ToString()) } });

    public static Task AskAsync(HttpContext context, AdminQuestion question) =>
        PageWriter.ShowAsync<AdminQuestionPage>(context, StatusCodes.Status200OK, new() { [nameof(AdminQuestionPage.Question)] = question });

    /// <summary>Back to a list, which says what has happened.</summary>
    /// <param name="path">Of the list, below the script name.</param>
    public static void Return(HttpContext context, string path, string result)
    {
        GatewaySettings settings = context.RequestServices.GetRequiredService<GatewaySettings>();
        PageWriter.SeeOther(context.Response, $"{settings.ScriptName}{path}?result={result}");
    }

    /// <param name="address">Of a client; empty where it is not known.</param>
    public static string AddressText(string address) => address.Length == 0 ? Unknown : address;
}
