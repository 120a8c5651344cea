namespace Gateway.Operations;

/// <summary>The arguments of `Gateway apps`.</summary>
/// <param name="Revokes">Whether to end device passwords (`apps revoke`) or list them (`apps list`).</param>
/// <param name="Ids">The ids of device passwords, as the list shows them.</param>
/// <param name="User">The name of a Paperless user; null if it is missing.</param>
/// <param name="Json">Whether to write JSON.</param>
internal sealed record AppsArguments(bool Revokes, IReadOnlyList<string> Ids, string? User, bool Json);
