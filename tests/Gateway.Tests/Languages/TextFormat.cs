using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Gateway.Tests.Languages;

/// <summary>The key of a text, as `PageText` makes it: the words, and `{0}` for the first value.</summary>
internal static partial class TextFormat
{
    /// <returns>Null where the expression is neither a literal nor an interpolated string, nor a sum of them.</returns>
    public static string? Of(ExpressionSyntax expression, ref int values)
    {
        switch (expression)
        {
            case LiteralExpressionSyntax literal when literal.IsKind(SyntaxKind.StringLiteralExpression):
                return literal.Token.ValueText;
            case BinaryExpressionSyntax sum when sum.IsKind(SyntaxKind.AddExpression):
                string? left = Of(sum.Left, ref values);
                string? right = Of(sum.Right, ref values);
                return left is null || right is null ? null : left + right;
            case InterpolatedStringExpressionSyntax interpolated:
                StringBuilder key = new();
                foreach (InterpolatedStringContentSyntax part in interpolated.Contents)
                {
                    key.Append(part is InterpolatedStringTextSyntax words
                        ? words.TextToken.ValueText
                        : $"{{{(values++).ToString(CultureInfo.InvariantCulture)}}}");
                }

                return key.ToString();
            default:
                return null;
        }
    }

    public static bool HasWords(string key) => Placeholder().Replace(key, "").Any(char.IsLetter);

    public static string[] Placeholders(string text) =>
        [.. Placeholder().Matches(text).Select(match => match.Value).Distinct().Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"\{\d+\}")]
    private static partial Regex Placeholder();
}
