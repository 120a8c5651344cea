namespace Gateway.StandIns.Paperless;

/// <summary><c>/api/ui_settings/</c>, which says who is asking, and the small public addresses of the API.</summary>
internal static class SettingsApi
{
    public static readonly ApiView Settings = new()
    {
        Model = "uisettings",
        Get = visit => visit.Reply.Json(new
        {
            user = Shown(visit.User!),
            settings = new
            {
                app_title = visit.Site.Options.AppTitle,
                app_logo = visit.Site.Options.AppLogo,
                version = PaperlessSite.Version,
                auditlog_enabled = true,
                trash_delay = 30,
                update_checking = new { backend_setting = "default" },
            },
            permissions = visit.Data.PermissionsOf(visit.User!),
        }),
    };

    public static readonly ApiView Statistics = new() { Get = visit => visit.Reply.Json(new { documents_total = 2, documents_inbox = 0 }) };

    /// <summary>Tags, correspondents and the like: Paperless has none yet.</summary>
    public static readonly ApiView EmptyList = new()
    {
        Get = visit => Listing.AnswerAsync(visit, Array.Empty<string>(), "name", name => name, name => name),
    };

    public static readonly ApiView RemoteVersion = new()
    {
        Anyone = true,
        Get = visit => visit.Reply.Json(new { version = "v" + PaperlessSite.Version, update_available = false }),
    };

    public static readonly ApiView Schema = new()
    {
        Anyone = true,
        Get = visit => visit.Reply.Json(new
        {
            openapi = "3.0.3",
            info = new { title = "Paperless-ngx REST API", version = "10 (10)" },
            paths = new { },
        }),
    };

    public static readonly ApiView SchemaPage = new()
    {
        Anyone = true,
        Get = visit => visit.Reply.Html(
            "<!DOCTYPE html><html lang=\"en\"><head><title>Paperless-ngx REST API</title></head><body><h1>Paperless-ngx REST API</h1></body></html>"),
    };

    private static Dictionary<string, object> Shown(StandInUser user)
    {
        Dictionary<string, object> shown = new Dictionary<string, object>
        {
            ["id"] = user.Id,
            ["username"] = user.Name,
            ["is_staff"] = user.IsStaff,
            ["is_superuser"] = user.IsSuperuser,
            ["groups"] = user.Groups,
        };
        if (user.FirstName.Length > 0)
        {
            shown["first_name"] = user.FirstName;
        }

        if (user.LastName.Length > 0)
        {
            shown["last_name"] = user.LastName;
        }

        return shown;
    }
}
