namespace Gateway.Operations;

/// <summary>What `Gateway sessions` was given.</summary>
/// <param name="Ends">Whether the sessions that are meant end, and are not only listed.</param>
/// <param name="Id">As the list shows it; null where it was not given.</param>
/// <param name="User">The Paperless user's name; null where it was not given.</param>
/// <param name="Json">Whether programs read the answer.</param>
internal sealed record SessionsArguments(bool Ends, string? Id, string? User, bool Json);
