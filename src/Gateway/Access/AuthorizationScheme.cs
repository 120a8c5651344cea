using Microsoft.Extensions.Primitives;

namespace Gateway.Access;

/// <summary>The scheme of the request's `Authorization` header.</summary>
internal enum AuthorizationScheme
{
    None,
    Token,
    Basic,

    /// <summary>A valid device password of the scope "full", as `Token` or `Basic`.</summary>
    DevicePassword,

    /// <summary>A valid device password of the scope "upload only".</summary>
    UploadPassword,

    Bearer,

    Other,
}

/// <summary>Reads the `Authorization` header (RFC 9110, section 11.6.2).</summary>
internal static class AuthorizationHeader
{
    /// <returns><see cref="AuthorizationScheme.Other"/> also for several headers: the gateway accepts exactly one.</returns>
    public static AuthorizationScheme SchemeOf(IHeaderDictionary headers)
    {
        StringValues authorization = headers.Authorization;
        if (authorization.Count == 0)
        {
            return AuthorizationScheme.None;
        }

        string? value = authorization.Count == 1 ? authorization[0] : null;
        return value switch
        {
            null => AuthorizationScheme.Other,
            _ when value.StartsWith("Token ", StringComparison.OrdinalIgnoreCase) && IsSingleWord(value.AsSpan("Token ".Length)) => AuthorizationScheme.Token,
            _ when value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) && IsSingleWord(value.AsSpan("Bearer ".Length)) =>
                AuthorizationScheme.Bearer,
            _ when value.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) => AuthorizationScheme.Basic,
            _ => AuthorizationScheme.Other,
        };
    }

    /// <summary>The word after the scheme of a header that has exactly one.</summary>
    public static string WordOf(IHeaderDictionary headers)
    {
        string value = headers.Authorization.ToString();
        return value[value.IndexOf(' ', StringComparison.Ordinal)..].Trim(' ');
    }

    /// <summary>A token is a single word; `Token x, Basic …` would carry a password past the check.</summary>
    private static bool IsSingleWord(ReadOnlySpan<char> text) => !text.Trim(' ').ContainsAny(' ', '\t', ',');
}
