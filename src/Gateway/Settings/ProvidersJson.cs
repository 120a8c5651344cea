using System.Text.Json;
using System.Text.RegularExpressions;

namespace Gateway.Settings;

/// <summary>The JSON of `PAPERLESS_SOCIALACCOUNT_PROVIDERS`: the document, and its texts. Every mistake becomes a problem that says where it is.</summary>
internal sealed partial class ProvidersJson(string variable, Variables variables)
{
    /// <returns>Null if the text is not JSON.</returns>
    public JsonDocument? Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 16 });
        }
        catch (JsonException error)
        {
            (string wrong, string remedy) = Explain(text, error);
            variables.Problem(variable, wrong, remedy);
            return null;
        }
    }

    /// <summary>Describes the place of an error without quoting the text, which may be the secret.</summary>
    private static (string Wrong, string Remedy) Explain(string text, JsonException error)
    {
        string place = $"at line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}";
        if (error.Message.Contains("trailing comma", StringComparison.Ordinal))
        {
            return ($"is not valid JSON: a comma before a closing bracket ({place}).", "Remove that comma; Paperless does not start with it either.");
        }

        if (error.Message.Contains("uplicate", StringComparison.Ordinal))
        {
            return ("has the same name twice in one object.", "Keep one of the two; for several providers put several entries into openid_connect.APPS.");
        }

        string start = string.Concat(text.Where(letter => !char.IsWhiteSpace(letter)).Take(2));
        return start switch
        {
            "{'" => ("is not valid JSON: names and texts stand in single quotes.", "Use double quotes inside, and single quotes only around the whole value."),
            "{\\" => ("is not valid JSON: there are backslashes before its quotes.", "Remove the backslashes, or put single quotes around the whole "
                + "value where a shell or Compose reads it."),
            _ when PythonWord().IsMatch(text) => ($"is not valid JSON {place}: True, False and None are Python.", "Write true, false and null."),
            _ => ($"is not valid JSON {place}.", "Check quotes, commas and brackets there (a text must not go over the end of a line); a JSON checker "
                + "helps (mind the secret)."),
        };
    }

    public string? Required(JsonElement parent, string name, string place)
    {
        string? text = Text(parent, name);
        if (text is null)
        {
            variables.Problem(variable, $"{place} has no {name}.", $"Add \"{name}\" as a text.");
        }

        return text;
    }

    /// <summary>An optional text. A value of another type, such as a secret without quotes, is a problem and not the same as a missing one.</summary>
    public string? Optional(JsonElement parent, string name, string place)
    {
        if (parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement given)
            && given.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
        {
            variables.Problem(variable, $"{place}.{name} is not a text.", "Put double quotes around it.");
        }

        return Text(parent, name);
    }

    public static string? Text(JsonElement parent, string name) =>
        TryGet(parent, name, JsonValueKind.String, out JsonElement text) && !string.IsNullOrWhiteSpace(text.GetString()) ? text.GetString()!.Trim() : null;

    public static bool TryGet(JsonElement parent, string name, JsonValueKind kind, out JsonElement value)
    {
        value = default;
        return parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out value) && value.ValueKind == kind;
    }

    [GeneratedRegex(@":\s*(True|False|None)\b")]
    private static partial Regex PythonWord();
}
