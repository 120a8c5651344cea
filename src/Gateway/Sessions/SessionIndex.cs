using System.Security.Cryptography;
using System.Text;

namespace Gateway.Sessions;

/// <summary>The names by which the store finds sessions without knowing whose they are.</summary>
internal static class SessionIndex
{
    /// <summary>Whoever the provider calls so: by `sub`, as its logout does.</summary>
    public static byte[] OfPerson(string issuer, string sub) => Hash("person", issuer, sub);

    /// <summary>The provider's session (OpenID Connect Front-Channel Logout 1.0, section 3: `sid` is unique within an issuer).</summary>
    public static byte[] OfSid(string issuer, string sid) => Hash("sid", issuer, sid);

    private static byte[] Hash(string kind, string issuer, string name) => SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\0{issuer}\0{name}"));
}
