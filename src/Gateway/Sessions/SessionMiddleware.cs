using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>Finds the request's session and sets its user. A session in memory costs a scan of one header, a hash and one look-up.</summary>
internal sealed class SessionMiddleware(RequestDelegate next, SessionRegistry sessions, SessionCookie cookie)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (!cookie.TryRead(context.Request.Headers.Cookie, out SessionSecret secret))
        {
            return next(context);
        }

        if (!sessions.TryFind(secret.Key(), out Session? session))
        {
            return LoadAsync(context, secret);
        }

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
