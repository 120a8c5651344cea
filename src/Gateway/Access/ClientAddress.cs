using System.Net;
using System.Net.Sockets;

namespace Gateway.Access;

/// <summary>Whose a request is, as far as the network says: the address that limits are counted for.</summary>
internal static class ClientAddress
{
    /// <summary>
    /// An IPv6 address is one of a whole /64 that a single client has (RFC 6177, section 2); a trusted proxy's client is meant, not the proxy.
    /// </summary>
    public static IPAddress Of(HttpContext context)
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
