namespace Gateway.Settings;

/// <summary>
/// Cancels after a timeout of the <see cref="TimeProvider"/> or with the given token. `CancelAfter` of a linked source would use the real clock.
/// </summary>
internal sealed class Deadline : IDisposable
{
    private readonly CancellationTokenSource _time;
    private readonly CancellationTokenSource _either;

    public Deadline(TimeSpan timeout, TimeProvider time, CancellationToken cancel = default)
    {
        _time = new CancellationTokenSource(timeout, time);
        _either = cancel.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(_time.Token, cancel) : _time;
    }

    public CancellationToken Token => _either.Token;

    /// <summary>Whether the timeout has expired, in contrast to a cancellation of the given token.</summary>
    public bool HasExpired => _time.IsCancellationRequested;

    public void Dispose()
    {
        _either.Dispose();
        _time.Dispose();
    }
}
