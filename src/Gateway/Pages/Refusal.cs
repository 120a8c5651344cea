namespace Gateway.Pages;

/// <summary>The answer to a refused request: what happened, what to do, and links. It becomes a page or problem details, and a log line.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">A short name for the log and for programs, such as `path_ambiguous`.</param>
/// <param name="Title">What happened, in a few words.</param>
/// <param name="Detail">What happened, in a sentence or two.</param>
public sealed record Refusal(int Status, string Code, string Title, string Detail)
{
    /// <summary>What the person, or the operator, can do.</summary>
    public string? Remedy { get; init; }

    public IReadOnlyList<PageLink> Links { get; init; } = [];

    /// <summary>Seconds after which the page tries again by itself; null if a retry makes no sense.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>The address of the retry; null for the same address.</summary>
    public string? RetryAt { get; init; }

    /// <summary>The level of the log line. Refusals that are part of normal use are not warnings.</summary>
    public LogLevel Level { get; init; } = LogLevel.Warning;

    /// <summary>The reason for the log; null to log the title. It must not contain a secret, token or cookie.</summary>
    public string? ForTheLog { get; init; }
}

/// <summary>A link on a page.</summary>
public sealed record PageLink(string Href, string Text);
