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
        Get = visit => visit.Data.FindGroup(visit.RouteId) is { } group ? visit.Reply.Json(Shown(group)) : NotFoundAsync(visit),
        Patch = visit => UpdateAsync(visit, partial: true),
        Put = visit => UpdateAsync(visit, partial: false),
        Delete = visit => visit.Data.RemoveGroup(visit.RouteId)
            ? visit.Reply.Empty(StatusCodes.Status204NoContent)
            : NotFoundAsync(visit),
    };

    private static Task CreateAsync(Visit visit)
    {
        if (Errors(visit, groupId: null, partial: false) is { Count: > 0 } errors)
        {
            return visit.Reply.Json(errors, StatusCodes.Status400BadRequest);
        }

        PaperlessGroup created = visit.Data.AddGroup(visit.Body.Text("name")!, GivenPermissions(visit)!);
        return visit.Reply.Json(Shown(created), StatusCodes.Status201Created);
    }

    private static Task UpdateAsync(Visit visit, bool partial)
    {
        if (visit.Data.FindGroup(visit.RouteId) is not { } group)
        {
            return NotFoundAsync(visit);
        }

        if (Errors(visit, group.Id, partial) is { Count: > 0 } errors)
        {
            return visit.Reply.Json(errors, StatusCodes.Status400BadRequest);
        }

        PaperlessGroup? updated = visit.Data.UpdateGroup(group.Id, old => old with
        {
            Name = visit.Body.Text("name") ?? old.Name,
            Permissions = GivenPermissions(visit) ?? old.Permissions,
        });
        return visit.Reply.Json(Shown(updated!));
    }

    private static ImmutableArray<string>? GivenPermissions(Visit visit) =>
        visit.Body.Fields["permissions"] is JsonArray list ? FieldLists.Codenames(list) : null;

    private static SortedDictionary<string, string[]> Errors(Visit visit, int? groupId, bool partial)
    {
        SortedDictionary<string, string[]> errors = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
        JsonObject fields = visit.Body.Fields;
        if (!partial || fields.ContainsKey("name"))
        {
            string? error = visit.Body.Text("name") switch
            {
                null => "This field is required.",
                "" => "This field may not be blank.",
                { Length: > 150 } => "Ensure this field has no more than 150 characters.",
                var name when visit.Data.FindGroup(name) is { } other && other.Id != groupId =>
                    "group with this name already exists.",
                _ => null,
            };
            if (error is not null)
            {
                errors["name"] = [error];
            }
        }

        if (fields.ContainsKey("permissions"))
        {
            if (FieldLists.CodenamesError(fields["permissions"]) is { } error)
            {
                errors["permissions"] = [error];
            }
        }
        else if (!partial)
        {
            errors["permissions"] = ["This field is required."];
        }

        return errors;
    }

    private static Task NotFoundAsync(Visit visit) =>
        visit.Reply.Detail(StatusCodes.Status404NotFound, "No Group matches the given query.");

    private static object Shown(PaperlessGroup group) =>
        new { id = group.Id, name = group.Name, permissions = group.Permissions };
}
