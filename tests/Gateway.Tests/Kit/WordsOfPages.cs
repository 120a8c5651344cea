using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gateway.Tests.Kit;

/// <summary>A refusal has two parts: what the person can do, and below a line what the operator needs.</summary>
internal static partial class WordsOfPages
{
    private const string Line = "<section class=\"operator\"";

    private static readonly string[] WordsOfOperators
        = ["docker ", "Gateway accounts", "accounts link", "trace id", "server_url", "SCOPE", "subject", "issuer", "Subject", "Issuer"];

    /// <summary>Whether the gateway wrote it: a page with a section for the operator, or problem details.</summary>
    public static bool IsRefusal(Page page) =>
        page.Header("Content-Type")?.StartsWith("application/problem+json", StringComparison.Ordinal) == true
        || (page.Text.StartsWith("<!DOCTYPE", StringComparison.Ordinal) && page.Text.Contains(Line, StringComparison.Ordinal));

    public static string PersonsPart(Page page)
    {
        if (page.Text.StartsWith('{'))
        {
            JsonElement problem = JsonDocument.Parse(page.Text).RootElement;
            return $"{problem.GetProperty("title")} {problem.GetProperty("detail")}";
        }

        int start = Math.Max(0, page.Text.IndexOf("<main", StringComparison.Ordinal));
        int end = page.Text.IndexOf(Line, StringComparison.Ordinal);
        return WebUtility.HtmlDecode(Tag().Replace(page.Text[start..(end < 0 ? page.Text.Length : end)], " "));
    }

    public static string OperatorsPart(Page page)
    {
        if (page.Text.StartsWith('{'))
        {
            return JsonDocument.Parse(page.Text).RootElement.TryGetProperty("operator", out JsonElement operators) ? operators.GetString()! : "";
        }

        int start = page.Text.IndexOf(Line, StringComparison.Ordinal);
        return start < 0 ? "" : WebUtility.HtmlDecode(Tag().Replace(page.Text[start..], " "));
    }

    /// <summary>No variable, name of a setting, command, subject, or address other than the public one stands in the person's part.</summary>
    public static void AssertPersonsPartIsPlain(Page page, string publicOrigin)
    {
        if (!IsRefusal(page))
        {
            return;
        }

        // What somebody else said is quoted.
        string words = Quoted().Replace(PersonsPart(page), "");
        Assert.DoesNotMatch(Name(), words);
        Assert.All(WordsOfOperators, word => Assert.DoesNotContain(word, words, StringComparison.Ordinal));
        Assert.All(
            Urls().Matches(words).Select(match => new Uri(match.Value.TrimEnd('.'))),
            address => Assert.Contains(address.Authority, new[] { page.Address.Authority, new Uri(publicOrigin).Authority }));
    }

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Quoted();

    /// <summary>PAPERLESS_URL, client_id.</summary>
    [GeneratedRegex(@"\b[A-Z]+_[A-Z_]+\b|\b[a-z]+_[a-z_]+\b")]
    private static partial Regex Name();

    [GeneratedRegex(@"https?://[^\s,;]+")]
    private static partial Regex Urls();
}
