using System.Globalization;
using Gateway.StandIns.Paperless;

namespace Gateway.Benchmarks;

/// <summary>The tables of the page, and how they came about.</summary>
internal static class PageReport
{
    private static readonly (string Name, PageState State, Func<PageView, double> Figure)[] Rows =
    [
        ("cold", PageState.Cold, view => view.Painted),
        ("again at once", PageState.AtOnce, view => view.Painted),
        ("again after a minute", PageState.AfterTheMaxAge, view => view.Painted),
        ("list of documents", PageState.Documents, view => view.Painted),
        ("list of documents again", PageState.DocumentsAgain, view => view.Painted),
        ("list of documents, last thumbnail", PageState.Documents, view => view.LastThumbnail),
        ("list of documents again, last thumbnail", PageState.DocumentsAgain, view => view.LastThumbnail),
    ];

    /// <param name="documents">As many as the person can see.</param>
    /// <param name="isReal">Whether it was a real Paperless, where nobody counts requests.</param>
    public static string Of(IReadOnlyList<PageSurroundings> measured, int rounds, int documents, bool isReal)
    {
        double firstQuestion = Median.Of(measured[0].Ways[0][PageState.Cold].Select(view => view.FirstQuestion));
        string counts = isReal ? "" : $"{Counts(measured)}\n";
        string shown = documents.ToString(CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"""
            Milliseconds to the largest contentful paint, and to the last thumbnail where the row says so; medians of {rounds} rounds after
            {PageLoad.Rehearsals} that are not counted. "gateway / nginx" is the median of the rounds' own ratios.

            {Times(measured)}
            {counts}{(isReal ? Real(shown) : StandIn(shown))} Without a line and without the gateway, the script of a cold page asks the API first
            after {firstQuestion:0} ms. The gateway is compiled as in the image. Everything shares {Machine.Sentence}
            """);
    }

    /// <summary>The last round of a way, for whoever watches.</summary>
    public static string Line(PageWay way) => string.Join('/', Rows.Select(row => row.Figure(way[row.State][^1]).ToString("0", CultureInfo.InvariantCulture)));

    private static string Real(string documents) =>
        $"Measured with a real Paperless, whose static files may be kept for a minute; the person sees {documents} documents.";

    private static string StandIn(string documents)
    {
        StaticFile main = ProductionInterface.Files["frontend/en-US/main.js"];
        return string.Create(CultureInfo.InvariantCulture, $"""
            The test server stands in for Paperless. It has the sizes of the real interface (`main.js`: {main.Content.Length / 1e6:0.0} MB,
            {main.Compressed!["br"].Length / 1024} KiB in brotli), its script asks the API about as early, and its list has {documents} documents. One worker
            answers one request after another, and is busy with each for as long as Python was seen to be: `ui_settings` 44 ms, `custom_fields` 20,
            `saved_views` 23, `tasks` 21, `statistics` 34, `users` 20, `documents` 200, four lists 12 each, each thumbnail 20. The other times are
            estimates: the page 20 ms, a static file 3, anything else 10. Static files may be kept for {PageUpstream.StandInMaxAge.TotalSeconds:0} s
            in place of 60, and "after a minute" is after that time.
            """);
    }

    private static string Times(IReadOnlyList<PageSurroundings> measured)
    {
        MarkdownTable table = new(["", "", .. measured[0].Ways.Select(way => way.Name), "lowest to highest there", "gateway / nginx"]);
        foreach (PageSurroundings around in measured)
        {
            foreach ((string name, PageState state, Func<PageView, double> figure) in Rows)
            {
                double[][] ways = [.. around.Ways.Select(way => way[state].Select(figure).ToArray())];
                table.Row(
                [
                    $"{around.Name}", $"{name}", .. ways.Select(way => (FormattableString)$"{Median.Of(way):0}"),
                    $"{ways[^1].Min():0} to {ways[^1].Max():0}", $"{Median.OfRatios(ways[^1], ways[^2]):0.00}",
                ]);
            }
        }

        return table.ToString();
    }

    private static string Counts(IReadOnlyList<PageSurroundings> measured)
    {
        IEnumerable<string> ways = measured[0].Ways.Select(way => way.Name);
        MarkdownTable table = new(["", "", .. ways.Select(way => "requests to Paperless: " + way), .. ways.Select(way => "KiB over the wire: " + way)]);
        foreach (PageSurroundings around in measured)
        {
            foreach ((string name, PageState state, _) in Rows.DistinctBy(row => row.State))
            {
                table.Row(
                [
                    $"{around.Name}", $"{name}",
                    .. around.Ways.Select(way => (FormattableString)$"{Median.Of(way[state].Select(view => (double)view.Requests)):0}"),
                    .. around.Ways.Select(way => (FormattableString)$"{Median.Of(way[state].Select(view => view.Bytes)) / 1024:0}"),
                ]);
            }
        }

        return table.ToString();
    }
}
