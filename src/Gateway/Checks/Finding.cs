namespace Gateway.Checks;

/// <summary>How serious a finding is. The order is that of the exit codes' importance.</summary>
internal enum FindingLevel
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Not checked, because something before it is wrong.</summary>
    Skipped,

    /// <summary>People can sign in, but something will not work as they expect.</summary>
    Warning,

    /// <summary>People cannot sign in, or cannot use Paperless.</summary>
    Problem,
}

/// <summary>What a check saw, and what to change.</summary>
/// <param name="Subject">The thing that was checked, such as `authentik: client secret`.</param>
/// <param name="Seen">What was asked and what came, in one sentence without a full stop. It never holds a secret.</param>
/// <param name="Remedy">The variable or the place at the provider to change; null where nothing has to change.</param>
internal sealed record Finding(string Subject, FindingLevel Level, string Seen, string? Remedy = null)
{
    public static Finding Good(string subject, string seen) => new(subject, FindingLevel.Good, seen);

    public static Finding Skipped(string subject, string reason) => new(subject, FindingLevel.Skipped, reason);

    public static Finding Warning(string subject, string seen, string remedy) => new(subject, FindingLevel.Warning, seen, remedy);

    public static Finding Problem(string subject, string seen, string remedy) => new(subject, FindingLevel.Problem, seen, remedy);

    /// <summary>
    /// Whether nobody can sign in until the operator corrects something: the server answered, and refused. A server that does not answer may come back.
    /// </summary>
    public bool PreventsSignIn { get; init; }

    /// <summary>The `provider_id` of a finding about a provider.</summary>
    public string? Provider { get; init; }

    /// <summary>The mark in front of the line.</summary>
    public string Mark => Level switch
    {
        FindingLevel.Good => "✔",
        FindingLevel.Skipped => "–",
        FindingLevel.Warning => "!",
        _ => "✘",
    };

    public override string ToString() => Remedy is null ? $"{Subject}: {Seen}" : $"{Subject}: {Seen}. {Remedy}";
}
