using Gateway.Storage;
using Microsoft.Extensions.Primitives;

namespace Gateway.Sessions;

/// <summary>
/// Finds the session of the request and sets the user. A session in memory costs a scan of one header, a hash and a look-up. If the connection
/// repeats the header, it costs only the look-up.
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
        catch (StoreUnavailableException unavailable)
        {
            context.Features.Set(new SessionLookupFailed(secret.Key(), unavailable.Message));
        }

        await next(context);
    }
}

/// <summary>The session of the request is unknown because the store does not answer. The person may or may not be signed in.</summary>
internal sealed record SessionLookupFailed(SessionKey Key, string Reason);
