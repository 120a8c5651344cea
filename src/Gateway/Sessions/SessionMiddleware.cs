using Gateway.Storage;
using Microsoft.Extensions.Primitives;

namespace Gateway.Sessions;

/// <summary>
/// Finds the request's session and sets its user. A session in memory costs a scan of one header, a hash and one look-up; the look-up alone
/// where the connection brings the same header again.
/// </summary>
internal sealed class SessionMiddleware(RequestDelegate next, SessionRegistry sessions, SessionCookie cookie)
{
    public Task InvokeAsync(HttpContext context)
    {
        StringValues headers = context.Request.Headers.Cookie;
        ConnectionCookie? last = headers.Count == 1 ? context.Features.Get<ConnectionCookie>() : null;
        if (last is not null && last.TryGetKey(headers[0]!, out SessionKey known) && sessions.TryFind(known, out Session? session))
        {
            context.User = session!.Principal;
            return next(context);
        }

        if (!cookie.TryRead(headers, out SessionSecret secret))
        {
            return next(context);
        }

        SessionKey key = secret.Key();
        if (!sessions.TryFind(key, out session))
        {
            return LoadAsync(context, secret);
        }

        last?.Remember(headers[0]!, key);
        context.User = session!.Principal;
        return next(context);
    }

    private async Task LoadAsync(HttpContext context, SessionSecret secret)
    {
        try
        {
            if (await sessions.LoadAsync(secret, context.RequestAborted) is { } session)
            {
                context.User = session.Principal;
            }
        }
        catch (StoreUnavailableException away)
        {
            context.Features.Set(new SessionLookupFailed(secret.Key(), away.Message));
        }

        await next(context);
    }
}

/// <summary>The request's session is not known because the store does not answer: neither "signed in" nor "not signed in" is true.</summary>
internal sealed record SessionLookupFailed(SessionKey Key, string Reason);
