using System.CommandLine;
using System.Text.RegularExpressions;
using Gateway.Operations;
using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.Tests.Shipping;

/// <summary>What the documents say about files, settings, commands and pages is true.</summary>
public sealed partial class DocumentTests
{
    private const string ShownByPaperless = "Error loading settings";

    /// <summary>The folders of `src/Gateway` are not yet those that the documents describe.</summary>
    private const string OldFolders = "The folders move in a later step.";

    private static readonly bool HasNewFolders = Directory.Exists(Path.Combine(Repository.Root, "src/Gateway/Forwarding"));

    private static readonly string[] CommandWords =
        ["accounts", "apps", "backup", "check", "health", "restore", "sessions", "settings", "setup", "storage", "validate"];

    public static TheoryData<string> Paths => [.. Document.All.Select(document => document.Path)];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_link_in_the_documents_has_an_existing_file_and_heading(string path)
    {
        Document document = Document.Of(path);
        foreach (string address in document.Links.Where(address => !address.Contains("://", StringComparison.Ordinal)))
        {
            string target = document.Target(address);
            Assert.True(Exists(target), $"{path} links to {target}, which does not exist.");
            if (address.Split('#') is [_, string anchor])
            {
                Assert.True(Document.Of(target).Anchors.Contains(anchor), $"{path} links to {address}, a heading that does not exist.");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_file_named_in_the_documents_exists(string path)
    {
        HashSet<string> names = [.. Files(Repository.Root).Select(file => Path.GetFileName(file)!)];
        string text = Document.Of(path).Text;
        foreach (string named in PathInText().Matches(text).Select(match => match.Value.TrimEnd('.', '/')))
        {
            // A file of settings is made from its example.
            Assert.True(Exists(named) || Exists(named + ".example"), $"{path} names {named}, which does not exist.");
        }

        Assert.Empty(FileName().Matches(text).Select(match => match.Value).Except(names));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_variable_named_in_the_documents_exists(string path)
    {
        IEnumerable<string> ofTests = Files(Path.Combine(Repository.Root, "tests"))
            .Where(file => file.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(file => TestVariable().Matches(File.ReadAllText(file)).Select(match => match.Groups["name"].Value));
        IReadOnlySet<string> known = GatewaySettingsReader.Names();
        Assert.Empty(Variable().Matches(Document.Of(path).Text).Select(name => name.Value)
            .Except(known).Except(known.Select(name => name + "_FILE")).Except(Shipped.PaperlessOwn).Except(ofTests));
    }

    [Fact]
    public void Every_document_named_in_the_code_exists()
    {
        string[] faults = [.. Files(Repository.Root)
            .Where(file => Path.GetExtension(file) is ".cs" or ".razor" or ".css" or ".csproj" or ".props" or ".yaml" or ".yml" or ".example" or ".mjs" or "")
            .SelectMany(file => DocumentInText().Matches(File.ReadAllText(file))
                .Where(match => !Exists(match.Value))
                .Select(match => $"{Path.GetRelativePath(Repository.Root, file)} names {match.Value}"))];
        Assert.Empty(faults);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Every_command_in_the_documents_is_accepted(string path)
    {
        RootCommand commands = new Commands(_ => throw new InvalidOperationException()).Root();
        foreach (Match command in Command().Matches(Document.Of(path).Text.Replace("\\\n", "", StringComparison.Ordinal)))
        {
            string[] words = command.Groups["words"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.Contains(words[0], CommandWords);
            Assert.Empty(commands.Parse(words).Errors);
        }
    }

    [Fact]
    public void Every_accounts_sessions_and_apps_command_is_documented()
    {
        string text = Document.Of("docs/accounts-and-groups.md").Text;
        Assert.Equal(
            ["accounts list", "accounts link", "accounts unlink", "accounts import", "sessions list", "sessions end", "apps list", "apps revoke"],
            Command().Matches(text).Select(command => string.Join(' ', command.Groups["words"].Value.Split(' ')[..2])).Distinct());
    }

    [Fact]
    public void Each_page_in_the_troubleshooting_documents_is_one_that_the_gateway_shows()
    {
        string source = string.Join('\n', Files(Path.Combine(Repository.Root, "src/Gateway"))
            .Where(file => file.EndsWith(".cs", StringComparison.Ordinal))
            .Select(File.ReadAllText));
        string[] titles = [.. Document.Of("docs/troubleshooting.md").Text.Split('\n')
            .Where(line => line.StartsWith("| \"", StringComparison.Ordinal))
            .SelectMany(line => QuotedText().Matches(line.Split('|')[1]).Select(quoted => quoted.Groups["text"].Value))];
        Assert.True(titles.Length > 10);
        Assert.All(titles.Except([ShownByPaperless]), title => Assert.Contains($"\"{title}\"", source, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_cause_of_an_ended_session_is_documented() => Assert.Equal(
        Enum.GetNames<SessionEnd>().Order(StringComparer.Ordinal),
        Document.Of("docs/logout.md").Rows("Every end of a session").Select(row => row[0].Trim('`')).Order(StringComparer.Ordinal));

    [Fact]
    public void Every_decision_record_is_in_the_list()
    {
        Document list = Document.Of("docs/decisions/README.md");
        Assert.Equal(
            Document.All.Select(document => document.Path).Where(path => path.StartsWith("docs/decisions/0", StringComparison.Ordinal)),
            list.Links.Select(list.Target));
    }

    [Theory]
    [MemberData(nameof(Decisions))]
    public void A_decision_record_has_its_four_sections(string path) =>
        Assert.Equal(["Context", "Decision", "Consequences", "What would change our mind"],
            Document.Of(path).Prose.Split('\n').Where(line => line.StartsWith("## ", StringComparison.Ordinal)).Select(line => line[3..]));

    public static TheoryData<string> Decisions =>
        [.. Document.All.Select(document => document.Path).Where(path => path.StartsWith("docs/decisions/0", StringComparison.Ordinal))];

    [Fact]
    public void The_documented_folders_are_those_of_the_source()
    {
        Assert.SkipUnless(HasNewFolders, OldFolders);
        IEnumerable<string> folders = Directory.EnumerateDirectories(Path.Combine(Repository.Root, "src/Gateway"))
            .Select(folder => Path.GetFileName(folder)!)
            .Where(name => name is not ("bin" or "obj"));
        Assert.Equal(
            folders.Order(StringComparer.Ordinal),
            Document.Of("docs/architecture.md").Rows("Folders").Select(row => row[0].Trim('`')).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Each_type_named_in_the_architecture_document_is_in_its_documented_folder()
    {
        Assert.SkipUnless(HasNewFolders, OldFolders);
        string[] files = [.. Document.Of("docs/architecture.md").Rows("Where is it decided?")
            .SelectMany(row => FolderAndTypes().Matches(row[1]))
            .SelectMany(match => match.Groups["type"].Captures.Select(type => $"src/Gateway/{match.Groups["folder"].Value}/{type.Value}"))];
        Assert.True(files.Length > 15);
        string[] missing = [.. files.Where(file => !Exists(file) && !Exists(file + ".cs"))];
        Assert.Empty(missing);
    }

    private static bool Exists(string path) =>
        Path.Exists(Path.Combine(Repository.Root, path));

    /// <summary>Everything that is written by people; nothing that is built or installed.</summary>
    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder)
        .Concat(Directory.EnumerateDirectories(folder)
            .Where(inner => Path.GetFileName(inner) is not (".git" or "artifacts" or "node_modules" or "bin" or "obj" or "data"))
            .SelectMany(Files));

    [GeneratedRegex(@"(?<![\w./-])(?:src|tests|docs|config|\.ci|\.github)/[\w./-]*[\w/]")]
    private static partial Regex PathInText();

    [GeneratedRegex(@"(?<![\w./…-])[A-Za-z][\w.-]*\.(?:cs|razor|css|csproj|props|sln|yaml|yml|md|svg|png)(?![\w.-]*\w)")]
    private static partial Regex FileName();

    [GeneratedRegex(@"(?<![\w/])(?:docs/[\w./-]+\.(?:md|svg|png)|(?:README|CHANGELOG|CONTRIBUTING|SECURITY)\.md)")]
    private static partial Regex DocumentInText();

    [GeneratedRegex(@"\b(PAPERLESS|GATEWAY)_[A-Z_]*[A-Z]\b")]
    private static partial Regex Variable();

    [GeneratedRegex(@"GetEnvironmentVariable\(""(?<name>\w+)""")]
    private static partial Regex TestVariable();

    [GeneratedRegex(@"(?:Gateway\.dll|--no-deps gateway) (?<words>[^`\n<>|]+)")]
    private static partial Regex Command();

    [GeneratedRegex("\"(?<text>[^\"]+)\"")]
    private static partial Regex QuotedText();

    [GeneratedRegex(@"`(?<folder>\w+)`: `(?<type>[\w.]+)`(?:, `(?<type>[\w.]+)`)*")]
    private static partial Regex FolderAndTypes();
}
