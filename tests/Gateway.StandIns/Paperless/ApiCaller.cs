using System.Text;

namespace Gateway.StandIns.Paperless;

/// <summary>Who asks the API: DRF's authenticators one after another, the first that knows something decides.</summary>
internal sealed record ApiCaller(StandInUser? User, string? Problem = null, bool IsCsrf = false)
{
    private static readonly ApiCaller Nobody = new(User: null);

    public static ApiCaller Of(Visit visit) =>
        ByHeader(visit) ?? ByToken(visit) ?? ByPassword(visit) ?? BySession(visit) ?? Nobody;

    // The header wins over a token, and no CSRF check follows.
    private static ApiCaller? ByHeader(Visit visit) =>
        visit.Site.Options.RemoteUserApi
        && visit.RemoteUser() is { } name
        && RemoteUserLogin.Authenticate(visit.Data, name) is { } user
            ? new ApiCaller(user)
            : null;

    private static ApiCaller? ByToken(Visit visit)
    {
        if (Credential(visit, "Token") is not { } token)
        {
            return null;
        }

        if (token.Length == 0)
        {
            return Refused("Invalid token header. No credentials provided.");
        }

        if (token.Contains(' ', StringComparison.Ordinal))
        {
            return Refused("Invalid token header. Token string should not contain spaces.");
        }

        if (visit.Data.FindUserByToken(token) is not { } user)
        {
            return Refused("Invalid token.");
        }

        return user.IsActive ? new ApiCaller(user) : Refused("User inactive or deleted.");
    }

    private static ApiCaller? ByPassword(Visit visit)
    {
        if (Credential(visit, "Basic") is not { } encoded)
        {
            return null;
        }

        byte[] bytes = new byte[encoded.Length];
        if (!Convert.TryFromBase64String(encoded, bytes, out int length))
        {
            return Refused("Invalid basic header. Credentials not correctly base64 encoded.");
        }

        return Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) is [var name, var password]
            && Passwords.Check(visit.Data, name, password) is { } user
                ? new ApiCaller(user)
                : Refused("Invalid username/password.");
    }

    private static ApiCaller? BySession(Visit visit)
    {
        if (visit.User is not { } user)
        {
            return null;
        }

        return Csrf.Refusal(visit) is { } reason
            ? new ApiCaller(User: null, $"CSRF Failed: {reason}", IsCsrf: true)
            : new ApiCaller(user);
    }

    private static ApiCaller Refused(string problem) => new(User: null, problem);

    private static string? Credential(Visit visit, string scheme)
    {
        string header = (visit.Header("Authorization") ?? "").Trim();
        if (header.Equals(scheme, StringComparison.OrdinalIgnoreCase))
        {
            return "";
        }

        return header.StartsWith(scheme + " ", StringComparison.OrdinalIgnoreCase) ? header[(scheme.Length + 1)..].Trim() : null;
    }
}

/// <summary>Django's ModelBackend.</summary>
internal static class Passwords
{
    public static StandInUser? Check(PaperlessData data, string? name, string? password)
    {
        data.CountPasswordCheck();
        return name is not null && password is { Length: > 0 } && data.FindUser(name) is { IsActive: true } user && user.Password == password ? user : null;
    }
}
