using System.Globalization;
using System.Net;
using System.Text;

namespace Gateway.Benchmarks;

/// <summary>`docs/page-load.svg`, which the README shows: how long a page of Paperless takes with and without the gateway.</summary>
internal static class PagePicture
{
    private const int Width = 760;
    private const int Left = 190;
    private const int Right = 270;
    private const int BarHeight = 20;
    private const int GroupHeight = 70;
    private const int Top = 84;

    /// <param name="browsers">What the browser has already: a group of bars each.</param>
    /// <param name="ways">A bar in each group, with its medians.</param>
    public static void Write(IEnumerable<string> browsers, IReadOnlyList<Bars> ways)
    {
        string[] groups = [.. browsers];
        double longest = ways.SelectMany(way => way.Medians).Max(median => median.Milliseconds);
        StringBuilder picture = new();
        picture.AppendLine(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Top + (groups.Length * GroupHeight)}" role="img" aria-label="A page of Paperless with 40 static files, with and without the gateway">
            <style>
            text {"{ font: 13px system-ui, sans-serif; fill: #1f2328 }"}
            .title {"{ font-size: 15px; font-weight: 600 }"}
            .less {"{ fill: #59636e }"}
            .w0 {"{ fill: #8c959f }"}
            .w1 {"{ fill: #17803d }"}
            @media (prefers-color-scheme: dark) {"{ text { fill: #f0f6fc } .less { fill: #9198a1 } .w0 { fill: #656c76 } .w1 { fill: #3fb950 } }"}
            </style>
            <text class="title" x="0" y="18">A page of Paperless with 40 static files: until it is loaded</text>
            """);
        for (int way = 0; way < ways.Count; way++)
        {
            int x = way * Left;
            picture.AppendLine(CultureInfo.InvariantCulture, $"""<rect class="w{way}" x="{x}" y="38" width="12" height="12" rx="2"/><text x="{x + 20}" y="49">{WebUtility.HtmlEncode(ways[way].Name)}</text>""");
        }

        for (int group = 0; group < groups.Length; group++)
        {
            int y = Top + (group * GroupHeight);
            picture.AppendLine(CultureInfo.InvariantCulture, $"""<text x="0" y="{y + BarHeight + 5}">{WebUtility.HtmlEncode(groups[group])}</text>""");
            for (int way = 0; way < ways.Count; way++)
            {
                (double milliseconds, double requests) = ways[way].Medians[group];
                double width = milliseconds / longest * (Width - Left - Right);
                int top = y + (way * (BarHeight + 3));
                picture.AppendLine(CultureInfo.InvariantCulture, $"""<rect class="w{way}" x="{Left}" y="{top}" width="{width:0}" height="{BarHeight}" rx="3"/><text x="{Left + width + 8:0}" y="{top + 15}">{milliseconds:0} ms <tspan class="less">· {requests:0} requests reach Paperless</tspan></text>""");
            }
        }

        picture.AppendLine("</svg>");
        File.WriteAllText(Path.Combine(PerformancePage.Root(), "docs", "page-load.svg"), picture.ToString());
    }

    /// <param name="Medians">One for each group.</param>
    internal sealed record Bars(string Name, IReadOnlyList<(double Milliseconds, double Requests)> Medians);
}
