using Microsoft.Extensions.Primitives;

namespace Gateway.Access;

/// <summary>What becomes of a request.</summary>
internal enum AccessDecision
{
    /// <summary>An endpoint of the gateway's own answers.</summary>
    Own,

    /// <summary>To Paperless, with the user header of the session.</summary>
    WithIdentity,

    /// <summary>To Paperless, with its own session of somebody who signed in there with a password: cookies pass, no identity.</summary>
    WithPasswordSession,

    /// <summary>To Paperless for everybody: no identity, no cookies.</summary>
    Public,

    /// <summary>To Paperless's own account pages: cookies pass, no identity.</summary>
    AccountPages,

    /// <summary>To Paperless with the request's own `Authorization`: no identity, no cookies.</summary>
    WithCredential,

    /// <summary>Nobody is signed in: a person is led to the sign-in, everything else is told 401.</summary>
    SignInFirst,

    /// <summary>An `Authorization` that is not taken here.</summary>
    CredentialRefused,

    /// <summary>A way for passwords while `PAPERLESS_DISABLE_REGULAR_LOGIN` is on, or sign-up while it is not allowed.</summary>
    Closed,

    /// <summary>Django would take this path for one of its own, although nothing links there.</summary>
    NotFound,
}

/// <summary>Which scheme the request's `Authorization` names.</summary>
internal enum Credential
{
    None,
    Token,
    Basic,
    Other,
}

/// <summary>
/// Who may reach what, as a row of guards over the decoded path below the script name. What opens a door is compared exactly,
/// what closes one in any letter case.
/// </summary>
internal sealed class AccessRule(bool regularLoginDisabled, bool signupsAllowed)
{
    /// <param name="query">As it is forwarded, with its question mark.</param>
    /// <returns>Never <see cref="AccessDecision.WithPasswordSession"/>: what takes a session first may turn out to have that one.</returns>
    public AccessDecision Decide(string method, string path, bool hasSession, Credential credential, string query = "")
    {
        // The sign-in page is the gateway's; Paperless's is asked for by name, and what its form posts is Paperless's, too.
        if (Is(path, "/accounts/login") && IsReading(method))
        {
            return AsksForPassword(query) && !regularLoginDisabled && !hasSession ? AccessDecision.AccountPages : AccessDecision.Own;
        }

        if (IsOwn(path))
        {
            return AccessDecision.Own;
        }

        // Django's admin routes are not anchored: /anything/admin/login/ and /anyadmin/login/ are the admin login too.
        if (IsAdminDoor(path))
        {
            return regularLoginDisabled || !Is(path, "/admin/login") ? regularLoginDisabled ? AccessDecision.Closed : AccessDecision.NotFound
                : hasSession ? AccessDecision.WithIdentity : AccessDecision.AccountPages;
        }

        if (IsPublic(method, path))
        {
            return AccessDecision.Public;
        }

        if (IsAdminElsewhere(path))
        {
            return AccessDecision.NotFound;
        }

        if (IsBelow(path, "/accounts"))
        {
            return regularLoginDisabled || (!signupsAllowed && IsSignup(path)) ? AccessDecision.Closed
                : hasSession ? AccessDecision.WithIdentity : AccessDecision.AccountPages;
        }

        if (IsBelow(path, "/api/token"))
        {
            return Token(method, path, hasSession);
        }

        // allauth's headless API and the login page of Django REST framework: ways for passwords, and none that a token opens.
        if (IsBelow(path, "/api/auth"))
        {
            bool password = IsBelow(path, "/api/auth/login") || !IsReading(method);
            if ((password && regularLoginDisabled) || (!signupsAllowed && IsSignup(path)))
            {
                return AccessDecision.Closed;
            }

            return hasSession ? AccessDecision.WithIdentity : AccessDecision.SignInFirst;
        }

        if (credential != Credential.None && path.StartsWith("/api/", StringComparison.Ordinal))
        {
            bool isTaken = credential == Credential.Token || (credential == Credential.Basic && !regularLoginDisabled);
            return isTaken ? AccessDecision.WithCredential : AccessDecision.CredentialRefused;
        }

        return hasSession ? AccessDecision.WithIdentity : AccessDecision.SignInFirst;
    }

