namespace Gateway.Storage;

/// <summary>Logs entries of the store that cannot be read: each entry once, and at most a thousand entries.</summary>
internal sealed partial class UnreadableEntries(ILogger logger)
{
    private const int MaxReported = 1000;

    /// <summary>Long enough to find the entry, too short to look up a session in the store.</summary>
    private const int MaxNameLength = 10;

    private readonly Lock _lock = new();
    private readonly HashSet<(string, string)> _reported = [];

    /// <param name="name">The key of the entry or the last part of the key; never the value.</param>
    /// <param name="consequence">How the gateway treats the entry.</param>
    public void Report(string kind, string name, string consequence = "it counts as absent")
    {
        string shortName = Shorten(name);
        if (IsNew(kind, shortName))
        {
            Unreadable(kind, shortName, consequence);
        }
    }

    /// <summary>Whether the entry has not been reported yet and may be reported now.</summary>
    public bool IsNew(string kind, string name)
    {
        lock (_lock)
        {
            return _reported.Count < MaxReported && _reported.Add((kind, name));
        }
    }

    private static string Shorten(string name)
    {
        string last = name[(name.LastIndexOf(':') + 1)..];
        return string.Concat(last.Take(MaxNameLength).Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' ? letter : '?'));
    }

    [LoggerMessage(
        EventId = 1120,
        EventName = "UnreadableEntry",
        Level = LogLevel.Warning,
        Message = "The store holds a {Kind} that cannot be read ({Name}): {Consequence}")]
    private partial void Unreadable(string kind, string name, string consequence);
}
