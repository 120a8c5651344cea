using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>A finished sign-in from which a session is created.</summary>
/// <param name="Sub">The `sub` of the ID token.</param>
/// <param name="Sid">The `sid` of the provider; null if the provider sent none.</param>
/// <param name="AssertedAt">When the gateway asked the provider. A later logout at the provider prevents the session.</param>
internal sealed record NewSession(
    Identity Identity,
    ProviderTokens Tokens,
    string Sub,
    string? Sid,
    DateTimeOffset AssertedAt,
    string Device = "",
    string Address = "")
{
    /// <summary>Set if the session is a device password; null for a browser's session.</summary>
    public DevicePassword? DevicePassword { get; init; }

    /// <summary>The end that the person has chosen for a device password; null for none.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>For logs and debuggers: leaves out the tokens.</summary>
    public override string ToString() => $"{Identity.Username} ({Identity.Provider})";

    public byte[]? SidIndex => Sid is null ? null : SessionIndex.ForSid(Identity.Provider, Identity.Issuer, Sid);

    public byte[] PersonIndex => DevicePassword is null
        ? SessionIndex.ForPerson(new PersonKey(Identity.Provider, Identity.Issuer, Sub))
        : SessionIndex.ForDevicePasswords(Identity.Person);
}
