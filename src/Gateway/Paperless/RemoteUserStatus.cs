using Gateway.Settings;

namespace Gateway.Paperless;

/// <summary>Whether Paperless accepts the user header, as its last responses show.</summary>
internal sealed partial class RemoteUserStatus(PaperlessSettings settings, ILogger<RemoteUserStatus> logger)
{
    private readonly string _headerName = $"HTTP_{settings.UserHeader.ToUpperInvariant().Replace('-', '_')}";
    private int _isIgnored;

    public bool IsIgnored => Volatile.Read(ref _isIgnored) != 0;

    /// <summary>What to set in Paperless.</summary>
    public string Remedy =>
        $"Set PAPERLESS_ENABLE_HTTP_REMOTE_USER=true for Paperless itself, and PAPERLESS_HTTP_REMOTE_USER_HEADER_NAME={_headerName}; then restart Paperless.";

    /// <summary>The problem for the health check.</summary>
    public string Problem => $"it ignores the user header {settings.UserHeader} and asks people to sign in again. {Remedy}";

    public void ReportIgnored()
    {
        if (Interlocked.Exchange(ref _isIgnored, 1) == 0)
        {
            UserHeaderIgnored(settings.UserHeader, Remedy);
        }
    }

    public void ReportAccepted()
    {
        if (Interlocked.Exchange(ref _isIgnored, 0) != 0)
        {
            UserHeaderAccepted(settings.UserHeader);
        }
    }

    [LoggerMessage(
        EventId = 5050,
        EventName = "UserHeaderIgnored",
        Level = LogLevel.Warning,
        Message = "Paperless ignores the user header {Header}: it redirects signed-in people to its login page. {Remedy}")]
    private partial void UserHeaderIgnored(string header, string remedy);

    [LoggerMessage(
        EventId = 5051,
        EventName = "UserHeaderAccepted",
        Level = LogLevel.Information,
        Message = "Paperless accepts the user header {Header} again")]
    private partial void UserHeaderAccepted(string header);
}
