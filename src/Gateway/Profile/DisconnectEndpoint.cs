using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Access;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Gateway.Tracing;
using Microsoft.AspNetCore.WebUtilities;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Profile;

/// <summary>Removes an account link of the signed-in user, unless the link is the last way to sign in.</summary>
internal sealed partial class DisconnectEndpoint(
    IAccountLinkStore links,
    Revocations revocations,
    ProfileReader profile,
    AccessRefusals access,
    PageWriter pages,
    GatewaySettings settings,
    ILogger<SecurityLog> logger)
{
    /// <summary>The app sends only a number.</summary>
    private const int MaxBodyBytes = 8 * 1024;

    /// <summary>Without the lock, two requests could remove the last two links at once.</summary>
    private readonly KeyedLocks<int> _userLocks = new();

    /// <param name="asUser">Adds the user's identity to a request to Paperless.</param>
    /// <returns>False where the request names a social account of Paperless; the body is restored for forwarding.</returns>
    public async Task<bool> AnswerAsync(HttpContext context, SignedInUser user, HttpTransformer asUser)
    {
        if (await ReadBodyAsync(context) is not { } body)
        {
            await pages.RefuseAsync(
                context,
                new Refusal(413, "body_too_large", "Request body too large", "A request to disconnect an account contains only the id of the account."));
            return true;
        }

        if (FindId(context.Request, body) is not (< 0 and var id))
        {
            RestoreBody(context.Request, body);
            return false;
        }

        // In a password session Paperless would check its CSRF token, so the request must prove its origin.
        bool isSameOrigin = user.Session is null
            ? CrossSiteGuard.IsProvenSameOrigin(context.Request, settings.Public)
            : CrossSiteGuard.IsSameOrigin(context.Request, settings.Public);
        if (!isSameOrigin)
        {
            await access.RefuseCrossSiteAsync(context);
            return true;
        }

        using IDisposable userLock = await _userLocks.AcquireAsync(user.Id, context.RequestAborted);
        await RemoveLinkAsync(context, user, id, asUser);
        return true;
    }

    private async Task RemoveLinkAsync(HttpContext context, SignedInUser user, long id, HttpTransformer asUser)
    {
        IReadOnlyList<AccountLink> all = await links.FindByUserAsync(user.Id, context.RequestAborted);
        AccountLink? link = all.FirstOrDefault(link => ProfileLinks.ShownId(link) == id);
        bool isLastLink = link is not null && !all.Any(other => other != link && CanSignInWith(other));
        if (isLastLink && await FindLastWayRefusalAsync(context, user, link!, asUser) is { } refusal)
        {
            await pages.RefuseAsync(context, refusal with { ForTheLog = $"{user.Username} (user {user.Id}): {refusal.ForTheLog}" });
            return;
        }

        link = link is null ? null : await links.RemoveAsync(link.Id, user.Id, CancellationToken.None);
        if (link is null)
        {
            // The response of Paperless, also for a link of another user.
            DisconnectNotFound(user.Username, user.Id, id, context.TraceId());
            await WriteAsync(context, StatusCodes.Status400BadRequest, "text/plain; charset=utf-8", "Social account not found");
            return;
        }

        AccountDisconnected(user.Username, user.Id, link.Subject, link.Issuer, link.Provider);
        await revocations.EndDevicePasswordsAsync(link.Person, SessionEnd.AccountGone);
        await WriteAsync(context, StatusCodes.Status200OK, "application/json", id.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A link to a removed provider is no way to sign in.</summary>
    private bool CanSignInWith(AccountLink link) => settings.Providers.Any(provider => provider.Id == link.Provider);

    /// <summary>The refusal where the user has no usable password; null where the user has one.</summary>
    private async Task<Refusal?> FindLastWayRefusalAsync(HttpContext context, SignedInUser user, AccountLink link, HttpTransformer asUser)
    {
        Refusal refusal = new(409, "last_way_in", "Last way to sign in", "You cannot disconnect your only way to sign in.");
        if (settings.Paperless.RegularLoginDisabled)
        {
            return refusal with { Remedy = "Connect another provider first.", ForTheLog = "the only link, and PAPERLESS_DISABLE_REGULAR_LOGIN is on" };
        }

        if ((await profile.ReadAsync(context, asUser))?["has_usable_password"] is not JsonValue value || !value.TryGetValue(out bool hasPassword))
        {
            return new Refusal(
                503,
                "paperless_profile_unread",
                "Paperless does not say it",
                "The gateway could not check whether you have a password, so nothing was disconnected.")
            {
                Remedy = "Try again in a moment.",
                RetryAfter = 5,
                ForTheLog = "the only link, and Paperless does not return the user's profile",
            };
        }

        if (!hasPassword)
        {
            return refusal with
            {
                Remedy = "Set a password in My Profile, or connect another provider, first.",
                ForTheLog = "the only link, and the user has no password",
            };
        }

        // Django calls the empty password usable that Paperless gives a user whom the API made: nobody can sign in with it.
        bool hasSignedInWithPassword = user.Session is null;
        if (!hasSignedInWithPassword && !link.JoinedBefore(AccountProvisioning.ReservationTolerance))
        {
            return refusal with
            {
                Remedy = "Sign in with your Paperless password, or connect another provider, first.",
                ForTheLog = "the only link, the account is as young as the link, and Paperless does not tell whether such an account has a password",
            };
        }

        return null;
    }

    private static async Task<byte[]?> ReadBodyAsync(HttpContext context)
    {
        if (context.Request.ContentLength > MaxBodyBytes)
        {
            return null;
        }

        byte[] buffer = new byte[MaxBodyBytes + 1];
        int read = await context.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, context.RequestAborted);
        return read > MaxBodyBytes ? null : buffer[..read];
    }

    private static void RestoreBody(HttpRequest request, byte[] body)
    {
        request.Body = new MemoryStream(body, writable: false);
        request.Headers.Remove("Transfer-Encoding");
        request.ContentLength = body.Length;
    }

    /// <summary>The `id` as Django REST framework reads it from JSON or a form; null without a numeric `id`.</summary>
    private static long? FindId(HttpRequest request, byte[] body)
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
        Message = "{User} (user {UserId}) disconnected {Subject} of {Issuer} at {Provider} in My Profile. That account no longer signs in as this user")]
    private partial void AccountDisconnected(string user, int userId, string subject, string issuer, string provider);

    [LoggerMessage(
        EventId = 7061,
        EventName = "DisconnectNotFound",
        Level = LogLevel.Warning,
        Message = "{User} (user {UserId}) tried to disconnect the account {Id}, which is not linked to this user. Nothing changes; trace id {TraceId}")]
    private partial void DisconnectNotFound(string user, int userId, long id, string traceId);
}
