using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Gateway.Tests.Languages;

/// <summary>Every text in the sources that becomes a `PageText`, read with the compiler's own syntax trees and types.</summary>
internal sealed class TextSources
{
    private const string TypeName = "Gateway.Pages.PageText";

    private static readonly string Source = Path.Combine(Repository.Root, "src", "Gateway");

    private static readonly string[] ImplicitUsings =
    [
        "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http", "System.Net.Http.Json", "System.Threading",
        "System.Threading.Tasks", "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Http", "Microsoft.AspNetCore.Routing",
        "Microsoft.Extensions.Configuration", "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting", "Microsoft.Extensions.Logging",
    ];

    private readonly SortedDictionary<string, SortedSet<string>> _keys = new(StringComparer.Ordinal);

    private readonly List<string> _faults = [];

    private TextSources()
    {
    }

    /// <summary>The keys, each with the names of the files that have it.</summary>
    public IReadOnlyDictionary<string, SortedSet<string>> Keys => _keys;

    /// <summary>Strings that become a text although the compiler cannot tell their words.</summary>
    public IReadOnlyList<string> Faults => _faults;

    public static TextSources Read()
    {
        TextSources found = new();
        found.ReadCode();
        foreach (string file in Files("*.razor"))
        {
            RazorSource page = RazorSource.Read(file);
            foreach (ExpressionSyntax text in page.Texts)
            {
                found.AddRazorText(text, Path.GetFileName(file));
            }

            found._faults.AddRange(page.PlainWords.Select(words => $"{Path.GetFileName(file)}: \"{words}\" is no text: write T[\"…\"]"));
        }

        return found;
    }

    private void ReadCode()
    {
        SyntaxTree usings = CSharpSyntaxTree.ParseText(string.Concat(ImplicitUsings.Select(name => $"global using {name};\n")));
        IEnumerable<SyntaxTree> code = Files("*.cs").Select(file => CSharpSyntaxTree.ParseText(File.ReadAllText(file), path: file));
        IEnumerable<SyntaxTree> pages = Files("*.razor").Select(file => CSharpSyntaxTree.ParseText(RazorSource.Read(file).AsClass(), path: file));
        string platform = (string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!;
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Gateway",
            [usings, .. code, .. pages],
            platform.Split(Path.PathSeparator)
                .Where(path => Path.GetFileName(path) is not "Gateway.dll" and not "Gateway.Tests.dll")
                .Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
        {
            SemanticModel model = compilation.GetSemanticModel(tree);
            foreach (ExpressionSyntax expression in tree.GetRoot().DescendantNodes().OfType<ExpressionSyntax>())
            {
                Look(model, expression);
            }
        }
    }

    private void Look(SemanticModel model, ExpressionSyntax expression)
    {
        if (expression is AssignmentExpressionSyntax { Left: TupleExpressionSyntax or DeclarationExpressionSyntax } assignment)
        {
            if (Conversions(model.GetDeconstructionInfo(assignment)).Any(IsToText))
            {
                AddFault(expression);
            }
        }
        else if (expression is CastExpressionSyntax cast && IsText(model.GetTypeInfo(cast).Type))
        {
            Add(model, cast.Expression);
        }
        else if (IsText(model.GetTypeInfo(expression).ConvertedType) && !IsText(model.GetTypeInfo(expression).Type))
        {
            Conversion conversion = model.GetConversion(expression);
            if (conversion.IsInterpolatedStringHandler || IsToText(conversion))
            {
                Add(model, expression);
            }
        }
        else if (IsTupleWithText(model.GetTypeInfo(expression).ConvertedType)
            && !IsTupleWithText(model.GetTypeInfo(expression).Type)
            && expression is not TupleExpressionSyntax)
        {
            AddFault(expression);
        }
    }

    private void Add(SemanticModel model, ExpressionSyntax expression)
    {
        if (model.GetConstantValue(expression) is { HasValue: true, Value: var constant })
        {
            AddKey(constant as string, expression);
            return;
        }

        switch (expression)
        {
            case ParenthesizedExpressionSyntax inner:
                Add(model, inner.Expression);
                break;
            case ConditionalExpressionSyntax choice:
                AddConstant(model, choice.WhenTrue);
                AddConstant(model, choice.WhenFalse);
                break;
            case SwitchExpressionSyntax choice:
                foreach (SwitchExpressionArmSyntax arm in choice.Arms)
                {
                    AddConstant(model, arm.Expression);
                }

                break;
            default:
                AddInterpolation(expression);
                break;
        }
    }

    /// <summary>A branch that is chosen as a string: its values would be among the words.</summary>
    private void AddConstant(SemanticModel model, ExpressionSyntax expression)
    {
        if (expression is ConditionalExpressionSyntax or SwitchExpressionSyntax or ParenthesizedExpressionSyntax
            || model.GetConstantValue(expression).HasValue)
        {
            Add(model, expression);
        }
        else if (expression is not ThrowExpressionSyntax)
        {
            AddFault(expression);
        }
    }

    private void AddInterpolation(ExpressionSyntax expression)
    {
        int values = 0;
        if (TextFormat.Of(expression, ref values) is { } key)
        {
            AddKey(key, expression);
        }
        else
        {
            AddFault(expression);
        }
    }

    private void AddRazorText(ExpressionSyntax expression, string file)
    {
        int values = 0;
        if (expression is ConditionalExpressionSyntax)
        {
            _faults.Add($"{file}: {expression} chooses between strings: write T[…] in both branches");
        }
        else if (TextFormat.Of(expression, ref values) is { } key)
        {
            AddKey(key, file);
        }
    }

    private void AddKey(string? key, ExpressionSyntax expression) => AddKey(key, Path.GetFileName(expression.SyntaxTree.FilePath));

    /// <summary>A key of values alone has nothing to translate.</summary>
    private void AddKey(string? key, string file)
    {
        if (key is null || !TextFormat.HasWords(key))
        {
            return;
        }

        if (!_keys.TryGetValue(key, out SortedSet<string>? files))
        {
            _keys[key] = files = new SortedSet<string>(StringComparer.Ordinal);
        }

        files.Add(file);
    }

    private void AddFault(ExpressionSyntax expression)
    {
        FileLinePositionSpan place = expression.GetLocation().GetLineSpan();
        _faults.Add($"{Path.GetFileName(place.Path)}:{place.StartLinePosition.Line + 1}: {expression} becomes a text, and is no constant and no $\"…\"");
    }

    private static IEnumerable<Conversion> Conversions(DeconstructionInfo info) =>
        info.Nested.IsEmpty ? [info.Conversion ?? default] : info.Nested.SelectMany(Conversions);

    private static bool IsToText(Conversion conversion) => conversion.IsUserDefined && IsText(conversion.MethodSymbol?.ReturnType);

    private static bool IsText(ITypeSymbol? type) => type?.WithNullableAnnotation(NullableAnnotation.None).ToDisplayString() == TypeName;

    private static bool IsTupleWithText(ITypeSymbol? type) =>
        type is INamedTypeSymbol { IsTupleType: true } tuple && tuple.TupleElements.Any(element => IsText(element.Type));

    private static IEnumerable<string> Files(string pattern) =>
        Directory.EnumerateFiles(Source, pattern, SearchOption.AllDirectories).Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);
}
