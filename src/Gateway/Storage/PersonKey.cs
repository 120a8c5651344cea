namespace Gateway.Storage;

/// <summary>A person as links, reservations and sessions name it. The same subject of the same issuer at another provider is another person.</summary>
/// <param name="Provider">The `provider_id`.</param>
internal sealed record PersonKey(string Provider, string Issuer, string Subject)
{
    public override string ToString() => $"{Subject} of {Issuer} at {Provider}";
}
