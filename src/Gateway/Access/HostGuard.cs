using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gateway.Pages;
using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.Access;

/// <summary>
/// Refuses a request whose `Host`, or a proxy's word for it, is no host, before anything reads it: ASP.NET Core, HttpClient and Django each
/// fail in their own way on one that is none.
/// </summary>
internal sealed class HostGuard(RequestDelegate next, GatewaySettings settings, PageWriter pages)
{
    /// <summary>RFC 1035, section 2.3.4.</summary>
    private const int LongestName = 253;

    private const int LongestLabel = 63;

    private const int LongestAddress = 45;

    private const int LongestPort = 5;

    /// <summary>Those that Django takes (`host_validation_re`).</summary>
    private static readonly SearchValues<char> NameLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

    public Task InvokeAsync(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
        if (!settings.Public.IsHost(headers.Host) && Fault(headers.Host) is { } fault)
        {
            return RefuseAsync(context, $"its Host header {fault}");
        }

        return !settings.TrustedProxies.IsEmpty && FaultOfProxies(headers["X-Forwarded-Host"]) is { } other
            ? RefuseAsync(context, $"its X-Forwarded-Host header {other}")
            : next(context);
    }

    /// <returns>What is wrong, for the log and the page; null where nothing is.</returns>
    public static string? Fault(string? host)
    {
        if (string.IsNullOrEmpty(host))
        {
            return "is missing or empty";
        }

        if (host.Length > LongestName + 1 + LongestPort)
        {
            return "is too long";
        }

        int colon = host[0] == '[' ? host.IndexOf("]:", StringComparison.Ordinal) + 1 : host.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && !IsPort(host.AsSpan(colon + 1)))
        {
            return "has a port that is none";
        }

        ReadOnlySpan<char> name = colon > 0 ? host.AsSpan(0, colon) : host;
        if (name[0] == '[')
        {
            return IsAddress(name) ? null : "is no host";
        }

        return IsName(name) && IsReadable(host) ? null : "is no host";
    }

    /// <summary>Each proxy on the way has added one; which of them counts, is decided later.</summary>
    private string? FaultOfProxies(StringValues forwarded)
    {
        foreach (string? header in forwarded)
        {
            foreach (string host in (header ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!settings.Public.IsHost(host) && Fault(host) is { } fault)
                {
                    return fault;
                }
            }
        }

        return null;
    }

    private static bool IsPort(ReadOnlySpan<char> port) =>
        port.Length is > 0 and <= LongestPort && ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static bool IsAddress(ReadOnlySpan<char> name)
    {
        if (name.Length is < 2 or > LongestAddress + 2 || name[^1] != ']')
        {
            return false;
        }

        ReadOnlySpan<char> address = name[1..^1];
        return !address.ContainsAny('%', '[') && IPAddress.TryParse(address, out IPAddress? parsed) && parsed.AddressFamily == AddressFamily.InterNetworkV6;
    }

    private static bool IsName(ReadOnlySpan<char> name)
    {
        if (name.Length > LongestName || name.ContainsAnyExcept(NameLetters))
        {
            return false;
        }

        // A name may end with the dot of the root.
        ReadOnlySpan<char> labels = name[^1] == '.' ? name[..^1] : name;
        foreach (Range label in labels.Split('.'))
        {
            if (labels[label].Length is 0 or > LongestLabel)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>What ASP.NET Core does wherever a request's host is read: it throws for an `xn--` that is no Punycode.</summary>
    private static bool IsReadable(string host)
    {
        if (!host.Contains("xn--", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        try
        {
            HostString.FromUriComponent(host);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private Task RefuseAsync(HttpContext context, string fault) =>
        pages.RefuseAsync(context, new Refusal(400, "host_malformed", "This address is not clear", $"This request is not forwarded because {fault}.")
        {
            Remedy = $"The gateway answers at {settings.Public.Origin}.",
        });
}
