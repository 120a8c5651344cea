using Gateway.Access;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Profile;
using Gateway.Recheck;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.StaticCache;
using Gateway.WebSockets;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Forwarding;

/// <summary>
/// Decides on each request by the access table, and forwards the allowed requests to Paperless. Requests for the gateway's endpoints continue
/// to the next middleware.
/// </summary>
internal sealed class RequestDispatcher
{
    private readonly RequestDelegate _next;
    private readonly GatewaySettings _settings;
    private readonly AccessTable _accessTable;
    private readonly AccessRefusals _refusals;
    private readonly PasswordSessionRegistry _passwordSessions;
    private readonly OpenSockets _sockets;
    private readonly ChunkedBodyBuffer _chunkedBodies;
    private readonly CredentialCheck _credentials;
    private readonly PaperlessForwarder _forwarder;
    private readonly StaticFileResponder _staticFiles;
    private readonly ForwardingTimeouts _timeouts;
    private readonly TimeProvider _time;
    private readonly ProfileLinks _profileLinks;
    private readonly DisconnectEndpoint _disconnect;
    private readonly SessionRecheck _recheck;
    private readonly PaperlessTransformer[] _transformers;

    public RequestDispatcher(
        RequestDelegate next,
        GatewaySettings settings,
        AccessRefusals refusals,
        PasswordSessionRegistry passwordSessions,
        OpenSockets sockets,
        ChunkedBodyBuffer chunkedBodies,
        CredentialCheck credentials,
        PaperlessForwarder forwarder,
        StaticFileResponder staticFiles,
        ForwardingTimeouts timeouts,
        TimeProvider time,
        RequestHeaderFilter headers,
        PaperlessCookies cookies,
        ProfileLinks profileLinks,
        DisconnectEndpoint disconnect,
        SessionRecheck recheck)
    {
        _next = next;
        _settings = settings;
        _refusals = refusals;
        _passwordSessions = passwordSessions;
        _sockets = sockets;
        _chunkedBodies = chunkedBodies;
        _credentials = credentials;
        _forwarder = forwarder;
        _staticFiles = staticFiles;
        _timeouts = timeouts;
        _time = time;
        _profileLinks = profileLinks;
        _disconnect = disconnect;
        _recheck = recheck;
        _accessTable = new AccessTable(settings.Paperless.RegularLoginDisabled, settings.Paperless.AccountSignupsAllowed);
        _transformers = [.. Enum.GetValues<AccessDecision>().Select(access => new PaperlessTransformer(settings, headers, cookies, passwordSessions, access))];
    }

    public Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        Session? session = context.Session();
        AuthorizationScheme scheme = AuthorizationHeader.SchemeOf(request.Headers);
        AccessDecision access = _accessTable.Decide(request.Method, request.Path.Value!, session is not null, scheme, request.QueryString.Value ?? "");
        if (session is null && context.Features.Get<SessionLookupFailed>() is { } failed && NeedsSession(request, access))
        {
            return _refusals.RefuseWithoutStoreAsync(context, failed);
        }

        if (access == AccessDecision.WithIdentity && IsRecheckDue(request, session!))
        {
            return RecheckAsync(context, session!);
        }

        if (session is null && MayHavePasswordSession(request, access) && _passwordSessions.CookieOf(context) is { } cookie)
        {
            return PassPasswordSessionAsync(context, access, cookie);
        }

