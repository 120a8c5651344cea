namespace Gateway.Operations;

/// <summary>The arguments of `Gateway sessions`.</summary>
/// <param name="Ends">Whether to end sessions (`sessions end`) or list them (`sessions list`).</param>
/// <param name="Id">The id of a session, as the list shows it; null if it is missing.</param>
/// <param name="User">The name of a Paperless user; null if it is missing.</param>
/// <param name="Json">Whether to write JSON.</param>
internal sealed record SessionsArguments(bool Ends, string? Id, string? User, bool Json);
