namespace Gateway.Benchmarks;

/// <summary>`docs/performance.md`: each measurement has a place of its own there, and its command writes it anew.</summary>
internal static class PerformancePage
{
    /// <summary>Puts <paramref name="markdown"/> between the marks of <paramref name="name"/>, and prints it.</summary>
    /// <exception cref="InvalidOperationException">The page has no such place.</exception>
    public static void Write(string name, string markdown)
    {
        Console.WriteLine(markdown);
        string path = Path.Combine(Root(), "docs", "performance.md");
        string page = File.ReadAllText(path);
        string begin = $"<!-- measured: {name} -->\n";
        int start = page.IndexOf(begin, StringComparison.Ordinal);
        int end = start < 0 ? -1 : page.IndexOf("<!-- end -->", start, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new InvalidOperationException($"{path} has no place for \"{name}\".");
        }

        File.WriteAllText(path, $"{page[..(start + begin.Length)]}\n{markdown.Trim()}\n\n{page[end..]}");
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Gateway.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The benchmarks run inside the repository.");
    }
}
