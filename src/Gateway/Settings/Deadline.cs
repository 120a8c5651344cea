namespace Gateway.Settings;

/// <summary>
/// Cancels when the time is up by the <see cref="TimeProvider"/>, or when the given token does; `CancelAfter` of a linked source knows the
/// real clock only.
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

    /// <summary>Whether the time is up, and not only somebody gone.</summary>
    public bool HasPassed => _time.IsCancellationRequested;

    public void Dispose()
    {
        _either.Dispose();
        _time.Dispose();
    }
}
