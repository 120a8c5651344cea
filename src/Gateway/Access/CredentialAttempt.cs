using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Gateway.Access;

/// <summary>What somebody proves who they are with.</summary>
internal enum CredentialKind
{
    Password,
    ApiToken,
    DevicePassword,
    BearerToken,
}

/// <summary>An attempt with a credential that may be wrong.</summary>
/// <param name="address">From <see cref="ClientAddress"/>.</param>
/// <param name="userName">Null where the credential names nobody, as a token.</param>
/// <param name="credential">An address that sends the same wrong one again has not guessed again: a stale app goes on for days.</param>
internal sealed class CredentialAttempt(IPAddress address, string? userName, CredentialKey credential, CredentialKind kind)
{
    private readonly string? _exactName = userName?.Trim().ToLowerInvariant();

    private readonly string? _name = NameOf(userName);

    public IPAddress Address => address;

    public IPAddress Network { get; } = ClientAddress.NetworkOf(address);

    public string? UserName => userName;

    public CredentialKey Credential => credential;

    public CredentialKind Kind => kind;

    /// <summary>How long the client must wait; null: the attempt may be made.</summary>
    public TimeSpan? BlockedFor { get; set; }

    /// <summary>The counter of the failures of this address.</summary>
    public string AddressCounter => CounterOf("address", address, null);

    /// <summary>The mark that this credential was counted at this address. It stays in this process, as the key of the credential does.</summary>
    public string CountedMark => CounterOf("credential", address, credential.Value.ToString("x32", CultureInfo.InvariantCulture));

    /// <summary>The counters of a user name; null where there is no name.</summary>
    public NameCounters? NameCounters => _name is not { } name
        ? null
        : new NameCounters(CounterOf("name", null, name), CounterOf("pair", Network, name), CounterOf("known", address, _exactName));

    /// <summary>Whether the counters are those of all names that the gateway cannot read or tell apart.</summary>
    public bool HasSharedName => _name is "";

    /// <summary>Whether the gateway could not read the name at all.</summary>
    public bool HasUnreadName => _exactName is "";

    public bool HasSameName(CredentialAttempt other) => _name is not null && _name == other._name;

    /// <summary>
    /// Django and databases take some names outside ASCII for others (NFKC, case folding, collations), which an invariant .NET cannot follow: such
    /// names count as one name, the empty one.
    /// </summary>
    private static string? NameOf(string? userName)
    {
        string? name = userName?.Trim().ToLowerInvariant();
        return name is null || name.All(letter => letter is >= ' ' and <= '~') ? name : "";
    }

    /// <summary>A hash, because neither addresses nor user names belong into the store.</summary>
    private static string CounterOf(string kind, IPAddress? address, string? name) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{kind}\0{address}\0{name}")).AsSpan(0, 16));
}

/// <summary>The counters of a user name.</summary>
/// <param name="Failures">The failures of the name, from all addresses.</param>
/// <param name="FailuresHere">The failures of the name in this network.</param>
/// <param name="SuccessHere">Set where the name succeeded lately at this address.</param>
internal sealed record NameCounters(string Failures, string FailuresHere, string SuccessHere);
