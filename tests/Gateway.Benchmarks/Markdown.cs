using System.Globalization;
using System.Text;

namespace Gateway.Benchmarks;

/// <summary>A table for the page; numbers are given as they are to be read.</summary>
internal sealed class MarkdownTable(params string[] columns)
{
    private readonly StringBuilder _text = new($"| {string.Join(" | ", columns)} |\n|{string.Concat(Enumerable.Repeat("---|", columns.Length))}\n");

    public MarkdownTable Row(params FormattableString[] cells)
    {
        _text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", cells.Select(cell => cell.ToString(CultureInfo.InvariantCulture)))} |\n");
        return this;
    }

    public override string ToString() => _text.ToString();
}

/// <summary>On what was measured, for the foot of a table.</summary>
internal static class Machine
{
    public static string Sentence => $"{Environment.ProcessorCount} cores, .NET {Environment.Version}, {TimeProvider.System.GetUtcNow():yyyy-MM-dd}.";
}
