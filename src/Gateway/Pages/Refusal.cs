namespace Gateway.Pages;

/// <summary>The answer to a refused request: what happened, what to do, and links. It becomes a page or problem details, and a log line.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">A short name for the log and for programs, such as `path_ambiguous`.</param>
/// <param name="Title">What happened, in a few words.</param>
/// <param name="Detail">What happened, in a sentence or two, in the words of the person who meets it.</param>
public sealed record Refusal(int Status, string Code, PageText Title, PageText Detail)
{
    /// <summary>What the person can do.</summary>
    public PageText? Remedy { get; init; }

    /// <summary>
    /// For the operator, below a line: the address that was asked, what came, and what to change. Variables, commands, claims and subjects stand here,
    /// and never in <see cref="Detail"/> or <see cref="Remedy"/>. It must not contain a secret, token or cookie. It is in English only: the log has the
    /// same words, and so have the documents.
    /// </summary>
    public string? ForTheOperator { get; init; }

    public IReadOnlyList<PageLink> Links { get; init; } = [];

    /// <summary>Seconds after which the page tries again by itself, and says so; null if a retry makes no sense.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>The address of the retry; null for the same address.</summary>
    public string? RetryAt { get; init; }

    /// <summary>The level of the log line. Refusals that are part of normal use are not warnings.</summary>
    public LogLevel Level { get; init; } = LogLevel.Warning;

    /// <summary>
    /// The reason for the log, in English as all of the log; null to log what the operator reads, or the title. It must not contain a secret, token or
    /// cookie.
    /// </summary>
    public string? ForTheLog { get; init; }

    /// <summary>For programs, which show one text.</summary>
    public PageText DetailAndRemedy
    {
        get
        {
            if (Remedy is null)
            {
                return Detail;
            }

            return $"{Detail} {Remedy}";
        }
    }

    /// <summary>What the log says of the reason.</summary>
    public string Reason => ForTheLog ?? ForTheOperator ?? Title.English;

    /// <summary>What came and what to change, as sentences. An address at the beginning keeps its letters.</summary>
    public static string Sentences(params ReadOnlySpan<string?> parts)
    {
        List<string> sentences = [];
        foreach (string? part in parts)
        {
            if (!string.IsNullOrEmpty(part))
            {
                bool isAddress = part.StartsWith("http", StringComparison.Ordinal);
                sentences.Add((isAddress ? part : char.ToUpperInvariant(part[0]) + part[1..]).TrimEnd('.') + ".");
            }
        }

        return string.Join(' ', sentences);
    }

    /// <summary>The remedy of a refusal that only the operator can resolve.</summary>
    public const string AskTheOperator = "Ask the person who runs Paperless.";
}

/// <summary>A link on a page.</summary>
public sealed record PageLink(string Href, PageText Text)
{
    /// <summary>The address of a picture before the text; null for none.</summary>
    public string? Icon { get; init; }
}
