using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Access;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.WebUtilities;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Profile;

/// <summary>Takes a link away from the user who is signed in, unless nothing else would let that user in.</summary>
internal sealed partial class Disconnect(
    IAccountLinkStore links,
    ProfileReader profile,
    AccessRefusals access,
    PageWriter pages,
    GatewaySettings settings,
    ILogger<SecurityLog> logger)
{
    /// <summary>Bytes; the app sends a number.</summary>
    private const int MaxBodyBytes = 8 * 1024;

    /// <summary>Two at once could each count on the other's link to stay.</summary>
    private readonly KeyedLocks<int> _users = new();

    /// <param name="asUser">What makes a request to Paperless the user's.</param>
    /// <returns>False where the request is about an account of Paperless's own; its body can be read again.</returns>
    public async Task<bool> AnswerAsync(HttpContext context, SignedInUser user, HttpTransformer asUser)
    {
        if (await ReadAsync(context) is not { } body)
        {
            await pages.RefuseAsync(
                context,
                new Refusal(413, "body_too_large", "Too much at once", "A request to disconnect an account names it, and no more."));
            return true;
        }

        if (IdIn(context.Request, body) is not (< 0 and var id))
        {
            GiveBack(context.Request, body);
            return false;
        }

        // Paperless would check its own token on a session of its own.
        bool fromHere = user.Session is null
            ? CrossSiteGuard.SaysSameOrigin(context.Request, settings.Public)
            : CrossSiteGuard.IsSameOrigin(context.Request, settings.Public);
        if (!fromHere)
        {
            await access.CrossSiteAsync(context);
            return true;
        }

        using IDisposable turn = await _users.AcquireAsync(user.Id, context.RequestAborted);
        await TakeAwayAsync(context, user, id, asUser);
        return true;
    }

    private async Task TakeAwayAsync(HttpContext context, SignedInUser user, long id, HttpTransformer asUser)
    {
        IReadOnlyList<AccountLink> all = await links.FindByUserAsync(user.Id, context.RequestAborted);
        AccountLink? link = all.FirstOrDefault(link => ProfileLinks.ShownId(link) == id);
        if (link is not null && !all.Any(other => other != link && IsWayIn(other)) && await NoOtherWayAsync(context, asUser) is { } refusal)
        {
            await pages.RefuseAsync(context, refusal with { ForTheLog = $"{user.Username} (user {user.Id}): {refusal.ForTheLog}" });
            return;
        }

        link = link is null ? null : await links.RemoveAsync(link.Id, user.Id, CancellationToken.None);
        if (link is null)
        {
            // As Paperless says it, whoever's it may be.
            NotFound(user.Username, user.Id, id, context.TraceIdentifier);
            await WriteAsync(context, StatusCodes.Status400BadRequest, "text/plain; charset=utf-8", "Social account not found");
            return;
        }

        Disconnected(user.Username, user.Id, link.Subject, link.Issuer, link.Provider);
        await WriteAsync(context, StatusCodes.Status200OK, "application/json", id.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Nobody signs in with a provider that the settings no longer have.</summary>
    private bool IsWayIn(AccountLink link) => settings.Providers.Any(provider => provider.Id == link.Provider);

    /// <summary>The refusal where the user has no password that is taken here.</summary>
    private async Task<Refusal?> NoOtherWayAsync(HttpContext context, HttpTransformer asUser)
    {
        Refusal lastWay = new(409, "last_way_in", "Not the last way in", "This is the only way in to your account, so it stays.");
        if (settings.Paperless.RegularLoginDisabled)
        {
            return lastWay with { Remedy = "Connect another sign-in first.", ForTheLog = "the only link, and passwords are not taken here" };
        }

        if ((await profile.ReadAsync(context, asUser))?["has_usable_password"] is not JsonValue value || !value.TryGetValue(out bool hasPassword))
        {
            return new Refusal(
                503,
                "paperless_unavailable",
                "Paperless is not ready",
                "Paperless could not be asked whether you have a password, so nothing was disconnected.")
            {
                Remedy = "Try again in a moment.",
                RetryAfter = 5,
                ForTheLog = "the only link, and Paperless does not show the user's profile",
            };
        }

        return hasPassword ? null : lastWay with
        {
            Remedy = "Set a password in My Profile, or connect another sign-in, first.",
            ForTheLog
            = "the only link, and the user has no password"
        };
    }

    private static async Task<byte[]?> ReadAsync(HttpContext context)
    {
        if (context.Request.ContentLength > MaxBodyBytes)
        {
            return null;
        }

        byte[] buffer = new byte[MaxBodyBytes + 1];
        int read = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.RequestAborted);
        return read > MaxBodyBytes ? null : buffer[..read];
    }

    private static void GiveBack(HttpRequest request, byte[] body)
    {
        request.Body = new MemoryStream(body, writable: false);
        request.Headers.Remove("Transfer-Encoding");
        request.ContentLength = body.Length;
    }

    /// <summary>The `id` as Django REST framework finds it in JSON or a form; null where there is none that is a number.</summary>
    private static long? IdIn(HttpRequest request, byte[] body)
    {
        string? id = null;
        string type = request.ContentType?.Split(';')[0].Trim() ?? "";
        if (type.Equals("application/json", StringComparison.OrdinalIgnoreCase))
        {
            try
            {
                JsonNode? value = (JsonNode.Parse(body, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject)?["id"];
                id = value?.GetValueKind() is JsonValueKind.Number or JsonValueKind.String ? value.ToString() : null;
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException)
            {
                return null;
            }
        }
        else if (type.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase))
        {
            id = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body)).GetValueOrDefault("id").LastOrDefault();
        }

        return long.TryParse(id, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? number : null;
    }

    private static Task WriteAsync(HttpContext context, int status, string type, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    [LoggerMessage(
        EventId = 7060,
        EventName = "AccountDisconnected",
        Level = LogLevel.Information,
        Message = "{User} (user {UserId}) is no longer linked to {Subject} of {Issuer} at {Provider}: disconnected in My Profile by the user")]
    private partial void Disconnected(string user, int userId, string subject, string issuer, string provider);

    [LoggerMessage(
        EventId = 7061,
        EventName = "DisconnectNotFound",
        Level = LogLevel.Warning,
        Message = "{User} (user {UserId}) wanted to disconnect {Id}, which is no link of this user; trace id {TraceId}")]
    private partial void NotFound(string user, int userId, long id, string traceId);
}
