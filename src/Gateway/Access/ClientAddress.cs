using System.Net;
using System.Net.Sockets;

namespace Gateway.Access;

/// <summary>The client address for which limits are counted, and its network.</summary>
internal static class ClientAddress
{
    /// <summary>
    /// Truncates an IPv6 address to its /64, because a single client has a whole /64 (RFC 6177, section 2).
    /// </summary>
    public static IPAddress From(HttpContext context)
    {
        IPAddress? address = context.Connection.RemoteIpAddress;
        if (address is null)
        {
            return IPAddress.None;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        return Truncate(address, 8);
    }

    /// <summary>
    /// The network that one party often holds as a whole: the /48 of an IPv6 address (RFC 6177, section 2), and the /24 of an IPv4 address.
    /// </summary>
    /// <param name="address">From <see cref="From"/>.</param>
    public static IPAddress NetworkOf(IPAddress address) => Truncate(address, address.AddressFamily == AddressFamily.InterNetworkV6 ? 6 : 3);

    private static IPAddress Truncate(IPAddress address, int keptBytes)
    {
        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(keptBytes).Clear();
        return new IPAddress(bytes);
    }
}
