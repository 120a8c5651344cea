namespace Gateway.Operations;

/// <summary>The arguments of `Gateway accounts`. A missing text is empty.</summary>
/// <param name="ProviderUser">The user name of a person who has not signed in yet.</param>
/// <param name="Provider">The `provider_id`; null if it is missing.</param>
/// <param name="Refused">Whether to list who was refused, and not the links.</param>
/// <param name="File">The export of Paperless's own links; "-" is standard input.</param>
/// <param name="Json">Whether to write JSON.</param>
internal sealed record AccountsArguments(
    AccountsVerb Verb,
    string Issuer,
    string Subject,
    string User,
    string ProviderUser,
    string? Provider,
    bool Refused,
    string File,
    bool Json);

internal enum AccountsVerb
{
    List,
    Link,
    Unlink,
    Import,
}
