using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Gateway.StandIns.Paperless;

/// <summary><c>/api/groups/</c>.</summary>
internal static class GroupsApi
{
    public static readonly ApiView All = new()
    {
        Model = "group",
        Get = visit => Listing.AnswerAsync(visit, visit.Data.Groups, "name", group => group.Name, Shown),
        Post = CreateAsync,
    };

    public static readonly ApiView One = new()
    {
        Model = "group",
        Delete = visit => visit.Data.RemoveGroup(visit.RouteId)
            ? visit.Reply.Empty(StatusCodes.Status204NoContent)
            : NotFoundAsync(visit),
    };

    private static Task CreateAsync(Visit visit)
    {
        if (Errors(visit) is { Count: > 0 } errors)
        {
            return visit.Reply.Json(errors, StatusCodes.Status400BadRequest);
        }

        StandInGroup created = visit.Data.AddGroup(visit.Body.Text("name")!, GivenPermissions(visit)!);
        return visit.Reply.Json(Shown(created), StatusCodes.Status201Created);
    }

    private static ImmutableArray<string>? GivenPermissions(Visit visit) =>
        visit.Body.Fields["permissions"] is JsonArray list ? FieldLists.Codenames(list) : null;

    private static SortedDictionary<string, string[]> Errors(Visit visit)
    {
        SortedDictionary<string, string[]> errors = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
        JsonObject fields = visit.Body.Fields;
        string? nameError = visit.Body.Text("name") switch
        {
            null => "This field is required.",
            "" => "This field may not be blank.",
            { Length: > 150 } => "Ensure this field has no more than 150 characters.",
            var name when visit.Data.FindGroup(name) is not null => "group with this name already exists.",
            _ => null,
        };
        if (nameError is not null)
        {
            errors["name"] = [nameError];
        }

        string? permissionsError = fields.ContainsKey("permissions") ? FieldLists.CodenamesError(fields["permissions"]) : "This field is required.";
        if (permissionsError is not null)
        {
            errors["permissions"] = [permissionsError];
        }

        return errors;
    }

    private static Task NotFoundAsync(Visit visit) =>
        visit.Reply.Detail(StatusCodes.Status404NotFound, "No Group matches the given query.");

    private static object Shown(StandInGroup group) =>
        new { id = group.Id, name = group.Name, permissions = group.Permissions };
}
