using System.Diagnostics;
using Gateway.Settings;
using static Gateway.Access.AccessConditions;
using static Gateway.Access.AccessDecision;
using static Gateway.Access.AccessMethods;
using static Gateway.Access.PathPattern;

namespace Gateway.Access;

/// <summary>The access decision of each request: the first row that matches decides.</summary>
/// <remarks>Rows that open a path to everyone compare exactly; rows that close a path ignore letter case.</remarks>
internal sealed class AccessTable
{
    /// <summary>What Paperless's apps read before an upload: who they are, and the lists from which a person chooses. No documents.</summary>
    private static readonly string[] ReadByApps =
    [
        "/api/", "/api/profile/", "/api/ui_settings/", "/api/remote_version/", "/api/statistics/", "/api/tasks/", "/api/tags/", "/api/correspondents/",
        "/api/document_types/", "/api/storage_paths/", "/api/custom_fields/", "/api/saved_views/", "/api/users/", "/api/groups/",
    ];

    /// <summary>What Paperless shows of its API to anybody. Apps ask for it before they ask for a password; `/api/` leads to the last one.</summary>
    private static readonly string[] SchemaPaths = ["/api/", "/api/schema/", "/api/schema/view/"];

    private static readonly string[] SignOutPaths = ["/accounts/logout", "/api/auth/logout", "/admin/logout"];

