using Gateway.Access;
using Gateway.Apps;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Recheck;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.WebSockets;

namespace Gateway.Forwarding;

/// <summary>
/// Decides on each request by the access table. <see cref="AllowedRequestForwarder"/> forwards what is allowed; requests for the gateway's
/// endpoints continue to the next middleware.
/// </summary>
internal sealed class RequestDispatcher(
    RequestDelegate next,
    GatewaySettings settings,
    AccessRefusals refusals,
    PasswordSessionRegistry passwordSessions,
    AllowedRequestForwarder allowed,
    DevicePasswordForwarder devices,
    BearerTokenForwarder bearers,
    TokenEndpoint tokenEndpoint,
    FailedCredentials failures,
    SessionRecheck recheck)
{
    private readonly AccessTable _accessTable = new(settings.Paperless.RegularLoginDisabled, settings.Paperless.AccountSignupsAllowed, settings.Apps);

    public Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        Session? session = context.Session();
        AuthorizationScheme scheme = AuthorizationHeader.SchemeOf(request.Headers);
        DeviceRequest? device = scheme == AuthorizationScheme.None ? null : context.Features.Get<DeviceRequest>();
        if (device is not null)
        {
            if (device.Session is null)
            {
                return RefuseDeviceAsync(context, device);
            }

            scheme = device.IsUploadOnly ? AuthorizationScheme.UploadPassword : AuthorizationScheme.DevicePassword;
        }

        bool isPreflight = CorsPreflight.IsAllowed(request, settings.Paperless.CorsOrigins);
        AccessDecision access
            = _accessTable.Decide(request.Method, request.Path.Value!, session is not null, scheme, request.QueryString.Value ?? "", isPreflight);
        if (session is null && context.Features.Get<SessionLookupFailed>() is { } failed && NeedsSession(request, access))
        {
            return refusals.RefuseWithoutStoreAsync(context, failed);
        }

        if (access == AccessDecision.WithDevicePassword)
        {
            return devices.ForwardAsync(context, device!);
        }

        if (access == AccessDecision.WithBearerToken)
        {
            return bearers.ForwardAsync(context);
        }

        if (access == AccessDecision.TokenForPassword)
        {
            return AnswerTokenAsync(context);
        }

        if (access == AccessDecision.WithIdentity && IsRecheckDue(request, session!))
        {
            return RecheckAsync(context, session!);
        }

        if (session is null && MayHavePasswordSession(request, access) && passwordSessions.CookieOf(context) is { } cookie)
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

        return access == AccessDecision.GatewayEndpoint && !AccessTable.IsSignOut(request.Path.Value!) && !PageAssets.IsAsset(request.Path);
    }

    /// <summary>Only a navigation can make a round trip to the provider; the account at Paperless is checked on any request.</summary>
    private static bool IsRecheckDue(HttpRequest request, Session session) =>
        session.IsAccountCheckDue || session.IsHeldBack
        || (session.IsRecheckDue && !session.NeedsRoundTrip) || (session.IsRoundTripDue && request.IsNavigation());

    private static bool MayHavePasswordSession(HttpRequest request, AccessDecision access) =>
        (access is AccessDecision.GatewayEndpoint or AccessDecision.SignInFirst && !PageAssets.IsAsset(request.Path))
        || (access == AccessDecision.Public && AccessTable.IsSchema(request.Path.Value!));

    private Task RefuseDeviceAsync(HttpContext context, DeviceRequest device)
    {
        if (device.StoreFailure is { } reason)
        {
            return refusals.RefuseWithoutStoreAsync(context, new SessionLookupFailed(device.Secret.Key(), reason));
        }

        CredentialKey sent = CredentialKey.From(context.Request.Headers.Authorization.ToString().AsSpan());
        CredentialAttempt wrong = new(ClientAddress.From(context), userName: null, sent, CredentialKind.DevicePassword);
        return failures.RefuseWrongAsync(context, wrong, () => refusals.RefuseDevicePasswordAsync(context));
    }

    private async Task AnswerTokenAsync(HttpContext context)
    {
        if (!await tokenEndpoint.TryAnswerAsync(context))
        {
            await PassAsync(context, AccessDecision.Public);
        }
    }

    /// <summary>The recheck may end the session or change the username.</summary>
    private async Task RecheckAsync(HttpContext context, Session session)
    {
        if (await recheck.AskAsync(context, session))
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
            return next(context);
        }

        bool isSocket = OpenSockets.IsSocketRequest(context);
        if (Refuse(context, access, isSocket) is { } refused)
        {
            return refused;
        }

        if (isSocket)
        {
            SocketOwner owner = passwordCookie is null ? SocketOwner.From(context.Session()!) : SocketOwner.FromPasswordSession(passwordCookie);
            return allowed.ForwardSocketAsync(context, access, owner);
        }

        return allowed.ForwardAsync(context, access);
    }

    /// <returns>The task of the refusal; null where the request may be forwarded.</returns>
    private Task? Refuse(HttpContext context, AccessDecision access, bool isSocket)
    {
        if (access is AccessDecision.SignInFirst or AccessDecision.CredentialRefused or AccessDecision.DevicePasswordRefused
            or AccessDecision.BearerTokenRefused or AccessDecision.Closed or AccessDecision.NotFound)
        {
            return refusals.RefuseAsync(context, access);
        }

        // A WebSocket needs a session, because the end of the session closes it.
        bool isPublic = access is AccessDecision.Public or AccessDecision.AccountPages;
        if (isSocket && (isPublic || access == AccessDecision.WithCredential))
        {
            return refusals.RefuseAsync(context, AccessDecision.SignInFirst);
        }

        bool isChange = isSocket || !CrossSiteGuard.IsSafe(context.Request.Method);
        bool takesCookies = access is AccessDecision.WithIdentity or AccessDecision.WithPasswordSession or AccessDecision.AccountPages;
        if (isChange && takesCookies && !CrossSiteGuard.IsSameOrigin(context.Request, settings.Public))
        {
            return refusals.RefuseCrossSiteAsync(context);
        }

        // Without a session or a credential, the body may only be a form.
        if (isPublic && (context.Request.ContentLength > ChunkedBodyBuffer.MaxAnonymousBytes || (!isChange && BodyLimits.HasBody(context))))
        {
            return refusals.RefuseLargeBodyAsync(context);
        }

        return null;
    }

    /// <summary>Handles a request without a session of the gateway, but with Paperless's session cookie.</summary>
    private async Task PassPasswordSessionAsync(HttpContext context, AccessDecision access, string cookie)
    {
        PasswordSessionResult result = await passwordSessions.FindAsync(cookie, context.RequestAborted);
        context.Features.Set<PasswordSessionResult>(result);
        if (access == AccessDecision.GatewayEndpoint && !PagesFeature.IsAboutSessions(context.Request.Path))
        {
            await PassAsync(context, access);
            if (result.Session is not null && context.Session() is not null)
            {
                // The request signed in by single sign-on: that session replaces the password session.
                await passwordSessions.EndAsync(context, PasswordSessionEnd.Replaced);
            }

            return;
        }

        switch (result.Status)
        {
            case PasswordSessionStatus.Unknown:
                await refusals.RefuseWithoutPaperlessAsync(context, result.Failure!);
                return;

            case PasswordSessionStatus.PermissionMissing:
                await refusals.RefuseWithoutPermissionAsync(context);
                return;

            case PasswordSessionStatus.SignedIn when access != AccessDecision.GatewayEndpoint:
                access = AccessDecision.WithPasswordSession;
                break;
        }

        await PassAsync(context, access, cookie);
    }
}
