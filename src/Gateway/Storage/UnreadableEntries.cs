namespace Gateway.Storage;

/// <summary>Says in the log what the store holds and nobody can read: each entry once, and a thousand of them at most, however often it is met.</summary>
internal sealed partial class UnreadableEntries(ILogger logger)
{
    private const int Most = 1000;

    /// <summary>Enough to find the entry, too little to name a session to the store.</summary>
    private const int LongestName = 10;

    private readonly Lock _lock = new();
    private readonly HashSet<(string, string)> _reported = [];

    /// <param name="name">The key or its last part; never what it holds.</param>
    /// <param name="consequence">What becomes of it.</param>
    public void Report(string kind, string name, string consequence = "it counts as absent")
    {
        string shown = Short(name);
        if (IsNew(kind, shown))
        {
            Unreadable(kind, shown, consequence);
        }
    }

    /// <summary>Whether it has not been said yet, and may be said now.</summary>
    public bool IsNew(string kind, string name)
    {
        lock (_lock)
        {
            return _reported.Count < Most && _reported.Add((kind, name));
        }
    }

    private static string Short(string name)
    {
        string last = name[(name.LastIndexOf(':') + 1)..];
        return string.Concat(last.Take(LongestName).Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' ? letter : '?'));
    }

    [LoggerMessage(
        EventId = 1120,
        EventName = "UnreadableEntry",
        Level = LogLevel.Warning,
        Message = "The store holds a {Kind} that cannot be read ({Name}): {Consequence}")]
    private partial void Unreadable(string kind, string name, string consequence);
}
