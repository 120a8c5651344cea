using Microsoft.Extensions.Primitives;

namespace Gateway.Access;

/// <summary>Which scheme the request's `Authorization` names.</summary>
internal enum Credential
{
    None,
    Token,
    Basic,
    Other,
}

/// <summary>Reads the `Authorization` header (RFC 9110, section 11.6.2).</summary>
internal static class AuthorizationHeader
{
    /// <returns><see cref="Credential.Other"/> where there are several headers: the gateway takes exactly one.</returns>
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

    /// <summary>A token is one word; `Token x, Basic …` would carry a password past the check.</summary>
    private static bool IsOneWord(ReadOnlySpan<char> text) => !text.Trim(' ').ContainsAny(' ', '\t', ',');
}
