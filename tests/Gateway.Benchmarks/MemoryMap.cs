using System.Globalization;

namespace Gateway.Benchmarks;

/// <summary>What the resident memory of a process is for (proc(5), `smaps`), in KiB.</summary>
internal sealed class MemoryMap
{
    /// <summary>In the order of the table.</summary>
    private static readonly (string Name, Func<string, bool> IsOf)[] Kinds =
    [
        ("images of .NET assemblies", path => path.EndsWith(".dll", StringComparison.Ordinal)),
        ("native libraries and the program itself", path => path.StartsWith('/') && !path.StartsWith("/memfd:", StringComparison.Ordinal)),
        ("code that is compiled at run time, and the runtime's own tables", path => path.StartsWith("/memfd:", StringComparison.Ordinal)),
        ("memory of native libraries (malloc, main arena)", path => path == "[heap]"),
        ("GC heap, further malloc arenas and the stacks of threads", _ => true),
    ];

    private readonly double[] _resident = new double[Kinds.Length];
    private readonly double[] _clean = new double[Kinds.Length];

    public static MemoryMap Read(string file)
    {
        MemoryMap map = new();
        int kind = Kinds.Length - 1;
        foreach (string line in File.ReadLines(file))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!fields[0].EndsWith(':'))
            {
                string path = fields.Length > 5 ? fields[5] : "";
                kind = Array.FindIndex(Kinds, one => one.IsOf(path));
            }
            else if (fields[0] == "Rss:")
            {
                map._resident[kind] += double.Parse(fields[1], CultureInfo.InvariantCulture);
            }
            else if (fields[0] is "Shared_Clean:" or "Private_Clean:")
            {
                map._clean[kind] += double.Parse(fields[1], CultureInfo.InvariantCulture);
            }
        }

        return map;
    }

    /// <param name="idle">After the first sign-in.</param>
    /// <param name="loaded">After all rounds.</param>
    public static string Table(MemoryMap idle, MemoryMap loaded)
    {
        MarkdownTable table = new("", "idle, MiB", "of it clean pages of files", "after all rounds, MiB", "of it clean pages of files");
        for (int kind = 0; kind < Kinds.Length; kind++)
        {
            table.Row(
                $"{Kinds[kind].Name}",
                $"{idle._resident[kind] / 1024:0.0}",
                $"{idle._clean[kind] / 1024:0.0}",
                $"{loaded._resident[kind] / 1024:0.0}",
                $"{loaded._clean[kind] / 1024:0.0}");
        }

        return table.ToString();
    }
}
