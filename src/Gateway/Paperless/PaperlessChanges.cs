namespace Gateway.Paperless;

/// <summary>
/// Tells whether something at Paperless may have changed since a moment: a request of anybody that may change something counts when it begins and when
/// it ends, and so does each message of Paperless's live status.
/// </summary>
internal sealed class PaperlessChanges
{
    private long _count;
    private int _underWay;

    /// <summary>Equal at two times between which nothing changed; null while a change is under way.</summary>
    public long? Moment => Volatile.Read(ref _underWay) == 0 ? Volatile.Read(ref _count) : null;

    public void Note() => Interlocked.Increment(ref _count);

    /// <summary>The change ends when the result is disposed of.</summary>
    public Change Begin()
    {
        Note();
        Interlocked.Increment(ref _underWay);
        return new Change(this);
    }

    /// <summary>Counted before it is no longer under way, so that no moment from within the change stays valid.</summary>
    private void End()
    {
        Note();
        Interlocked.Decrement(ref _underWay);
    }

    internal readonly struct Change(PaperlessChanges changes) : IDisposable
    {
        public void Dispose() => changes.End();
    }
}
