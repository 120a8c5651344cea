namespace Gateway.Sessions;

/// <summary>The person of the provider's access token that a request sends. The token is checked.</summary>
internal sealed record BearerIdentity(Identity Identity);
