using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>
/// A placeholder of an example or a template that nobody has filled in: `&lt;client secret&gt;`, `${TOKEN}`, `$(openssl …)`, `{{ token }}`.
/// </summary>
internal static partial class Placeholder
{
    /// <summary>
    /// The placeholder that a value is, or that an address contains. Other values may contain such characters: a password, or a regular expression.
    /// </summary>
    /// <returns>Its kind, without its text, which may be the secret in angle brackets. Null where the value has none.</returns>
    public static string? Find(string value)
    {
        Match match = Pattern().Match(value);
        bool isWhole = match.Success && match.Length == value.Length;
        return isWhole || (match.Success && value.Contains("://", StringComparison.Ordinal)) ? Kind(match.Value) : null;
    }

    private static string Kind(string placeholder) => placeholder[..2] switch
    {
        "${" => "${…}",
        "$(" => "$(…)",
        "{{" => "{{…}}",
        _ => "<…>",
    };

    [GeneratedRegex(@"<[^<>]+>|\$\{[^{}]*\}|\$\([^()]*\)|\{\{[^{}]*\}\}")]
    private static partial Regex Pattern();
}
