using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Gateway.Tests.Languages;

/// <summary>A `.razor` file: its texts, `T[…]`, and the words in its markup that are no texts.</summary>
internal sealed partial class RazorSource
{
    private static readonly string Imports = Path.Combine(Repository.Root, "src", "Gateway", "Pages", "_Imports.razor");

    private readonly string _name;

    private readonly string _markup;

    private readonly string _code;

    private RazorSource(string file)
    {
        _name = Path.GetFileNameWithoutExtension(file);
        string[] parts = Comment().Replace(File.ReadAllText(file), "").Split("@code", 2);
        (_markup, _code) = (parts[0], parts.Length > 1 ? parts[1].Trim()[1..^1] : "");
    }

    public static RazorSource Read(string file) => new(file);

    /// <summary>What stands in the brackets of each `T[…]`.</summary>
    public IEnumerable<ExpressionSyntax> Texts => Text().Matches(_markup)
        .Select(match => SyntaxFactory.ParseExpression(_markup, match.Index, consumeFullText: false))
        .SelectMany(parsed => parsed.DescendantNodesAndSelf().OfType<ElementAccessExpressionSyntax>())
        .Where(access => access.Expression is IdentifierNameSyntax { Identifier.Text: "T" })
        .Select(access => access.ArgumentList.Arguments[0].Expression);

    /// <summary>What is left when the texts, the values and the tags are taken away.</summary>
    public IEnumerable<string> PlainWords
    {
        get
        {
            string rest = _markup;
            for (Match start = ValueStart().Match(rest); start.Success; start = ValueStart().Match(rest))
            {
                int begin = start.Index + 1;
                int length = First(SyntaxFactory.ParseExpression(rest, begin, consumeFullText: false)).Span.Length;
                rest = rest[..start.Index] + rest[(begin + length)..];
            }

            string withoutStatements = Statement().Replace(rest, "");
            IEnumerable<string> attributes = SpokenAttribute().Matches(withoutStatements).Select(match => match.Groups["words"].Value);
            return Tag().Replace(withoutStatements, "\n").Split('\n').Concat(attributes)
                .Select(words => words.Trim())
                .Where(words => words.Any(char.IsLetter) && words is not "Paperless-ngx" and not "– Paperless-ngx");
        }
    }

    /// <summary>The class that the Razor compiler makes of it, without the markup: for the texts in its code.</summary>
    public string AsClass()
    {
        string head = (_name == "_Imports" ? "" : File.ReadAllText(Imports)) + _markup;
        string usings = string.Concat(Using().Matches(head).Select(match => $"using {match.Groups["name"].Value};\n"));
        string injected = string.Concat(Inject().Matches(head).Select(match => $"    private {match.Groups["what"].Value} {{ get; }}\n"));
        return $"#nullable enable\n{usings}namespace Gateway.Pages;\npublic partial class {_name} : ComponentBase\n{{\n{injected}{_code}\n}}\n";
    }

    /// <summary>The C# parser takes the tag after a value for a comparison.</summary>
    private static ExpressionSyntax First(ExpressionSyntax parsed) => parsed switch
    {
        BinaryExpressionSyntax comparison => First(comparison.Left),
        ConditionalExpressionSyntax choice => First(choice.Condition),
        AssignmentExpressionSyntax assignment => First(assignment.Left),
        _ => parsed,
    };

    [GeneratedRegex(@"@\*.*?\*@", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"(?<![\w""])T\[")]
    private static partial Regex Text();

    /// <summary>`@(`, `@name`, and not `@if`, `@foreach`, `@using`, `@inject`.</summary>
    [GeneratedRegex(@"@(?=\(|(?!(if|foreach|using|inject)\b)[A-Za-z])")]
    private static partial Regex ValueStart();

    [GeneratedRegex(@"^\s*(@using .*|@inject .*|(@if|else if|@foreach) \(.*\)|else)\s*$", RegexOptions.Multiline)]
    private static partial Regex Statement();

    [GeneratedRegex("(aria-label|Title|title|alt|placeholder)=\"(?<words>[^\"]*)\"")]
    private static partial Regex SpokenAttribute();

    [GeneratedRegex("<(?:[^<>\"]|\"[^\"]*\")*>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"^@using (?<name>[\w.]+)\s*$", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"^@inject (?<what>\w+ \w+)\s*$", RegexOptions.Multiline)]
    private static partial Regex Inject();
}
