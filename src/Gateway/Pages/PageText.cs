using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Localization;

namespace Gateway.Pages;

/// <summary>
/// A text that a person reads, in English, with the values apart from the words: `$"You are signed in as {name}."` keeps the key of its translations,
/// "You are signed in as {0}.", and the name. Only constants and interpolated strings become a text, which a test checks; other strings go through
/// <see cref="Verbatim"/>. Two branches with values of their own need a cast: `one ? (PageText)$"…" : $"…"`.
/// </summary>
/// <remarks>A value that is a text itself is translated with it. All other values stay as they are.</remarks>
[InterpolatedStringHandler]
public sealed class PageText(int literalLength, int formattedCount)
{
    private readonly StringBuilder _key = new(literalLength + (formattedCount * "{0}".Length));

    private readonly List<object> _values = new(formattedCount);

    /// <summary>For the log and for programs.</summary>
    public string English => _values.Count == 0 ? Key : string.Format(CultureInfo.InvariantCulture, Key, [.. _values]);

    private string Key => _key.ToString();

    [return: NotNullIfNotNull(nameof(constant))]
    public static implicit operator PageText?(string? constant)
    {
        if (constant is null)
        {
            return null;
        }

        PageText text = new(constant.Length, 0);
        text._key.Append(constant);
        return text;
    }

    /// <summary>A text from elsewhere, which has no translation.</summary>
    public static PageText Verbatim(string text) => $"{text}";

    /// <summary>Called by the compiler.</summary>
    public void AppendLiteral(string literal) =>
        _key.Append(literal.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal));

    /// <summary>Called by the compiler.</summary>
    public void AppendFormatted<T>(T value)
    {
        _key.Append(CultureInfo.InvariantCulture, $"{{{_values.Count}}}");
        _values.Add(value is null ? "" : value);
    }

    /// <summary>In the language of <see cref="CultureInfo.CurrentUICulture"/>, and in English where that language has no such text.</summary>
    internal string Translate(IStringLocalizer localizer) => _values.Count == 0
        ? localizer[Key]
        : localizer[Key, [.. _values.Select(value => value is PageText text ? text.Translate(localizer) : value)]];

    /// <summary>In English: a text that ends up in the log by way of another string is not translated.</summary>
    public override string ToString() => English;
}
