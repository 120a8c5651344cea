using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;

namespace Gateway.StandIns.Paperless;

/// <summary>A list of the API: two of the filters on one field, ordering by it, pages. A filter it does not know is ignored.</summary>
internal static class Listing
{
    private const int DefaultPageSize = 25;

    public static Task AnswerAsync<T>(
        Visit visit, IEnumerable<T> all, string field, Func<T, string> value, Func<T, object> shown)
    {
        T[] items = Ordered(visit, all.Where(item => Matches(visit, field, value(item))), field, value).ToArray();
        int size = int.TryParse(visit.Query("page_size"), NumberStyles.None, CultureInfo.InvariantCulture, out int asked) && asked > 0
            ? Math.Min(asked, 100_000)
            : DefaultPageSize;
        int pages = Math.Max(1, (items.Length + size - 1) / size);
        string wanted = visit.Query("page") ?? "1";
        if (!int.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out int page) || page < 1 || page > pages)
        {
            return visit.Reply.Detail(StatusCodes.Status404NotFound, "Invalid page.");
        }

        return visit.Reply.Json(new
        {
            count = items.Length,
            next = page < pages ? LinkTo(visit, page + 1) : null,
            previous = page > 1 ? LinkTo(visit, page - 1) : null,
            results = items.Skip((page - 1) * size).Take(size).Select(shown),
        });
    }

    // "iexact" ignores case while names are case-sensitive: alice and Alice are two answers.
    private static bool Matches(Visit visit, string field, string value)
    {
        return visit.Site.Options.IgnoresFilters || (Fits("iexact", filter => value.Equals(filter, StringComparison.OrdinalIgnoreCase))
            && Fits("istartswith", filter => value.StartsWith(filter, StringComparison.OrdinalIgnoreCase)));

        bool Fits(string lookup, Predicate<string> fits) =>
            visit.Query($"{field}__{lookup}") is not { Length: > 0 } filter || fits(filter);
    }

    private static IEnumerable<T> Ordered<T>(Visit visit, IEnumerable<T> items, string field, Func<T, string> value)
    {
        string? ordering = visit.Query("ordering");
        if (ordering == field)
        {
            return items.OrderBy(value, StringComparer.Ordinal);
        }

        return ordering == "-" + field
            ? items.OrderByDescending(value, StringComparer.Ordinal)
            : items.OrderBy(item => value(item), StringComparer.OrdinalIgnoreCase);
    }

    // Absolute, from the request's own scheme and Host.
    private static string LinkTo(Visit visit, int page)
    {
        IEnumerable<KeyValuePair<string, string?>> query = visit.Http.Request.Query
            .Where(parameter => parameter.Key != "page")
            .SelectMany(parameter => parameter.Value.Select(value => KeyValuePair.Create(parameter.Key, value)))
            .Concat(page > 1 ? [KeyValuePair.Create("page", (string?)page.ToString(CultureInfo.InvariantCulture))] : []);
        return QueryHelpers.AddQueryString(visit.Origin + visit.FullPath.Split('?', 2)[0], query);
    }
}
