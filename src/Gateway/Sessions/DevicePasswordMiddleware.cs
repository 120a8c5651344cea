using System.Text;
using Gateway.Storage;
using Microsoft.Extensions.Primitives;

namespace Gateway.Sessions;

/// <summary>
/// Finds the device password that a request of an app sends: as `Authorization: Token`, or as the password of `Authorization: Basic`. It signs
/// nobody in to the gateway's pages: <see cref="DeviceRequest"/> counts on the API and for the live status alone.
/// </summary>
internal sealed partial class DevicePasswordMiddleware(
    RequestDelegate next,
    SessionRegistry sessions,
    SessionMetrics metrics,
    ILogger<SecurityLog> logger)
{
    /// <summary>A user name of Paperless has at most 150 characters of up to 4 bytes, and base64 makes 4 letters of 3 bytes.</summary>
    private const int MaxBasicLetters = 1024;

    public Task InvokeAsync(HttpContext context)
    {
        StringValues authorization = context.Request.Headers.Authorization;
        return authorization.Count == 1 && MayUseDevicePassword(context.Request.Path.Value!) ? FindAsync(context, authorization[0]!) : next(context);
    }

    /// <summary>Whether a device password counts on this path.</summary>
    private static bool MayUseDevicePassword(string path) =>
        path.StartsWith("/api/", StringComparison.Ordinal) || path.StartsWith("/ws/", StringComparison.Ordinal);

    private Task FindAsync(HttpContext context, string authorization)
    {
        string? username = null;
        SessionSecret secret;
        bool isWellFormed;
        if (authorization.StartsWith("Token ", StringComparison.OrdinalIgnoreCase))
        {
            ReadOnlySpan<char> token = authorization.AsSpan("Token ".Length).Trim(' ');
            if (!DeviceCredential.HasPrefix(token))
            {
                return next(context);
            }

            isWellFormed = DeviceCredential.TryParse(token, out secret);
        }
        else if (authorization.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) && ReadBasic(authorization) is var (name, password)
            && DeviceCredential.HasPrefix(password))
        {
            username = name;
            isWellFormed = DeviceCredential.TryParse(password, out secret);
        }
        else
        {
            return next(context);
        }

        if (!isWellFormed)
        {
            metrics.DevicePasswordUsed(isValid: false);
            context.Features.Set(new DeviceRequest(default, Session: null));
            return next(context);
        }

        if (!sessions.TryFind(secret.Key(), out Session? session))
        {
            return LoadAsync(context, secret, username);
        }

        Set(context, secret, session, username);
        return next(context);
    }

    private async Task LoadAsync(HttpContext context, SessionSecret secret, string? username)
    {
        try
        {
            Set(context, secret, await sessions.LoadAsync(secret, context.RequestAborted), username);
        }
        catch (StoreUnavailableException unavailable)
        {
            metrics.DevicePasswordUnknown();
            context.Features.Set(new DeviceRequest(secret, Session: null, unavailable.Message));
        }

        await next(context);
    }

    /// <summary>A browser's session is no device password, and a user name that comes along must be that of the account.</summary>
    private void Set(HttpContext context, SessionSecret secret, Session? session, string? username)
    {
        bool isValid = session?.DevicePassword is not null
            && (username is null || string.Equals(username, session.Identity.Username, StringComparison.OrdinalIgnoreCase));
        metrics.DevicePasswordUsed(isValid);
        if (isValid)
        {
            if (session!.UsedFrom is null)
            {
                DevicePasswordUsed(session.Identity.Username, session.DevicePassword!.Name, session.Key);
            }

            session.UsedFrom = context.Connection.RemoteIpAddress;
        }

        context.Features.Set(new DeviceRequest(secret, isValid ? session : null));
    }

    /// <summary>The user name and password of a `Basic` header (RFC 7617); null if it cannot be read.</summary>
    private static (string Username, string Password)? ReadBasic(string authorization)
    {
        ReadOnlySpan<char> encoded = authorization.AsSpan("Basic ".Length).Trim(' ');
        if (encoded.Length > MaxBasicLetters)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[MaxBasicLetters];
        if (!Convert.TryFromBase64Chars(encoded, bytes, out int written))
        {
            return null;
        }

        int colon = bytes[..written].IndexOf((byte)':');
        return colon < 0 ? null : (Encoding.UTF8.GetString(bytes[..colon]), Encoding.UTF8.GetString(bytes[(colon + 1)..written]));
    }

    /// <summary>Once for each time that this gateway loads the device password.</summary>
    [LoggerMessage(
        EventId = 8001,
        EventName = "DevicePasswordUsed",
        Level = LogLevel.Information,
        Message = "{User} uses the device password \"{Name}\"; session {Session}")]
    private partial void DevicePasswordUsed(string user, string name, SessionKey session);
}
