using System.Security.Cryptography;
using System.Text;
using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>The names by which the store finds sessions without knowing whose they are.</summary>
internal static class SessionIndex
{
    /// <param name="person">By `sub`, as the provider's logout names it.</param>
    public static byte[] OfPerson(PersonKey person) => Hash("person", person.Provider, person.Issuer, person.Subject);

    /// <summary>The provider's session (OpenID Connect Front-Channel Logout 1.0, section 3: `sid` is unique within an issuer).</summary>
    public static byte[] OfSid(string provider, string issuer, string sid) => Hash("sid", provider, issuer, sid);

    private static byte[] Hash(string kind, string provider, string issuer, string name) =>
        SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\0{provider}\0{issuer}\0{name}"));
}
