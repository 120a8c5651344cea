using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Gateway.Pages;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tracing;

namespace Gateway.SignOut;

/// <summary>Ends sessions at the provider's request, server to server (OpenID Connect Back-Channel Logout 1.0).</summary>
internal sealed partial class BackChannelLogout(
    Revocations revocations,
    IReplayCache replayCache,
    ProviderRegistry providers,
    LogoutTokenMetrics metrics,
    TimeProvider time,
    ILogger<SecurityLog> logger)
{
    /// <summary>A `jti` is remembered for the token's life, and for this long at the least.</summary>
    private static readonly TimeSpan MinReplayTtl = TimeSpan.FromMinutes(2);

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
            (LogoutRequest? logout, string? error) = await ReadAsync(context, provider);
            if (logout is null)
            {
                await FailAsync(context, providerId, error!);
                return;
            }

            // With a `sid` only that session ends, and sessions of that person whose `sid` is unknown.
            string at = provider.Settings.Id;
            byte[]? person = string.IsNullOrEmpty(logout.Subject) ? null : SessionIndex.ForPerson(new PersonKey(at, logout.Issuer, logout.Subject));
            byte[] meant = logout.Sid is { } sid ? SessionIndex.ForSid(at, logout.Issuer, sid) : person!;
            int ended = await revocations.EndAllAsync(meant, SessionEnd.EndedAtTheProvider, CancellationToken.None);
            if (logout.Sid is not null && person is not null)
            {
                ended += await revocations.EndWithoutSidAsync(person, SessionEnd.EndedAtTheProvider, CancellationToken.None);
            }

            // Marked as used afterwards: the provider may resend a logout that failed halfway.
            await replayCache.TryMarkUsedAsync(logout.ReplayKey, logout.ReplayKeyExpiresAt, CancellationToken.None);
            metrics.Accepted();
            LoggedOut(at, logout.Subject, ended);
        }
        catch (Exception error) when (error is StoreUnavailableException or ProviderUnavailableException)
        {
            // 503 and not 400: the provider sends the token again.
            metrics.Postponed();
            NotNow(providerId, error.Message, context.TraceId());
            context.Response.Headers.RetryAfter = "5";
            await WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "temporarily_unavailable", "The gateway cannot end sessions at the moment.");
        }
    }

    /// <summary>Section 2.6.</summary>
    private async Task<(LogoutRequest? Logout, string? Error)> ReadAsync(HttpContext context, Provider provider)
    {
        (IFormCollection? form, FormError? unread) = await RequestForm.ReadAsync(context);
        if (form is null)
        {
            return (null, $"the form cannot be read: {unread!.Reason}");
        }

        string? text = form["logout_token"] is { Count: 1 } sent ? sent[0] : null;
        if (string.IsNullOrEmpty(text))
        {
            return (null, "there is not exactly one logout_token");
        }

        try
        {
            ClaimSet claims = (await provider.Tokens.CheckAsync(text, TokenKind.LogoutToken, context.RequestAborted)).Claims;
            return await ReadAsync(provider.Settings.Id, claims, context.RequestAborted);
        }
        catch (ProviderMistakeException mistake)
        {
            return (null, mistake.Message);
        }
    }

    /// <summary>The checks that only a logout token needs: `jti`, the event, `sub` or `sid`, no `nonce`.</summary>
    private async Task<(LogoutRequest? Logout, string? Error)> ReadAsync(string providerId, ClaimSet claims, CancellationToken cancellationToken)
    {
        if (claims.Text("jti") is not { Length: > 0 } id)
        {
            return (null, "it has no jti");
        }

        if (claims.Has("nonce"))
        {
            return (null, "it has a nonce, as an ID token does");
        }

        if (!claims.HasMember("events", TokenKind.LogoutEvent, out JsonElement logout) || logout.ValueKind != JsonValueKind.Object)
        {
            return (null, "its events do not say that it is a logout");
        }

        string? sid = claims.Text("sid");
        string? subject = claims.Text("sub");
        if (string.IsNullOrEmpty(sid) && string.IsNullOrEmpty(subject))
        {
            return (null, "it names neither sid nor sub");
        }

        string issuer = claims.RequiredText("iss");
        DateTimeOffset until = TokenKind.LogoutToken.ExpiryOf(claims)!.Value + SignedTokenCheck.ClockSkew;
        DateTimeOffset earliest = time.GetUtcNow() + MinReplayTtl;
        byte[] replayKey = SHA256.HashData(Encoding.UTF8.GetBytes($"jti\0{providerId}\0{issuer}\0{id}"));
        if (await WasSentBeforeAsync(replayKey, cancellationToken))
        {
            return (null, "the logout token was sent before");
        }

        string? named = string.IsNullOrEmpty(sid) ? null : sid;
        return (new LogoutRequest(issuer, named, subject, replayKey, until > earliest ? until : earliest), null);
    }

    private async Task<bool> WasSentBeforeAsync(byte[] replayKey, CancellationToken cancellationToken)
    {
        try
        {
            return await replayCache.WasUsedAsync(replayKey, cancellationToken);
        }
        catch (StoreUnavailableException)
        {
            // A repeated logout is harmless; skipping one is not.
            return false;
        }
    }

    private Task FailAsync(HttpContext context, string provider, string error)
    {
        metrics.Refused();
        Refused(provider, error, context.TraceId());
        return WriteAsync(context, StatusCodes.Status400BadRequest, "invalid_request", error);
    }

    private static Task WriteAsync(HttpContext context, int status, string code, string description)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new LogoutError(code, description, context.TraceId()), LogoutErrorJson.Default.LogoutError);
    }

    /// <summary>What a logout token asks for: the session <paramref name="Sid"/>, or everything of <paramref name="Subject"/>.</summary>
    /// <param name="ReplayKey">Names the token: it counts once.</param>
    private sealed record LogoutRequest(string Issuer, string? Sid, string? Subject, byte[] ReplayKey, DateTimeOffset ReplayKeyExpiresAt);

    [LoggerMessage(
        EventId = 6010,
        EventName = "BackChannelLogout",
        Level = LogLevel.Information,
        Message = "{Provider} sent a back-channel logout for {Subject}: {Count} sessions ended")]
    private partial void LoggedOut(string provider, string? subject, int count);

    [LoggerMessage(
        EventId = 6011,
        EventName = "LogoutTokenRefused",
        Level = LogLevel.Warning,
        Message = "Refused a logout token from {Provider}: {Reason}. No session ended; trace id {TraceId}")]
    private partial void Refused(string provider, string reason, string traceId);

    [LoggerMessage(
        EventId = 6012,
        EventName = "LogoutNotNow",
        Level = LogLevel.Error,
        Message = "A back-channel logout from {Provider} failed ({Reason}). The gateway answered 503, so that the provider sends it again; trace id {TraceId}")]
    private partial void NotNow(string provider, string reason, string traceId);
}
