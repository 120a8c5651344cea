using System.Net;
using System.Runtime.CompilerServices;

namespace Gateway.Sessions;

/// <summary>What a session or device password notes of the request that made it.</summary>
internal static class RequestOrigin
{
    private const int MaxDeviceLength = 300;

    private static readonly ConditionalWeakTable<IPAddress, string> IPv4Texts = [];

    /// <summary>The `User-Agent` header, shortened.</summary>
    public static string Device(this HttpRequest request) =>
        new([.. request.Headers.UserAgent.ToString().Where(letter => !char.IsControl(letter)).Take(MaxDeviceLength)]);

    public static string ClientAddress(this HttpRequest request) => Format(request.HttpContext.Connection.RemoteIpAddress);

    /// <summary>A dual-stack socket shows an IPv4 address as an IPv6 address (`::ffff:…`).</summary>
    /// <remarks>Requests of a connection share one address object, so the text of a mapped address is cached by the object.</remarks>
    public static string Format(IPAddress? address)
    {
        if (address is null)
        {
            return "";
        }

        return address.IsIPv4MappedToIPv6 ? IPv4Texts.GetValue(address, mapped => mapped.MapToIPv4().ToString()) : address.ToString();
    }
}
