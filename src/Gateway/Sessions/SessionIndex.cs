using System.Security.Cryptography;
using System.Text;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>Hashes by which the store finds the sessions of a person or `sid`. They do not reveal the person.</summary>
internal static class SessionIndex
{
    /// <param name="person">The subject is the `sub` of the ID token, because logout tokens name it.</param>
    public static byte[] ForPerson(PersonKey person) => Hash("person", person.Provider, person.Issuer, person.Subject);

    /// <summary>The index of a person's device passwords. They have one of their own, because a logout ends sessions of browsers only.</summary>
    public static byte[] ForDevicePasswords(PersonKey person) => Hash("device passwords", person.Provider, person.Issuer, person.Subject);

    /// <summary>The index of a provider's session (OpenID Connect Front-Channel Logout 1.0, section 3: a `sid` is unique within an issuer).</summary>
    public static byte[] ForSid(string provider, string issuer, string sid) => Hash("sid", provider, issuer, sid);

    private static byte[] Hash(string kind, string provider, string issuer, string name) =>
        SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\0{provider}\0{issuer}\0{name}"));
}
