using System.Text.RegularExpressions;
using Gateway.Tests.Shipping;

namespace Gateway.Tests;

/// <summary>The table of request features in the architecture document agrees with the source.</summary>
public sealed partial class RequestFeatureTests
{
    private static readonly (string Name, string Text)[] Source =
    [
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".cs" or ".razor")
            .Select(file => (Path.GetFileName(file), File.ReadAllText(file))),
    ];

    private static readonly HashSet<string> OwnTypes = [.. typeof(Program).Assembly.GetTypes().Select(type => type.Name)];

    [Fact]
    public void The_architecture_page_names_each_request_feature_with_its_writers_and_readers()
    {
        List<Use> uses = [.. Source.SelectMany(file => Access().Matches(file.Text).Select(access => UseIn(file, access)))
            .Where(use => OwnTypes.Contains(use.Type))];
        uses.AddRange(ReadsByAccessor());

        string[] found = [.. uses.GroupBy(use => use.Type).Select(type => Row(type.Key, type)).Order(StringComparer.Ordinal)];
        IEnumerable<string> written = Document.Of("docs/architecture.md").Rows("What a request carries").Select(row => $"| {row[0]} | {row[1]} | {row[2]} |");
        Assert.True(
            found.SequenceEqual(written),
            $"The table \"What a request carries\" in docs/architecture.md should begin its rows with:\n{string.Join('\n', found)}");
    }

    [Fact]
    public void No_data_of_a_request_is_kept_in_HttpContext_Items() =>
        Assert.DoesNotContain(Source, file => UntypedBag().IsMatch(file.Text));

    private static Use UseIn((string Name, string Text) file, Match access)
    {
        Assert.True(access.Groups["type"].Success, $"{file.Name}: `{access.Value}` does not name its type; write Features.Set<T>(…).");
        return new Use(access.Groups["type"].Value, access.Groups["set"].Success, ClassAt(file, access.Index));
    }

    /// <summary>An extension method of the request that gives a feature is no reader: its callers are.</summary>
    private static IEnumerable<Use> ReadsByAccessor() => Source
        .SelectMany(file => Accessor().Matches(file.Text))
        .SelectMany(accessor => Source.SelectMany(file => Regex.Matches(file.Text, $@"\.{accessor.Groups["name"].Value}\(\)")
            .Select(call => new Use(accessor.Groups["type"].Value, IsSet: false, ClassAt(file, call.Index)))));

    private static string Row(string type, IEnumerable<Use> uses)
        => $"| `{type}` | {Names(uses.Where(use => use.IsSet))} | {Names(uses.Where(use => !use.IsSet))} |";

    private static string Names(IEnumerable<Use> uses) => string.Join(", ", uses.Select(use => $"`{use.Class}`").Distinct().Order(StringComparer.Ordinal));

    /// <summary>The last class that began before that place.</summary>
    private static string ClassAt((string Name, string Text) file, int index) =>
        Class().Matches(file.Text).LastOrDefault(type => type.Index < index)?.Groups["name"].Value ?? Path.GetFileNameWithoutExtension(file.Name);

    /// <summary>Not in front of it: an accessor, which <see cref="Accessor"/> finds.</summary>
    [GeneratedRegex(
        @"(?<!this HttpContext context\)\s*=>\s+context\.)Features\.(Get(RequiredFeature)?<(?<type>\w+)>|(?<set>Set)(<(?<type>\w+)>\(|\(new (?<type>\w+)|\())")]
    private static partial Regex Access();

    [GeneratedRegex(@"static \S+ (?<name>\w+)\(this HttpContext context\)\s*=>\s+context\.Features\.Get<(?<type>\w+)>")]
    private static partial Regex Accessor();

    [GeneratedRegex(@"^(public|internal) [\w ]*\b(class|record|struct) (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex Class();

    [GeneratedRegex(@"([cC]ontext|Request)\.Items\b|\bhttp\.Items\b")]
    private static partial Regex UntypedBag();

    private sealed record Use(string Type, bool IsSet, string Class);
}
