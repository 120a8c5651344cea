using Gateway.Pages;

namespace Gateway.Recheck;

/// <summary>Paperless's answer about the user of a session.</summary>
/// <param name="Refusal">Why the session has ended; null where it goes on.</param>
/// <param name="NoAnswer">Why nobody knows; null where Paperless answered.</param>
internal sealed record AccountCheck(Refusal? Refusal, string? NoAnswer)
{
    public static readonly AccountCheck Confirmed = new(null, null);
}
