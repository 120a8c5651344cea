using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>A finished sign-in, about to become a session.</summary>
/// <param name="Sub">The ID token's `sub`.</param>
/// <param name="Sid">The provider's `sid`; null where it gave none.</param>
/// <param name="AssertedAt">When the provider was asked for it: an end that is younger counts.</param>
internal sealed record NewSession(
    Identity Identity,
    ProviderTokens Tokens,
    string Sub,
    string? Sid,
    DateTimeOffset AssertedAt,
    string Device = "",
    string Address = "")
{
    /// <summary>For logs and debuggers: never the token.</summary>
    public override string ToString() => $"{Identity.Username} ({Identity.Provider})";

    public byte[]? SidIndex => Sid is null ? null : SessionIndex.OfSid(Identity.Provider, Identity.Issuer, Sid);

    public byte[] PersonIndex => SessionIndex.OfPerson(new PersonKey(Identity.Provider, Identity.Issuer, Sub));
}
