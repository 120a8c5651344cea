using System.Collections.Frozen;
using System.Text;

namespace Gateway.Tracing;

/// <summary>Paths without their ids and secrets: for log lines, and as one of a fixed set of templates for the names of spans.</summary>
internal static class PathTemplate
{
    private const string Rest = "…";

    private const string Id = "{id}";

    private static readonly string[] SecretPrefixes = ["share/", "/password/reset/key/", "/confirm-email/"];

    /// <summary>Each has a list (`/api/tags/`) and an entry (`/api/tags/{id}/`).</summary>
    private static readonly string[] Resources =
    [
        "correspondents", "custom_fields", "document_types", "documents", "groups", "logs", "mail_accounts", "mail_rules", "processed_mail", "saved_views",
        "share_link_bundles", "share_links", "storage_paths", "tags", "tasks", "users", "workflow_actions", "workflow_triggers", "workflows",
    ];

    private static readonly FrozenSet<string> Templates = ((string[])
    [
        "/", "/dashboard", "/documents", "/documents/{id}", "/view/{id}", "/favicon.ico", "/logo", "/ws/status/", "/admin/", "/admin/login/",
        "/admin/logout/", "/accounts/login/", "/accounts/logout/", "/accounts/signup/", "/accounts/oidc/{provider}/login/",
        "/accounts/oidc/{provider}/login/callback/", "/accounts/oidc/{provider}/logout/backchannel/", "/accounts/oidc/{provider}/logout/frontchannel/",
        "/gateway/session", "/gateway/sessions", "/gateway/apps", "/gateway/check", "/gateway/admin",
        .. Resources.SelectMany(resource => (string[])[$"/api/{resource}/", $"/api/{resource}/{Id}/"]),
        .. ((string[])["download", "email", "history", "metadata", "notes", "preview", "share_links", "suggestions", "thumb"])
            .Select(part => $"/api/documents/{Id}/{part}/"),
        .. ((string[])["bulk_download", "bulk_edit", "chat", "next_asn", "post_document", "selection_data"]).Select(part => $"/api/documents/{part}/"),
        .. ((string[])[
            "auth/logout", "bulk_edit_objects", "config", "oauth/callback", "profile", "profile/disconnect_social_account",
            "profile/generate_auth_token", "profile/social_account_providers", "profile/totp", "remote_version", "schema", "schema/view", "search",
            "search/autocomplete", "statistics", "status", "tasks/acknowledge", "token", "trash", "ui_settings"])
            .Select(path => $"/api/{path}/"),
    ]).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Paths that begin so and have no template of their own become this and "…".</summary>
    private static readonly string[] Prefixes =
    [
        "/api/documents/", "/api/auth/", "/api/", "/accounts/oidc/", "/accounts/", "/admin/", "/assets/", "/gateway/", "/share/", "/static/", "/ws/",
    ];

    /// <param name="path">Below the script name.</param>
    /// <returns>One of a fixed set.</returns>
    public static string Find(string path)
    {
        string template = WithoutProvider(WithoutIds(path));
        if (Templates.Contains(template))
        {
            return template;
        }

        return Prefixes.FirstOrDefault(prefix => template.StartsWith(prefix, StringComparison.Ordinal)) is { } begin ? begin + Rest : Rest;
    }

    /// <summary>The path without ids and without the secrets that a path can hold (share links, keys in emails).</summary>
    public static string ForLogs(string path)
    {
        foreach (string prefix in SecretPrefixes)
        {
            int start = path.IndexOf(prefix, StringComparison.OrdinalIgnoreCase);
            if (start >= 0)
            {
                return WithoutIds(path[..(start + prefix.Length)]) + Rest;
            }
        }

        return WithoutIds(path);
    }

    /// <summary>A segment of digits, or a UUID, becomes `{id}`.</summary>
    private static string WithoutIds(string path)
    {
        StringBuilder? template = null;
        int copied = 0;
        foreach (Range segment in path.AsSpan().Split('/'))
        {
            (int start, int length) = segment.GetOffsetAndLength(path.Length);
            if (IsId(path.AsSpan(start, length)))
            {
                template ??= new StringBuilder(path.Length);
                template.Append(path, copied, start - copied).Append(Id);
                copied = start + length;
            }
        }

        return template is null ? path : template.Append(path, copied, path.Length - copied).ToString();
    }

    private static bool IsId(ReadOnlySpan<char> segment) =>
        !segment.IsEmpty && (!segment.ContainsAnyExceptInRange('0', '9') || Guid.TryParseExact(segment, "D", out _));

    private static string WithoutProvider(string path)
    {
        const string prefix = "/accounts/oidc/";
        if (!path.StartsWith(prefix, StringComparison.Ordinal))
        {
            return path;
        }

        int end = path.IndexOf('/', prefix.Length);
        return end < 0 ? path : string.Concat(prefix, "{provider}", path.AsSpan(end));
    }
}
