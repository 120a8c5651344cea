using System.Diagnostics;
using static Gateway.Access.AccessConditions;
using static Gateway.Access.AccessDecision;
using static Gateway.Access.AccessMethods;
using static Gateway.Access.PathPattern;

namespace Gateway.Access;

/// <summary>Who may reach what: the first row that matches decides.</summary>
/// <remarks>What opens a path to everybody is compared exactly; what closes one, in any letter case.</remarks>
internal sealed class AccessTable
{
    /// <summary>The table of docs/architecture.md, which a test compares with this one.</summary>
    public static readonly AccessRule[] Rules =
    [
        // The sign-in page is the gateway's; Paperless's login page is shown to a person who asks for it by name.
        new(Read, Page("/accounts/login"), PasswordAsked | PasswordsOn, AccountPages, Own, "Paperless's login page; back to `next` with a session"),
        new(Read, Page("/accounts/login"), Always, Own, Own, "the sign-in page; back to `next` with a session"),
        new(Any, Page(SignOutPaths), Always, Own, Own, "logout"),
        new(Any, Below("/accounts/oidc"), Always, Own, Own, "the round trip to a provider, connecting one, and its logouts"),
        new(Any, Below("/gateway"), Always, Own, Own, "style sheet, the own session and the list of own sessions"),

        // Django's admin routes are not anchored: /anything/admin/login/ and /anyadmin/login/ are the admin login too.
        new(Any, Containing("admin/login", "admin/logout"), PasswordsOff, Closed, Closed, "the login of Django's admin"),
        new(Any, Page("/admin/login"), Always, AccountPages, WithIdentity, "the login of Django's admin"),
        new(Any, Containing("admin/login", "admin/logout"), Always, NotFound, NotFound, "the login of Django's admin under another path"),

        new(Read, StartingWith("/static/", "/assets/", "/logo/"), Always, Public, Public, "files of Paperless's pages"),
        new(Read, File("/favicon.ico", "/logo"), Always, Public, Public, "files of Paperless's pages"),
        new(Read, ShareLink, Always, Public, Public, "a document that somebody shared by link"),
        new(Any, AdminElsewhere, Always, NotFound, NotFound, "Django's admin under another path"),

        // The first person to sign up at an empty Paperless becomes its superuser, whatever Paperless's own setting says.
        new(Any, Below("/accounts"), PasswordsOff, Closed, Closed, "Paperless's account pages"),
        new(Any, BelowWith("/accounts", "/signup"), SignupsOff, Closed, Closed, "sign-up"),
        new(Any, Below("/accounts"), Always, AccountPages, WithIdentity, "Paperless's account pages"),

        // Closed below the endpoint, too, but open at the endpoint alone: Django finds a share link below any path.
        new(Change, Below("/api/token"), PasswordsOff, Closed, Closed, "gives an API token for a password"),
        new(ReadOrPost, Page("/api/token"), Always, Public, Public, "gives an API token for a password"),
        new(Any, Below("/api/token"), Always, SignInFirst, WithIdentity, "below the token endpoint"),

        // allauth's headless API and the login page of Django REST framework take passwords; an API token does not open them.
        new(Any, Below("/api/auth/login"), PasswordsOff, Closed, Closed, "sign-in of apps by password"),
        new(Change, Below("/api/auth"), PasswordsOff, Closed, Closed, "sign-in of apps by password"),
        new(Any, BelowWith("/api/auth", "/signup"), SignupsOff, Closed, Closed, "sign-up of apps"),
        new(Any, Below("/api/auth"), Always, SignInFirst, WithIdentity, "allauth's API for apps"),

        // A credential wins over the session, because a program that sends one means that account.
        new(Any, StartingWith("/api/"), Token, WithCredential, WithCredential, "the API with a token"),
        new(Any, StartingWith("/api/"), Basic | PasswordsOn, WithCredential, WithCredential, "the API with a password"),
        new(Any, StartingWith("/api/"), AccessConditions.Credential, CredentialRefused, CredentialRefused, "the API with another `Authorization`"),

        new(Any, Everything, Always, SignInFirst, WithIdentity, "Paperless"),
    ];

    private const AccessConditions SettingsConditions = PasswordsOn | PasswordsOff | SignupsOff;

    /// <summary>The rows whose conditions on settings hold.</summary>
    private readonly AccessRule[] _rules;

    public AccessTable(bool regularLoginDisabled, bool signupsAllowed)
    {
        AccessConditions settings = regularLoginDisabled ? PasswordsOff : PasswordsOn;
        settings |= signupsAllowed ? Always : SignupsOff;
        _rules =
        [
            .. Rules.Where(rule => (rule.When & SettingsConditions & ~settings) == Always)
                .Select(rule => rule with { When = rule.When & ~SettingsConditions }),
        ];
    }

    private static string[] SignOutPaths => ["/accounts/logout", "/api/auth/logout", "/admin/logout"];

    /// <param name="path">Decoded, below the script name.</param>
    /// <param name="query">As it is forwarded, with its question mark.</param>
    /// <returns>Never <see cref="WithPasswordSession"/>: the dispatcher looks for that session where the table asks for a session.</returns>
    public AccessDecision Decide(string method, string path, bool hasSession, Credential credential, string query = "")
    {
        AccessMethods methods = MethodsOf(method);
        foreach (AccessRule rule in _rules)
        {
            if ((rule.Methods & methods) != 0 && rule.Path.Matches(path) && Holds(rule.When, credential, query))
            {
                return hasSession ? rule.Session : rule.Stranger;
            }
        }

        throw new UnreachableException("The last row matches every request.");
    }

    /// <summary>Where Paperless and its apps log out.</summary>
    public static bool IsSignOut(string path) =>
        IsPage(path, "/accounts/logout") || IsPage(path, "/api/auth/logout") || IsPage(path, "/admin/logout");

    private static AccessMethods MethodsOf(string method)
    {
        if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method))
        {
            return Read;
        }

        return HttpMethods.IsPost(method) ? Post : Other;
    }

    private static bool Holds(AccessConditions when, Credential credential, string query) => when switch
    {
        Always => true,
        PasswordAsked => HasPasswordParameter(query),
        Token => credential == Access.Credential.Token,
        Basic => credential == Access.Credential.Basic,
        AccessConditions.Credential => credential != Access.Credential.None,
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
