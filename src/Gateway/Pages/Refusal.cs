namespace Gateway.Pages;

/// <summary>A request that the gateway turns down: what happened, what to do, and where to go on. One page or problem+json, one log line.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">A short name for the log and for programs, such as `path_ambiguous`.</param>
/// <param name="Title">What happened, in a few words.</param>
/// <param name="Detail">What happened, in a sentence or two.</param>
public sealed record Refusal(int Status, string Code, string Title, string Detail)
{
    /// <summary>What the person, or the operator, can do.</summary>
    public string? Remedy { get; init; }

    public IReadOnlyList<PageLink> Links { get; init; } = [];

    /// <summary>Seconds after which another try makes sense; the page then tries again by itself.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>Where that other try is made; null for the same address.</summary>
    public string? RetryAt { get; init; }

    /// <summary>How the log takes it: a warning, unless it happens to everybody from time to time.</summary>
    public LogLevel Level { get; init; } = LogLevel.Warning;

    /// <summary>What only the log should say; never a secret, token or cookie.</summary>
    public string? ForTheLog { get; init; }
}

/// <summary>A way on from a page.</summary>
public sealed record PageLink(string Href, string Text);
