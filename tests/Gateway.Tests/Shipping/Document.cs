using System.Text.RegularExpressions;

namespace Gateway.Tests.Shipping;

/// <summary>A Markdown file of the repository, read as a browser shows it: headings are anchors, code is no link.</summary>
internal sealed partial class Document
{
    private Document(string path)
    {
        Path = path;
        Text = Shipped.Text(path);
        Prose = Fence().Replace(Text, "");
    }

    /// <summary>Every Markdown file that people read; folders of tools are left out.</summary>
    public static IReadOnlyList<Document> All { get; } =
    [
        .. new[] { ".", "docs", ".github" }
            .SelectMany(folder => Directory.EnumerateFiles(
                System.IO.Path.Combine(Repository.Root, folder),
                "*.md",
                folder == "." ? SearchOption.TopDirectoryOnly : SearchOption.AllDirectories))
            .Select(file => System.IO.Path.GetRelativePath(Repository.Root, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal)
            .Select(path => new Document(path)),
    ];

    /// <summary>From the root of the repository, with slashes.</summary>
    public string Path { get; }

    public string Text { get; }

    /// <summary>The text without blocks of code.</summary>
    public string Prose { get; }

    public IReadOnlySet<string> Anchors => Heading().Matches(Prose).Select(heading => Anchor(heading.Groups["text"].Value)).ToHashSet();

    /// <summary>Addresses of links and pictures.</summary>
    public IEnumerable<string> Links => Link().Matches(InlineCode().Replace(Prose, "")).Select(link => link.Groups["address"].Value);

    public static Document Of(string path) => All.Single(document => document.Path == path);

    /// <summary>The cells of each row of a table below the heading.</summary>
    public IEnumerable<string[]> Rows(string heading)
    {
        string section = Text[Text.IndexOf($"\n## {heading}\n", StringComparison.Ordinal)..];
        int next = section.IndexOf("\n## ", 1, StringComparison.Ordinal);
        return (next < 0 ? section : section[..next]).Split('\n')
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Skip(1)
            .Select(line => line.Trim('|', ' ').Split(" | ", StringSplitOptions.TrimEntries));
    }

    /// <summary>The file that a link of this document leads to, from the root of the repository.</summary>
    public string Target(string address)
    {
        string file = address.Split('#')[0];
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.Combine(Repository.Root, Path))!;
        string full = file.Length == 0 ? System.IO.Path.Combine(Repository.Root, Path) : System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, file));
        return System.IO.Path.GetRelativePath(Repository.Root, full).Replace('\\', '/');
    }

    private static string Anchor(string heading) =>
        new([.. heading.Trim().ToLowerInvariant().Replace(' ', '-').Where(letter => char.IsLetterOrDigit(letter) || letter is '-' or '_')]);

    [GeneratedRegex(@"^(?<indent> *)```.*?^\k<indent>```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("`[^`\n]*`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"^#{1,6} (?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\]\((?<address>[^)\s]+)\)")]
    private static partial Regex Link();
}
