namespace Gateway.Tests.Attacks;

/// <summary>Claims that are invalid in every kind of token.</summary>
internal static class InvalidClaims
{
    public static readonly IReadOnlyList<TokenChange> All =
    [
        .. Each("iss", null, "null", "5", "{}", "[]", "true", "\"\"", "\"https://evil.example/\""),
        new("iss in a list", good => good.With("iss", $"[{good.Claims["iss"]!.ToJsonString()}]")),
        new("iss without its slash", good => good.With("iss", $"\"{((string)good.Claims["iss"]!).TrimEnd('/')}\"")),
        new("iss with a space", good => good.With("iss", $"\"{(string)good.Claims["iss"]!} \"")),
        new("iss with other letters", good => good.With("iss", $"\"{((string)good.Claims["iss"]!).ToUpperInvariant()}\"")),
        new("iss with more after it", good => good.With("iss", $"\"{(string)good.Claims["iss"]!}evil\"")),
        .. Each("aud", null, "null", "5", "{}", "[]", "true", "\"\"", "[\"\"]", "[null]", "[5]", "[[\"paperless\"]]",
            "[\"paperless\",1.5]", "{\"paperless\":1}"),
        .. Each("aud", "\"Paperless\"", "\"paperless \"", "\"paperless,other\"", "\"other\"", "[\"other\"]"),
        .. Each("exp", "null", "\"4000000000\"", "1e400", "-1e400", "-1", "0", "{}", "[]", "true", "1e18", "\"\""),
        new("exp that has passed", good => good.With("exp", $"{good.Now - 121}")),
        new("exp in milliseconds", good => good.With("exp", $"{good.Now * 1000}")),
        new("nbf that is to come", good => good.With("nbf", $"{good.Now + 125}")),
        .. Each("nbf", "\"0\"", "1e400", "{}", "[]", "true"),
        new("iat a day ahead", good => good.With("iat", $"{good.Now + 86_400}")),
        new("iat a little more ahead than clocks may differ", good => good.With("iat", $"{good.Now + 125}")),
        new("iat as a text", good => good.With("iat", $"\"{good.Now}\"")),
        new("iat in milliseconds", good => good.With("iat", $"{good.Now * 1000}")),
        .. Each("iat", "1e400", "{}", "[]", "true"),
        .. Each("sub", "1.5", "1e3", "-5", "{}", "[]", "true", "[\"alice\"]"),
    ];

    /// <summary>For tokens that must have `exp` and `iat`.</summary>
    public static readonly IReadOnlyList<TokenChange> Times = [.. Each("exp", (string?)null), .. Each("iat", null, "null")];

    /// <param name="json">Values; null removes the claim.</param>
    public static IEnumerable<TokenChange> Each(string claim, params string?[] json) =>
        json.Select(value => new TokenChange(value is null ? $"no {claim}" : $"{claim} {value}", good => good.With(claim, value)));
}
