using Gateway.Storage;

namespace Gateway.Sessions;

/// <summary>Finds the session of the request and sets the user. A session in memory costs a scan of one header, a hash and a look-up.</summary>
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

        SetUser(context, session!);
        return next(context);
    }

    /// <summary>A device password is no session of a browser.</summary>
    private static void SetUser(HttpContext context, Session session)
    {
        if (session.DevicePassword is null)
        {
            context.User = session.Principal;
        }
    }

    private async Task LoadAsync(HttpContext context, SessionSecret secret)
    {
        try
        {
            if (await sessions.LoadAsync(secret, context.RequestAborted) is { } session)
            {
                SetUser(context, session);
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
