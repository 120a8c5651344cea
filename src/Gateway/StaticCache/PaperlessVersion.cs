namespace Gateway.StaticCache;

/// <summary>
/// Notices that Paperless was updated, by the `X-Version` of the page that somebody opens: the files of the version before are forgotten before the
/// browser asks for them.
/// </summary>
internal sealed partial class PaperlessVersion(StaticFileStore store, StaticFileFetch fetch, ILogger<PaperlessVersion> logger)
{
    private string? _version;

    /// <param name="answer">The headers of a page of Paperless for a signed-in person.</param>
    public void Note(IHeaderDictionary answer)
    {
        if (answer["X-Version"] is not { Count: 1 } given || given[0] is not { Length: > 0 and <= 50 } version)
        {
            return;
        }

        string? before = Interlocked.Exchange(ref _version, version);
        if (before is null || before == version)
        {
            return;
        }

        PaperlessUpdated(before, version);
        fetch.FetchAnew(store.Clear());
    }

    [LoggerMessage(
        EventId = 5032,
        EventName = "PaperlessUpdated",
        Level = LogLevel.Information,
        Message = "Paperless was {Before} and is {Version} now. The gateway takes all static files anew")]
    private partial void PaperlessUpdated(string before, string version);
}