    /// <summary>docs/architecture.md shows this table; a test compares both.</summary>
    public static readonly AccessRule[] Rules =
    [
        // `/accounts/login/` is the gateway's sign-in page; `?password` selects Paperless's login page.
        new(
            Read, Page("/accounts/login"), PasswordRequested | PasswordsOn, AccountPages, GatewayEndpoint,
            "Paperless's login page; back to `next` with a session"),
        new(Read, Page("/accounts/login"), Always, GatewayEndpoint, GatewayEndpoint, "the sign-in page; back to `next` with a session"),
        new(Any, Page(SignOutPaths), Always, GatewayEndpoint, GatewayEndpoint, "logout"),
        new(Any, Below("/accounts/oidc"), Always, GatewayEndpoint, GatewayEndpoint, "the round trip to a provider, connecting one, and its logouts"),
        new(
            Any, Below("/gateway"), Always, GatewayEndpoint, GatewayEndpoint,
            "style sheet and pictures, the own session, the lists of own sessions and device passwords, the checks, and the admin pages"),

        // Django's admin routes are not anchored: /anything/admin/login/ and /anyadmin/login/ are the admin login too.
        new(Any, Containing("admin/login", "admin/logout"), PasswordsOff, Closed, Closed, "the login of Django's admin"),
        new(Any, Page("/admin/login"), Always, AccountPages, WithIdentity, "the login of Django's admin"),
        new(Any, Containing("admin/login", "admin/logout"), Always, NotFound, NotFound, "the login of Django's admin under another path"),

        new(Read, StartingWith("/static/", "/assets/", "/logo/"), Always, Public, Public, "files of Paperless's pages"),
        new(Read, File("/favicon.ico", "/logo"), Always, Public, Public, "files of Paperless's pages"),
        new(Read, ShareLink, Always, Public, Public, "a document that somebody shared by link"),
        new(Any, AdminElsewhere, Always, NotFound, NotFound, "Django's admin under another path"),

        // The first person to sign up at an empty Paperless becomes its superuser, whatever PAPERLESS_ACCOUNT_ALLOW_SIGNUPS says.
        new(Any, Below("/accounts"), PasswordsOff, Closed, Closed, "Paperless's account pages"),
        new(Any, BelowWith("/accounts", "/signup"), SignupsOff, Closed, Closed, "sign-up"),
        new(Any, Below("/accounts"), Always, AccountPages, WithIdentity, "Paperless's account pages"),

        // Paperless's CORS middleware answers every preflight before a view is called.
        new(Any, StartingWith("/api/"), Preflight, Public, Public, "a preflight of a web app on another origin"),

        new(Post, File("/api/token/"), AppsOn, TokenForPassword, TokenForPassword, "gives an API token for a password; a device password is its own token"),

        // An app's own single sign-on: neither takes a password. Nothing else of allauth's API is the gateway's.
        new(Read, File(HeadlessPaths.Config), AppsOn, GatewayEndpoint, GatewayEndpoint, "the providers at which apps sign in"),
        new(Post, File(HeadlessPaths.Redirect, HeadlessPaths.Token), AppsOn, GatewayEndpoint, GatewayEndpoint, "an app's own single sign-on"),

        // Only the endpoint itself is public, because Django serves share links below any path.
        new(Change, Below("/api/token"), PasswordsOff, Closed, Closed, "gives an API token for a password"),
        new(ReadOrPost, Page("/api/token"), Always, Public, Public, "gives an API token for a password"),
        new(Any, Below("/api/token"), Always, SignInFirst, WithIdentity, "below the token endpoint"),

        // allauth's headless API and the login page of Django REST framework take passwords; neither accepts an API token.
        new(Any, Below("/api/auth/login"), PasswordsOff, Closed, Closed, "sign-in of apps by password"),
        new(Change, Below("/api/auth"), PasswordsOff, Closed, Closed, "sign-in of apps by password"),
        new(Any, BelowWith("/api/auth", "/signup"), SignupsOff, Closed, Closed, "sign-up of apps"),
        new(Any, Below("/api/auth"), Always, SignInFirst, WithIdentity, "allauth's API for apps"),

        // A device password opens neither what shows or makes a permanent token nor what changes a password.
        new(Read, Page("/api/profile"), AccessConditions.DevicePassword, WithDevicePassword, WithDevicePassword, "the own profile, without the API token"),
        new(Any, Below("/api/profile"), AccessConditions.DevicePassword, DevicePasswordRefused, DevicePasswordRefused, "changes of the own profile"),
        new(
            Change, Below("/api/users"), AccessConditions.DevicePassword, DevicePasswordRefused, DevicePasswordRefused,
            "changes of users and their passwords"),
        new(Any, StartingWith("/api/"), AccessConditions.DevicePassword, WithDevicePassword, WithDevicePassword, "the API with a device password"),
        new(Post, File("/api/documents/post_document/"), UploadPassword, WithDevicePassword, WithDevicePassword, "uploads"),
        new(Read, File(ReadByApps), UploadPassword, WithDevicePassword, WithDevicePassword, "what apps read when they start, for uploads"),
        new(Any, StartingWith("/api/"), UploadPassword, DevicePasswordRefused, DevicePasswordRefused, "everything else with a device password for uploads"),
        new(Any, StartingWith("/ws/"), AccessConditions.DevicePassword, WithDevicePassword, WithDevicePassword, "live status of an app"),

        // A provider's access token opens as much as a device password does.
        new(Read, Page("/api/profile"), AccessConditions.Bearer | BearerOn, WithBearerToken, WithBearerToken, "the own profile, without the API token"),
        new(Any, Below("/api/profile"), AccessConditions.Bearer | BearerOn, BearerTokenRefused, BearerTokenRefused, "changes of the own profile"),
        new(
            Change, Below("/api/users"), AccessConditions.Bearer | BearerOn, BearerTokenRefused, BearerTokenRefused,
            "changes of users and their passwords"),
        new(Any, StartingWith("/api/"), AccessConditions.Bearer | BearerOn, WithBearerToken, WithBearerToken, "the API with a provider's access token"),

        // A credential wins over the session, because a program that sends a credential wants that account.
        new(Any, StartingWith("/api/"), Token | PaperlessTokensOn, WithCredential, WithCredential, "the API with a token"),
        new(Any, StartingWith("/api/"), Basic | PasswordsOn, WithCredential, WithCredential, "the API with a password"),
        new(Any, StartingWith("/api/"), AccessConditions.AnyAuthorization, CredentialRefused, CredentialRefused, "the API with another `Authorization`"),

        new(Read, File(SchemaPaths), Always, Public, WithIdentity, "the description of the API"),

        new(Any, Everything, Always, SignInFirst, WithIdentity, "Paperless"),
    ];

