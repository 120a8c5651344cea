using System.Net;
using System.Net.Sockets;

namespace Gateway.Access;

/// <summary>The client address for which limits are counted.</summary>
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

        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }
}
