namespace Gateway.Sessions;

/// <summary>With a shared store: how long a session may be used without asking the store again. Functions of their arguments alone.</summary>
internal static class SessionFreshness
{
    /// <summary>How long the store's confirmation of a session counts. It bounds what a lost message of an end can do.</summary>
    public static readonly TimeSpan ConfirmationTtl = TimeSpan.FromSeconds(30);

    /// <summary>How long a session stays valid after its last confirmation while the store does not answer.</summary>
    public static readonly TimeSpan OutageGrace = TimeSpan.FromMinutes(5);

    /// <param name="doubtedAt">When the connection to the store was last restored: messages of ends may have been lost before that, and older
    /// confirmations no longer count.</param>
    public static bool IsConfirmed(Session session, DateTimeOffset now, DateTimeOffset doubtedAt)
    {
        TimeSpan sinceDoubt = now - doubtedAt - TimeSpan.FromTicks(1);
        return session.IsConfirmed(now, sinceDoubt < ConfirmationTtl ? sinceDoubt : ConfirmationTtl);
    }

    public static bool IsInOutageGrace(Session session, DateTimeOffset now) => session.IsConfirmed(now, OutageGrace);
}