    private const AccessConditions SettingsConditions = PasswordsOn | PasswordsOff | SignupsOff | AppsOn | PaperlessTokensOn | BearerOn;

    /// <summary>The rows whose conditions on settings are met.</summary>
    private readonly AccessRule[] _rules;

    public AccessTable(bool regularLoginDisabled, bool signupsAllowed, AppSettings? apps = null)
    {
        AccessConditions settings = regularLoginDisabled ? PasswordsOff : PasswordsOn;
        settings |= signupsAllowed ? Always : SignupsOff;
        apps ??= AppSettings.Default;
        settings |= apps.IsOn ? AppsOn : Always;
        settings |= apps.PaperlessTokens ? PaperlessTokensOn : Always;
        settings |= apps.TakesBearerTokens ? BearerOn : Always;
        _rules =
        [
            .. Rules.Where(rule => (rule.When & SettingsConditions & ~settings) == Always)
                .Select(rule => rule with { When = rule.When & ~SettingsConditions }),
        ];
    }

    /// <param name="path">The decoded path below the script name.</param>
    /// <param name="query">The query with its question mark, as it is forwarded.</param>
    /// <param name="isPreflight">See <see cref="CorsPreflight"/>.</param>
    /// <returns>Never <see cref="WithPasswordSession"/>: the dispatcher looks for a password session where the table requires a session.</returns>
    public AccessDecision Decide(string method, string path, bool hasSession, AuthorizationScheme scheme, string query = "", bool isPreflight = false)
    {
        AccessMethods methods = MethodsOf(method);
        foreach (AccessRule rule in _rules)
        {
            if ((rule.Methods & methods) != 0 && rule.Path.Matches(path) && Holds(rule.When, scheme, query, isPreflight))
            {
                return hasSession ? rule.WithSession : rule.WithoutSession;
            }
        }

        throw new UnreachableException("The last row matches every request.");
    }

    /// <summary>Whether the path is a logout endpoint of Paperless or its apps.</summary>
    public static bool IsSignOut(string path) => Array.Exists(SignOutPaths, page => IsPage(path, page));

    /// <summary>Whether the path shows the description of the API.</summary>
    public static bool IsSchema(string path) => Array.IndexOf(SchemaPaths, path) >= 0;

    private static AccessMethods MethodsOf(string method)
    {
        if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method))
        {
            return Read;
        }

        return HttpMethods.IsPost(method) ? Post : Other;
    }

    private static bool Holds(AccessConditions when, AuthorizationScheme scheme, string query, bool isPreflight) => when switch
    {
        Always => true,
        PasswordRequested => HasPasswordParameter(query),
        Preflight => isPreflight,
        Token => scheme == AuthorizationScheme.Token,
        Basic => scheme == AuthorizationScheme.Basic,
        AccessConditions.DevicePassword => scheme == AuthorizationScheme.DevicePassword,
        UploadPassword => scheme == AuthorizationScheme.UploadPassword,
        AccessConditions.Bearer => scheme == AuthorizationScheme.Bearer,
        AccessConditions.AnyAuthorization => scheme != AuthorizationScheme.None,
        _ => throw new UnreachableException($"No request is checked for {when}."),
    };

    private static bool HasPasswordParameter(ReadOnlySpan<char> query)
    {
        ReadOnlySpan<char> pairs = query.TrimStart('?');
        foreach (Range range in pairs.Split('&'))
        {
            ReadOnlySpan<char> pair = pairs[range];
            if (pair is "password" || pair.StartsWith("password=", StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
