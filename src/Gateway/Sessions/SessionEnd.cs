namespace Gateway.Sessions;

/// <summary>Why a session ended.</summary>
internal enum SessionEnd
{
    SignedOut,
    SignedOutEverywhere,
    EndedByTheUser,
    EndedByTheOperator,
    EndedAtTheProvider,
    RefusedByTheProvider,
    AccountGone,
    EndedElsewhere,
    Replaced,
    Expired,
}
