using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>
/// A pattern for the value of a claim, written between slashes (`/cn=([^,]+),.*/`). It matches the whole value, in time linear in its length,
/// and within a time limit.
/// </summary>
internal sealed class ClaimPattern
{
    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;

    private static readonly TimeSpan MatchTimeout = TimeSpan.FromMilliseconds(100);

    private readonly Regex _whole;

    private ClaimPattern(string text, Regex whole)
    {
        Text = text;
        _whole = whole;
    }

    /// <summary>The pattern as it is written, with its slashes.</summary>
    public string Text { get; }

    public static bool IsPattern(string text) => text.Length > 2 && text[0] == '/' && text[^1] == '/';

    /// <returns>Null where the pattern cannot be used; <paramref name="error"/> says why.</returns>
    public static ClaimPattern? Parse(string text, out string error)
    {
        string inner = text[1..^1];
        error = "";
        try
        {
            // By itself first: an unbalanced parenthesis must not end the group around it.
            _ = new Regex(inner, Options, MatchTimeout);
            return new ClaimPattern(text, new Regex($@"\A(?:{inner})\z", Options, MatchTimeout));
        }
        catch (ArgumentException failure)
        {
            error = $"is no regular expression: {failure.Message}";
        }
        catch (NotSupportedException)
        {
            error = "has a part that cannot be matched in linear time, such as (?=…), (?<!…) or \\1";
        }

        return null;
    }

    /// <summary>Null where the pattern does not match the whole value.</summary>
    /// <exception cref="RegexMatchTimeoutException">It takes too long.</exception>
    public Match? Match(string value) => _whole.Match(value) is { Success: true } match ? match : null;

    /// <summary>A value that takes too long to match does not match.</summary>
    public bool IsMatch(string value)
    {
        try
        {
            return _whole.IsMatch(value);
        }
        catch (RegexMatchTimeoutException)
        {
            return false;
        }
    }
}
