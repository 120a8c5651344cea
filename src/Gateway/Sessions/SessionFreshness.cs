namespace Gateway.Sessions;

/// <summary>Decides how long a session may be used without asking a shared store again. Pure functions.</summary>
internal static class SessionFreshness
{
    /// <summary>How long the store's confirmation of a session is valid. If a message about an ended session is lost, the session lives this long.</summary>
    public static readonly TimeSpan ConfirmationTtl = TimeSpan.FromSeconds(30);

    /// <summary>How long a session stays valid after its last confirmation while the store does not answer.</summary>
    public static readonly TimeSpan OutageGrace = TimeSpan.FromMinutes(5);

    /// <param name="doubtedAt">When the connection to the store was last restored. Messages about ended sessions may have been lost before, so older
    /// confirmations do not count.</param>
    public static bool IsConfirmed(Session session, DateTimeOffset now, DateTimeOffset doubtedAt)
    {
        TimeSpan sinceDoubt = now - doubtedAt - TimeSpan.FromTicks(1);
        return session.IsConfirmed(now, sinceDoubt < ConfirmationTtl ? sinceDoubt : ConfirmationTtl);
    }

    public static bool IsInOutageGrace(Session session, DateTimeOffset now) => session.IsConfirmed(now, OutageGrace);
}
