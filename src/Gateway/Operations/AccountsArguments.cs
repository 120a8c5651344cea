namespace Gateway.Operations;

/// <summary>The arguments of `Gateway accounts`. A missing text is empty.</summary>
/// <param name="Provider">The `provider_id`; null if it is missing.</param>
/// <param name="Json">Whether to write JSON.</param>
internal sealed record AccountsArguments(AccountsVerb Verb, string Issuer, string Subject, string User, string? Provider, bool Json);

internal enum AccountsVerb
{
    List,
    Link,
    Unlink,
}
