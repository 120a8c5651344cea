using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Gateway.StandIns.Paperless;

/// <summary>DRF's related fields: lists of ids, and lists of permissions by codename.</summary>
internal static class FieldLists
{
    public static ImmutableArray<int> Ids(JsonArray list) => [.. list.Select(item => Id(item)!.Value).Distinct()];

    public static ImmutableArray<string> Codenames(JsonArray list) => [.. list.Select(item => item!.ToString()).Distinct()];

    public static string? IdsError(JsonNode? node, Predicate<int> exists) => NotAList(node)
        ?? node!.AsArray()
            .Select(item => IdError(item, exists))
            .FirstOrDefault(error => error is not null);

    private static string? IdError(JsonNode? item, Predicate<int> exists)
    {
        if (Id(item) is not { } id)
        {
            return $"Incorrect type. Expected pk value, received {PythonType(item)}.";
        }

        return exists(id) ? null : $"Invalid pk \"{id}\" - object does not exist.";
    }

    public static string? CodenamesError(JsonNode? node) => NotAList(node)
        ?? node!.AsArray()
            .Select(item => Permissions.All.Contains(item?.ToString() ?? "") ? null : $"Object with codename={item} does not exist.")
            .FirstOrDefault(error => error is not null);

    private static string? NotAList(JsonNode? node) => node switch
    {
        JsonArray => null,
        null => "This field may not be null.",
        _ => $"Expected a list of items but got type \"{PythonType(node)}\".",
    };

    private static int? Id(JsonNode? node) =>
        node?.GetValueKind() is JsonValueKind.Number or JsonValueKind.String
        && int.TryParse(node.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : null;

    private static string PythonType(JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.String => "str",
        JsonValueKind.Number => "int",
        JsonValueKind.True or JsonValueKind.False => "bool",
        JsonValueKind.Array => "list",
        JsonValueKind.Object => "dict",
        _ => "NoneType",
    };
}