    /// <summary>Paperless's own endpoint that gives a token for a password.</summary>
    private AccessDecision Token(string method, string path, bool hasSession)
    {
        // Closed for what is below it, too; open for the endpoint alone: Django finds a share link below any path.
        bool isEndpoint = Is(path, "/api/token");
        if (!IsReading(method) && regularLoginDisabled)
        {
            return AccessDecision.Closed;
        }

        if (isEndpoint && (IsReading(method) || HttpMethods.IsPost(method)))
        {
            return AccessDecision.Public;
        }

        return hasSession ? AccessDecision.WithIdentity : AccessDecision.SignInFirst;
    }

    /// <summary>Where Paperless and its apps log out.</summary>
    public static bool IsSignOut(string path) => Is(path, "/accounts/logout") || Is(path, "/api/auth/logout") || Is(path, "/admin/logout");

    private static bool IsOwn(string path) =>
        IsSignOut(path)
        || IsBelow(path, "/accounts/oidc") || IsBelow(path, "/gateway");

    private static bool AsksForPassword(ReadOnlySpan<char> query)
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

    private static bool IsAdminDoor(string path) =>
        path.Contains("admin/login", StringComparison.OrdinalIgnoreCase) || path.Contains("admin/logout", StringComparison.OrdinalIgnoreCase);

    /// <summary>Django's admin under another name: to Django, `/accounts/admin/` is the admin and no account page.</summary>
    private static bool IsAdminElsewhere(string path) => path.IndexOf("admin/", StringComparison.OrdinalIgnoreCase) is var at and >= 0
        && !(at == 1 && path.StartsWith("/admin/", StringComparison.Ordinal));

    private static bool IsPublic(string method, string path)
    {
        if (!IsReading(method))
        {
            return false;
        }

        return path.StartsWith("/static/", StringComparison.Ordinal)
            || path is "/favicon.ico"
            || path.StartsWith("/assets/", StringComparison.Ordinal)
            || path is "/logo" || path.StartsWith("/logo/", StringComparison.Ordinal)
            || IsShareLink(path);
    }

    /// <summary>`/share/` and one slug, nothing below it.</summary>
    private static bool IsShareLink(string path)
    {
        const string prefix = "/share/";
        if (!path.StartsWith(prefix, StringComparison.Ordinal))
        {
            return false;
        }

        ReadOnlySpan<char> slug = path.AsSpan(prefix.Length).TrimEnd('/');
        foreach (char letter in slug)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('_' or '-'))
            {
                return false;
            }
        }

        return slug.Length > 0;
    }

    /// <summary>The first to sign up at an empty Paperless becomes its superuser, whatever its own setting says.</summary>
    private static bool IsSignup(string path) => path.Contains("/signup", StringComparison.OrdinalIgnoreCase);

    private static bool IsReading(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method);

    /// <summary>The path itself, with or without a slash at its end.</summary>
    private static bool Is(string path, string name) =>
        path.StartsWith(name, StringComparison.OrdinalIgnoreCase)
        && (path.Length == name.Length || (path.Length == name.Length + 1 && path[^1] == '/'));

    private static bool IsBelow(string path, string name) =>
        path.StartsWith(name, StringComparison.OrdinalIgnoreCase) && (path.Length == name.Length || path[name.Length] == '/');

    /// <summary>The scheme of the one `Authorization` header; two of them are no credential that is taken.</summary>
    public static Credential CredentialOf(IHeaderDictionary headers)
    {
        StringValues authorization = headers.Authorization;
        if (authorization.Count == 0)
        {
            return Credential.None;
        }

        string? value = authorization.Count == 1 ? authorization[0] : null;
        return value switch
        {
            null => Credential.Other,
            _ when value.StartsWith("Token ", StringComparison.OrdinalIgnoreCase) && IsOneWord(value.AsSpan("Token ".Length)) => Credential.Token,
            _ when value.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) => Credential.Basic,
            _ => Credential.Other,
        };
    }

    /// <summary>A token is one; `Token x, Basic …` would carry a password past the check.</summary>
    private static bool IsOneWord(ReadOnlySpan<char> text) => !text.Trim(' ').ContainsAny(' ', '\t', ',');
}
