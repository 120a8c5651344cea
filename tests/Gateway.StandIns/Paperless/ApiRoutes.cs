using System.Collections.Frozen;
using System.Globalization;

namespace Gateway.StandIns.Paperless;

/// <summary>The addresses under <c>/api/</c>. Each ends with a slash; what is not here falls through to the front page.</summary>
internal static class ApiRoutes
{
    private static readonly FrozenDictionary<string, ApiView> Views = new Dictionary<string, ApiView>
    {
        ["users/"] = UsersApi.All,
        ["users/{id}/"] = UsersApi.One,
        ["groups/"] = GroupsApi.All,
        ["groups/{id}/"] = GroupsApi.One,
        ["ui_settings/"] = SettingsApi.Settings,
        ["statistics/"] = SettingsApi.Statistics,
        ["tags/"] = SettingsApi.EmptyList,
        ["correspondents/"] = SettingsApi.EmptyList,
        ["document_types/"] = SettingsApi.EmptyList,
        ["custom_fields/"] = SettingsApi.EmptyList,
        ["storage_paths/"] = SettingsApi.EmptyList,
        ["saved_views/"] = SettingsApi.EmptyList,
        ["tasks/"] = SettingsApi.EmptyList,
        ["remote_version/"] = SettingsApi.RemoteVersion,
        ["schema/"] = SettingsApi.Schema,
        ["schema/view/"] = SettingsApi.SchemaPage,
        ["token/"] = ProfileApi.Token,
        ["profile/"] = ProfileApi.Profile,
        ["profile/generate_auth_token/"] = ProfileApi.GenerateToken,
        ["profile/social_account_providers/"] = ProfileApi.Providers,
        ["profile/disconnect_social_account/"] = ProfileApi.Disconnect,
        ["documents/"] = DocumentsApi.All,
        ["documents/{id}/"] = DocumentsApi.One,
        ["documents/post_document/"] = DocumentsApi.Upload,
        ["documents/{id}/download/"] = DocumentFiles.Download,
        ["documents/{id}/preview/"] = DocumentFiles.Preview,
        ["documents/{id}/thumb/"] = DocumentFiles.Thumbnail,
        ["documents/bulk_download/"] = DocumentFiles.Zip,
        ["documents/big/download/"] = DocumentFiles.BigDownload,
        ["documents/chat/"] = StreamsApi.Chat,
        ["stand-in/events/"] = StreamsApi.Events,
    }.ToFrozenDictionary();

    /// <summary>The view of the request's path, with the path's number put into the visit.</summary>
    public static ApiView? Find(Visit visit)
    {
        if (!visit.Path.StartsWith("/api/", StringComparison.Ordinal))
        {
            return null;
        }

        string path = visit.Path["/api/".Length..];
        if (Views.TryGetValue(path, out ApiView? exact))
        {
            return exact;
        }

        if (path.Split('/') is not [var collection, { Length: > 0 } id, .. var rest])
        {
            return null;
        }

        visit.RouteId = int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
        return Views.GetValueOrDefault($"{collection}/{{id}}/{string.Join('/', rest)}");
    }
}