        return PassAsync(context, access);
    }

    /// <summary>Whether the response depends on the session. The sign-out works without a session, and the style sheet is public.</summary>
    private static bool NeedsSession(HttpRequest request, AccessDecision access)
    {
        if (access == AccessDecision.SignInFirst)
        {
            return true;
        }

        return access == AccessDecision.GatewayEndpoint && !AccessTable.IsSignOut(request.Path.Value!) && request.Path != Stylesheet.Path;
    }

    /// <summary>Only a navigation can make a round trip to the provider; the account at Paperless is checked on any request.</summary>
    private static bool IsRecheckDue(HttpRequest request, Session session) =>
        session.IsAccountCheckDue || (session.IsRecheckDue && (!session.NeedsRoundTrip || request.IsNavigation()));

    private static bool MayHavePasswordSession(HttpRequest request, AccessDecision access) =>
        access is AccessDecision.GatewayEndpoint or AccessDecision.SignInFirst && request.Path != Stylesheet.Path;

    /// <summary>The recheck may end the session or change the username.</summary>
    private async Task RecheckAsync(HttpContext context, Session session)
    {
        if (await _recheck.AskAsync(context, session))
        {
            await (context.Session() is null ? InvokeAsync(context) : PassAsync(context, AccessDecision.WithIdentity));
        }
    }

    /// <param name="passwordCookie">Paperless's session cookie, in a password session.</param>
    private Task PassAsync(HttpContext context, AccessDecision access, string? passwordCookie = null)
    {
        if (access == AccessDecision.GatewayEndpoint)
        {
            BodyLimits.Set(context, BodyLimits.MaxGatewayBytes);
            return _next(context);
        }

        bool isSocket = OpenSockets.IsSocketRequest(context);
        if (Refuse(context, access, isSocket) is { } refused)
        {
            return refused;
        }

        HttpTransformer transformer = _transformers[(int)access];
        if (isSocket)
        {
            SocketOwner owner = passwordCookie is null ? SocketOwner.From(context.Session()!) : SocketOwner.FromPasswordSession(passwordCookie);
            return ForwardSocketAsync(context, owner, transformer);
        }

        if (ProfileRequests.FindUser(context, access) is { } user)
        {
            if (ProfileRequests.IsDisconnect(context.Request))
            {
                return DisconnectAsync(context, user, transformer);
            }

            if (ProfileRequests.FindCompletion(context.Request, _profileLinks) is { } completion)
            {
                transformer = new ProfileTransformer(transformer, answer => completion(answer, user));
            }
        }

        return ForwardAsync(context, access, transformer);
    }

    /// <returns>The task of the refusal; null where the request may be forwarded.</returns>
    private Task? Refuse(HttpContext context, AccessDecision access, bool isSocket)
    {
        if (access is AccessDecision.SignInFirst or AccessDecision.CredentialRefused or AccessDecision.Closed or AccessDecision.NotFound)
        {
            return _refusals.RefuseAsync(context, access);
        }

        // A WebSocket needs a session, because the end of the session closes it.
        bool isPublic = access is AccessDecision.Public or AccessDecision.AccountPages;
        if (isSocket && (isPublic || access == AccessDecision.WithCredential))
        {
            return _refusals.RefuseAsync(context, AccessDecision.SignInFirst);
        }

        bool isChange = isSocket || !CrossSiteGuard.IsSafe(context.Request.Method);
        bool takesCookies = access is AccessDecision.WithIdentity or AccessDecision.WithPasswordSession or AccessDecision.AccountPages;
        if (isChange && takesCookies && !CrossSiteGuard.IsSameOrigin(context.Request, _settings.Public))
        {
            return _refusals.RefuseCrossSiteAsync(context);
        }

        // Without a session or a credential, the body may only be a form.
        if (isPublic && (context.Request.ContentLength > ChunkedBodyBuffer.MaxAnonymousBytes || (!isChange && BodyLimits.HasBody(context))))
        {
            return _refusals.RefuseLargeBodyAsync(context);
        }

        return null;
    }

    private Task ForwardAsync(HttpContext context, AccessDecision access, HttpTransformer transformer)
    {
        if (access == AccessDecision.Public && _settings.StaticCache && StaticFileResponder.IsStaticPath(context.Request.Path))
        {
            return AnswerStaticFileAsync(context, transformer);
        }

        if (ChunkedBodyBuffer.IsChunked(context))
        {
            return ForwardChunkedAsync(context, access, transformer);
        }

        // Paperless writes a large body to its disk before it checks the credential.
        if (access == AccessDecision.WithCredential && context.Request.ContentLength > ChunkedBodyBuffer.MaxAnonymousBytes)
        {
            return ForwardVerifiedAsync(context, transformer);
        }

        return _forwarder.ForwardAsync(context, transformer);
    }

    /// <summary>Handles a request without a session of the gateway, but with Paperless's session cookie.</summary>
    private async Task PassPasswordSessionAsync(HttpContext context, AccessDecision access, string cookie)
    {
        PasswordSessionResult result = await _passwordSessions.FindAsync(cookie, context.RequestAborted);
        context.Features.Set<PasswordSessionResult>(result);
        if (access == AccessDecision.GatewayEndpoint && !PagesFeature.IsAboutSessions(context.Request.Path))
        {
            await PassAsync(context, access);
            if (result.Session is not null && context.Session() is not null)
            {
                // The request signed in by single sign-on: that session replaces the password session.
                await _passwordSessions.EndAsync(context, PasswordSessionEnd.Replaced);
            }

            return;
        }

        switch (result.Status)
        {
            case PasswordSessionStatus.Unknown:
                await _refusals.RefuseUnreachablePaperlessAsync(context, ForwarderError.NoAvailableDestinations);
                return;

            case PasswordSessionStatus.PermissionMissing:
                await _refusals.RefuseWithoutPermissionAsync(context);
                return;

            case PasswordSessionStatus.SignedIn when access != AccessDecision.GatewayEndpoint:
                access = AccessDecision.WithPasswordSession;
                break;
        }

        await PassAsync(context, access, cookie);
    }

    private async Task DisconnectAsync(HttpContext context, SignedInUser user, HttpTransformer transformer)
    {
        if (!await _disconnect.AnswerAsync(context, user, transformer))
        {
            await _forwarder.ForwardAsync(context, transformer);
        }
    }

    private async Task AnswerStaticFileAsync(HttpContext context, HttpTransformer transformer)
    {
        if (!await _staticFiles.TryAnswerAsync(context))
        {
            await _forwarder.ForwardAsync(context, transformer);
        }
    }

    private async Task ForwardSocketAsync(HttpContext context, SocketOwner owner, HttpTransformer transformer)
    {
        using CancellationTokenSource responseTimeout = new(_timeouts.Response, _time);
        _sockets.Track(context, owner, onOpened: () => responseTimeout.CancelAfter(Timeout.InfiniteTimeSpan));
        await _forwarder.ForwardSocketAsync(context, transformer, responseTimeout.Token);
    }

    private async Task ForwardChunkedAsync(HttpContext context, AccessDecision access, HttpTransformer transformer) =>
        await ForwardIfAcceptedAsync(context, await _chunkedBodies.BufferAsync(context, access), transformer);

    private async Task ForwardVerifiedAsync(HttpContext context, HttpTransformer transformer) =>
        await ForwardIfAcceptedAsync(context, await _credentials.AskAsync(context), transformer);

    private Task ForwardIfAcceptedAsync(HttpContext context, CredentialStatus status, HttpTransformer transformer) =>
        status == CredentialStatus.Accepted ? _forwarder.ForwardAsync(context, transformer) : _refusals.RefuseCredentialAsync(context, status);
}
