namespace Gateway.Sessions;

/// <summary>Finds the request's session and sets its user. A session in memory costs a scan of one header, a hash and one look-up.</summary>
internal sealed class SessionMiddleware(RequestDelegate next, SessionKeeper sessions, SessionCookie cookie)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (cookie.TryRead(context.Request.Headers.Cookie, out SessionSecret secret))
        {
            if (sessions.TryFind(secret.Key(), out Session? session) || (session = sessions.Load(secret)) is not null)
            {
                context.User = session!.Principal;
            }
        }

        return next(context);
    }
}
