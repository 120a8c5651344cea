using Gateway.Settings;

namespace Gateway.Providers;

/// <summary>Warns of a provider that issues refresh tokens but accepts none.</summary>
internal sealed partial class RefreshTokenWarning(ProviderSettings provider, ILogger<RefreshTokenWarning> logger)
{
    /// <summary>Whether there is nothing to log any more: one was accepted, or the line is written.</summary>
    private int _isSettled;

    public void NoteAccepted() => Volatile.Write(ref _isSettled, 1);

    /// <summary>The provider refused a refresh, and then confirmed the person all the same.</summary>
    public void NoteRefusedWithoutReason()
    {
        if (Interlocked.Exchange(ref _isSettled, 1) == 0)
        {
            AlwaysRefused(provider.Id);
        }
    }

    [LoggerMessage(
        EventId = 3023,
        EventName = "RefreshTokensAlwaysRefused",
        Level = LogLevel.Warning,
        Message = "{Provider} gives refresh tokens and has accepted none since the gateway started, although people still have access there. Allow the "
            + "grant type refresh_token for this client (in authentik: the provider's grant types), or set GATEWAY_OFFLINE_ACCESS=never")]
    private partial void AlwaysRefused(string provider);
}
