using System.Collections.Immutable;
using System.Globalization;

namespace Gateway.StandIns.Paperless;

/// <summary><c>/api/users/</c>.</summary>
internal static class UsersApi
{
    public static readonly ApiView All = new() { Model = "user", Get = ListAsync, Post = CreateAsync };

    public static readonly ApiView One = new()
    {
        Model = "user",
        Get = visit => Find(visit) is { } user ? visit.Reply.Json(Shown(visit.Data, user)) : NotFoundAsync(visit),
        Patch = UpdateAsync,
        Delete = DeleteAsync,
    };

    private static StandInUser? Find(Visit visit) =>
        visit.Data.FindUser(visit.RouteId) is { } user && !PaperlessData.IsHidden(user) ? user : null;

    private static Task ListAsync(Visit visit) => Listing.AnswerAsync(
        visit,
        visit.Data.Users.Where(user => !PaperlessData.IsHidden(user)),
        "username",
        user => user.Name,
        user => Shown(visit.Data, user));

    private static Task CreateAsync(Visit visit)
    {
        if (!visit.User!.IsSuperuser && visit.Body.Fields["is_superuser"]?.ToString() == "true")
        {
            return visit.Reply.Text("Superuser status can only be granted by a superuser", StatusCodes.Status403Forbidden);
        }

        UserForm form = new UserForm(visit.Data, visit.Body, userId: null);
        if (form.Errors(partial: false) is { Count: > 0 } errors)
        {
            return visit.Reply.Json(errors, StatusCodes.Status400BadRequest);
        }

        StandInUser created = visit.Data.AddUser(form.Name!, form.Apply);
        return visit.Reply.Json(Shown(visit.Data, created), StatusCodes.Status201Created);
    }

    private static Task UpdateAsync(Visit visit)
    {
        if (Find(visit) is not { } user)
        {
            return NotFoundAsync(visit);
        }

        if (!visit.User!.IsSuperuser)
        {
            if (user.IsSuperuser)
            {
                return visit.Reply.Text("Superusers can only be modified by other superusers", StatusCodes.Status403Forbidden);
            }

            if (visit.Body.Fields["is_superuser"]?.ToString() == "true")
            {
                return visit.Reply.Text("Superuser status can only be changed by a superuser", StatusCodes.Status403Forbidden);
            }
        }

        UserForm form = new UserForm(visit.Data, visit.Body, user.Id);
        return form.Errors(partial: true) is { Count: > 0 } errors
            ? visit.Reply.Json(errors, StatusCodes.Status400BadRequest)
            : visit.Reply.Json(Shown(visit.Data, visit.Data.UpdateUser(user.Id, form.Apply)!));
    }

    private static Task DeleteAsync(Visit visit)
    {
        if (Find(visit) is not { } user)
        {
            return NotFoundAsync(visit);
        }

        if (user.IsSuperuser && !visit.User!.IsSuperuser)
        {
            return visit.Reply.Text("Superusers can only be deleted by other superusers", StatusCodes.Status403Forbidden);
        }

        visit.Data.RemoveUser(user.Id);
        return visit.Reply.Empty(StatusCodes.Status204NoContent);
    }

    private static Task NotFoundAsync(Visit visit) =>
        visit.Reply.Detail(StatusCodes.Status404NotFound, "No User matches the given query.");

    private static object Shown(PaperlessData data, StandInUser user) => new
    {
        id = user.Id,
        username = user.Name,
        email = user.Email,
        password = "**********",
        first_name = user.FirstName,
        last_name = user.LastName,
        date_joined = user.Joined.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
        is_staff = user.IsStaff,
        is_active = user.IsActive,
        is_superuser = user.IsSuperuser,
        groups = user.Groups.ToImmutableSortedSet(),
        user_permissions = user.Permissions,
        inherited_permissions = data.GroupPermissionsOf(user).Select(Permissions.InFull),
        is_mfa_enabled = false,
    };
}
