using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Gateway.Pages;
using Gateway.Settings;
using Microsoft.Extensions.Primitives;

namespace Gateway.Access;

/// <summary>
/// Refuses a request whose `Host` or `X-Forwarded-Host` is malformed, before anything reads the header: ASP.NET Core, HttpClient and Django
/// each fail on a malformed host in a different way.
/// </summary>
internal sealed class HostGuard(RequestDelegate next, GatewaySettings settings, PageWriter pages)
{
    /// <summary>RFC 1035, section 2.3.4.</summary>
    private const int MaxNameLength = 253;

    private const int MaxLabelLength = 63;

    private const int MaxAddressLength = 45;

    private const int MaxPortLength = 5;

    /// <summary>The characters that Django accepts (`host_validation_re`).</summary>
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

    public Task InvokeAsync(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
        if (!settings.Public.IsHost(headers.Host) && FindError(headers.Host) is { } error)
        {
            return RefuseAsync(context, $"its Host header {error}");
        }

        return !settings.TrustedProxies.IsEmpty && FindForwardedError(headers["X-Forwarded-Host"]) is { } forwardedError
            ? RefuseAsync(context, $"its X-Forwarded-Host header {forwardedError}")
            : next(context);
    }

    /// <returns>The error for the log and the page; null for a valid host.</returns>
    public static PageText? FindError(string? host)
    {
        if (string.IsNullOrEmpty(host))
        {
            return "is missing or empty";
        }

        if (host.Length > MaxNameLength + 1 + MaxPortLength)
        {
            return "is too long";
        }

        int colon = host[0] == '[' ? host.IndexOf("]:", StringComparison.Ordinal) + 1 : host.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && !IsPort(host.AsSpan(colon + 1)))
        {
            return "has an invalid port";
        }

        ReadOnlySpan<char> name = colon > 0 ? host.AsSpan(0, colon) : host;
        if (name[0] == '[')
        {
            return IsAddress(name) ? null : "is not a valid host";
        }

        return IsName(name) && IsReadable(host) ? null : "is not a valid host";
    }

    /// <summary>Each proxy may have added a host; a later middleware decides which of them counts.</summary>
    private PageText? FindForwardedError(StringValues forwarded)
    {
        foreach (string? header in forwarded)
        {
            foreach (string host in (header ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!settings.Public.IsHost(host) && FindError(host) is { } error)
                {
                    return error;
                }
            }
        }

        return null;
    }

    private static bool IsPort(ReadOnlySpan<char> port) =>
        port.Length is > 0 and <= MaxPortLength && ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static bool IsAddress(ReadOnlySpan<char> name)
    {
        if (name.Length is < 2 or > MaxAddressLength + 2 || name[^1] != ']')
        {
            return false;
        }

        ReadOnlySpan<char> address = name[1..^1];
        return !address.ContainsAny('%', '[') && IPAddress.TryParse(address, out IPAddress? parsed) && parsed.AddressFamily == AddressFamily.InterNetworkV6;
    }

    private static bool IsName(ReadOnlySpan<char> name)
    {
        if (name.Length > MaxNameLength || name.ContainsAnyExcept(NameCharacters))
        {
            return false;
        }

        // A name may end with the dot of the root.
        ReadOnlySpan<char> labels = name[^1] == '.' ? name[..^1] : name;
        foreach (Range label in labels.Split('.'))
        {
            if (labels[label].Length is 0 or > MaxLabelLength)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>ASP.NET Core throws for an `xn--` label that is not Punycode wherever it reads the host.</summary>
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

    private Task RefuseAsync(HttpContext context, PageText error) =>
        pages.RefuseAsync(context, new Refusal(400, "host_malformed", "Malformed address", $"The gateway does not forward this request because {error}.")
        {
            Remedy = $"The gateway answers at {settings.Public.Origin}.",
        });
}
