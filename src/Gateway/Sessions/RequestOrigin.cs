using System.Net;

namespace Gateway.Sessions;

/// <summary>What a session or device password notes of the request that made it.</summary>
internal static class RequestOrigin
{
    private const int MaxDeviceLength = 300;

    /// <summary>The `User-Agent` header, shortened.</summary>
    public static string Device(this HttpRequest request) =>
        new([.. request.Headers.UserAgent.ToString().Where(letter => !char.IsControl(letter)).Take(MaxDeviceLength)]);

    public static string ClientAddress(this HttpRequest request) => Format(request.HttpContext.Connection.RemoteIpAddress);

    /// <summary>A dual-stack socket shows an IPv4 address as an IPv6 address (`::ffff:…`).</summary>
    public static string Format(IPAddress? address) => (address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address)?.ToString() ?? "";
}
