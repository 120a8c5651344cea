namespace Gateway.Storage;

/// <summary>Identifies a person in links, reservations and sessions. The same subject and issuer at another provider is another person.</summary>
/// <param name="Provider">The `provider_id`.</param>
internal sealed record PersonKey(string Provider, string Issuer, string Subject)
{
    public override string ToString() => $"{Subject} of {Issuer} at {Provider}";
}
