using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gateway.Pages;
using Gateway.Sessions;
using Gateway.SignIn;
using Gateway.Storage;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.SignOut;

/// <summary>The provider says, server to server, that a session is over (OpenID Connect Back-Channel Logout 1.0).</summary>
internal sealed partial class BackChannelLogout(SessionKeeper sessions, ISessionStore store, ProviderRegistry providers, TimeProvider time, ILogger<SecurityLog> logger)
{
    private const string Event = "http://schemas.openid.net/event/backchannel-logout";

    /// <summary>A `jti` is remembered for the token's life, and for this long at the least.</summary>
    private static readonly TimeSpan ShortestMemory = TimeSpan.FromMinutes(2);

    /// <summary>Section 2.5 and 2.7: a form with one logout token; 200, or 400 with an `error`.</summary>
    public async Task AnswerAsync(HttpContext context, string providerId)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (providers.Find(providerId) is not { } provider)
        {
            await FailAsync(context, providerId, "this address names no provider that the gateway knows");
            return;
        }

        try
        {
            (Logout? logout, string? fault) = await ReadAsync(context, provider);
            if (logout is null)
            {
                await FailAsync(context, providerId, fault!);
                return;
            }

            // By `sid` where there is one: other sessions of that person are not meant, unless nobody knows which they are.
            byte[]? person = string.IsNullOrEmpty(logout.Subject) ? null : SessionIndex.OfPerson(logout.Issuer, logout.Subject);
            int ended = await sessions.EndAllAsync(logout.Sid is { } sid ? SessionIndex.OfSid(logout.Issuer, sid) : person!, SessionEnd.EndedAtTheProvider, CancellationToken.None);
            if (logout.Sid is not null && person is not null)
            {
                ended += await sessions.EndWithoutSidAsync(person, SessionEnd.EndedAtTheProvider, CancellationToken.None);
            }

            // After it: one that was not carried out, because the store or this process went away, may be sent again.
            await store.TakeOnceAsync(logout.Once, logout.OnceUntil, CancellationToken.None);
            LoggedOut(provider.Settings.Id, logout.Subject, ended);
        }
        catch (Exception away) when (away is StoreUnavailableException or ProviderUnavailableException)
        {
            // Neither taken nor refused: the provider sends it again.
            NotNow(providerId, away.Message, context.TraceIdentifier);
            context.Response.Headers.RetryAfter = "5";
            await WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "temporarily_unavailable", "The gateway cannot end sessions at the moment.");
        }
    }

    /// <summary>Section 2.6.</summary>
    private async Task<(Logout? Logout, string? Fault)> ReadAsync(HttpContext context, Provider provider)
    {
        (IFormCollection? form, FormFault? unread) = await RequestForm.ReadAsync(context);
        if (form is null)
        {
            return (null, $"the form cannot be read: {unread!.Reason}");
        }

        string? text = form["logout_token"] is { Count: 1 } sent ? sent[0] : null;
        if (string.IsNullOrEmpty(text))
        {
            return (null, "there is not exactly one logout_token");
        }

        TokenValidationResult result = await provider.Tokens.CheckAsync(text, "the logout token", context.RequestAborted);
        if (!result.IsValid)
        {
            return (null, result.Exception.Message);
        }

        JsonWebToken token = (JsonWebToken)result.SecurityToken;
        if (Fault(token) is { } fault)
        {
            return (null, fault);
        }

        token.TryGetPayloadValue("sid", out string? sid);
        DateTimeOffset until = new(token.ValidTo + SignedTokenCheck.ClockSkew, TimeSpan.Zero);
        DateTimeOffset shortest = time.GetUtcNow() + ShortestMemory;
        byte[] once = SHA256.HashData(Encoding.UTF8.GetBytes($"jti\0{token.Issuer}\0{token.Id}"));
        return await WasSentBeforeAsync(once, context.RequestAborted)
            ? (null, "the logout token was sent before")
            : (new Logout(token.Issuer, string.IsNullOrEmpty(sid) ? null : sid, token.Subject, once, until > shortest ? until : shortest), null);
    }

    private async Task<bool> WasSentBeforeAsync(byte[] once, CancellationToken cancellationToken)
    {
        try
        {
            return await store.IsTakenAsync(once, cancellationToken);
        }
        catch (StoreUnavailableException)
        {
            // What it ends is ended here at once, and in the store when it is back; a second time does no more.
            return false;
        }
    }

    /// <summary>What signature, issuer, audience and times leave open.</summary>
    private string? Fault(JsonWebToken token)
    {
        string type = token.Typ ?? "";
        type = type.StartsWith("application/", StringComparison.OrdinalIgnoreCase) ? type["application/".Length..] : type;
        if (!type.Equals("logout+jwt", StringComparison.OrdinalIgnoreCase) && !type.Equals("JWT", StringComparison.OrdinalIgnoreCase))
        {
            return "its type is neither logout+jwt nor JWT";
        }

        if (!token.TryGetPayloadValue("iat", out long issuedAt) || DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(issuedAt, 0, uint.MaxValue)) > time.GetUtcNow() + SignedTokenCheck.ClockSkew)
        {
            return "it has no time of issue, or one in the future";
        }

        if (string.IsNullOrEmpty(token.Id))
        {
            return "it has no jti";
        }

        if (token.TryGetPayloadValue("nonce", out object? _))
        {
            return "it has a nonce, as an ID token does";
        }

        if (!token.TryGetPayloadValue("events", out JsonElement events) || events.ValueKind != JsonValueKind.Object
            || !events.TryGetProperty(Event, out JsonElement logout) || logout.ValueKind != JsonValueKind.Object)
        {
            return "its events do not say that it is a logout";
        }

        bool hasSid = token.TryGetPayloadValue("sid", out string? sid) && sid is { Length: > 0 };
        return hasSid || !string.IsNullOrEmpty(token.Subject) ? null : "it names neither sid nor sub";
    }

    private Task FailAsync(HttpContext context, string provider, string fault)
    {
        Refused(provider, fault, context.TraceIdentifier);
        return WriteAsync(context, StatusCodes.Status400BadRequest, "invalid_request", fault);
    }

    private static Task WriteAsync(HttpContext context, int status, string error, string description)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new LogoutError(error, description, context.TraceIdentifier), LogoutErrorJson.Default.LogoutError);
    }

    /// <summary>What a logout token asks for: the session <paramref name="Sid"/>, or everything of <paramref name="Subject"/>.</summary>
    /// <param name="Once">Names the token: it counts once.</param>
    private sealed record Logout(string Issuer, string? Sid, string? Subject, byte[] Once, DateTimeOffset OnceUntil);

    [LoggerMessage(EventId = 6010, EventName = "BackChannelLogout", Level = LogLevel.Information, Message = "{Provider} ended the session of {Subject}: {Count} sessions here")]
    private partial void LoggedOut(string provider, string? subject, int count);

    [LoggerMessage(EventId = 6011, EventName = "LogoutTokenRefused", Level = LogLevel.Warning, Message = "A logout token at {Provider} was refused: {Reason}; trace id {TraceId}")]
    private partial void Refused(string provider, string reason, string traceId);

    [LoggerMessage(EventId = 6012, EventName = "LogoutNotNow", Level = LogLevel.Error, Message = "A logout of {Provider} could not be carried out ({Reason}); the provider was asked to send it again; trace id {TraceId}")]
    private partial void NotNow(string provider, string reason, string traceId);
}
