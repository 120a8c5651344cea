namespace Gateway.StandIns.Paperless;

/// <summary>Django's CsrfViewMiddleware: the Origin, then the token against the cookie.</summary>
internal static class Csrf
{
    private const int SecretLength = 32;

    /// <summary>Why the request is refused; null when it is not.</summary>
    public static string? Refusal(Visit visit)
    {
        if (visit.IsSafe)
        {
            return null;
        }

        if (visit.Header("Origin") is { } origin)
        {
            if (origin != visit.Origin && origin != visit.Site.Options.PublicUrl)
            {
                return $"Origin checking failed - {origin} does not match any trusted origins.";
            }
        }

        return TokenRefusal(visit);
    }

    /// <summary>A token as a page shows it: the secret behind a mask that is new each time.</summary>
    public static string Mask(string secret)
    {
        string mask = RandomText.Alphanumeric(SecretLength);
        return mask + string.Concat(secret.Zip(mask, (letter, shift) => Shifted(letter, Index(shift))));
    }

    private static string? TokenRefusal(Visit visit)
    {
        if (visit.CsrfCookie is not { } cookie)
        {
            return "CSRF cookie not set.";
        }

        if (cookie.Length is not (SecretLength or 2 * SecretLength))
        {
            return "CSRF cookie has incorrect length.";
        }

        string? fromForm = visit.Method == "POST" ? visit.Body.Text("csrfmiddlewaretoken") : null;
        if ((fromForm ?? visit.Header("X-CSRFToken")) is not { } token)
        {
            return "CSRF token missing.";
        }

        return Secret(token) is { } secret && secret == Secret(cookie)
            ? null
            : $"CSRF token from {(fromForm is null ? "the 'X-Csrftoken' HTTP header" : "POST")} incorrect.";
    }

    /// <summary>The secret in a token, masked or bare; null when it is no token.</summary>
    private static string? Secret(string token) => token.Any(letter => Index(letter) < 0)
        ? null
        : token.Length switch
        {
            SecretLength => token,
            2 * SecretLength => string.Concat(
                token[SecretLength..].Zip(token[..SecretLength], (letter, shift) => Shifted(letter, -Index(shift)))),
            _ => null,
        };

    private static int Index(char letter) => RandomText.Letters.IndexOf(letter, StringComparison.Ordinal);

    private static char Shifted(char letter, int by) =>
        RandomText.Letters[(Index(letter) + by + RandomText.Letters.Length) % RandomText.Letters.Length];
}
