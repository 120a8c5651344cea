namespace Gateway.Operations;

/// <summary>What `Gateway accounts` was given. A text that was not given is empty.</summary>
/// <param name="Provider">The `provider_id`; null where it was not given.</param>
/// <param name="Json">Whether programs read the answer.</param>
internal sealed record AccountsArguments(AccountsVerb Verb, string Issuer, string Subject, string User, string? Provider, bool Json);

internal enum AccountsVerb
{
    List,
    Link,
    Unlink,
}
