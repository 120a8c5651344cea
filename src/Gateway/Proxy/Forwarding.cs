using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Gateway.Proxy;

/// <summary>Decides on each request, and streams to Paperless what may go there. The gateway's own endpoints come after it.</summary>
internal sealed class Forwarding
{
    private readonly RequestDelegate _next;
    private readonly GatewaySettings _settings;
    private readonly AccessRule _rule;
    private readonly AccessRefusals _refusals;
    private readonly LocalSessions _locals;
    private readonly OpenSockets _sockets;
    private readonly UnsizedBody _unsized;
    private readonly CredentialCheck _credentials;
    private readonly ForwardingToPaperless _forwarding;
    private readonly StaticFiles _statics;
    private readonly ForwardingTimes _times;
    private readonly TimeProvider _time;
    private readonly ProfileAdditions _profile;
    private readonly SessionRecheck _recheck;
    private readonly PaperlessTransformer[] _transformers;

    public Forwarding(
        RequestDelegate next,
        GatewaySettings settings,
        AccessRefusals refusals,
        LocalSessions locals,
        OpenSockets sockets,
        UnsizedBody unsized,
        CredentialCheck credentials,
        ForwardingToPaperless forwarding,
        StaticFiles statics,
        ForwardingTimes times,
        TimeProvider time,
        RequestHygiene hygiene,
        PaperlessCookies cookies,
        ProfileAdditions profile,
        SessionRecheck recheck)
    {
        _next = next;
        _settings = settings;
        _refusals = refusals;
        _locals = locals;
        _sockets = sockets;
        _unsized = unsized;
        _credentials = credentials;
        _forwarding = forwarding;
        _statics = statics;
        _times = times;
        _time = time;
        _profile = profile;
        _recheck = recheck;
        _rule = new AccessRule(settings.Paperless.RegularLoginDisabled, settings.Paperless.AccountSignupsAllowed);
        _transformers = [.. Enum.GetValues<Access>().Select(access => new PaperlessTransformer(settings, hygiene, cookies, locals, access))];
    }

    public Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        Session? session = context.Session();
        Access access = _rule.Decide(request.Method, request.Path.Value!, session is not null, RequestHygiene.CredentialOf(request.Headers), request.QueryString.Value ?? "");
        if (session is null && context.Features.Get<SessionsAway>() is { } away && (access == Access.SignInFirst || IsAboutSession(request, access)))
        {
            return _refusals.SessionsAwayAsync(context, away);
        }

        if (access == Access.WithIdentity && (session!.IsAccountCheckDue || (session.IsRecheckDue && (!session.NeedsRoundTrip || request.IsNavigation()))))
        {
            return RecheckAsync(context, session);
        }

        bool mayBeLocal = session is null && access is Access.Own or Access.SignInFirst && request.Path != Stylesheet.Path;
        return mayBeLocal && _locals.CookieOf(context) is { } cookie
            ? PassLocalAsync(context, access, cookie)
            : PassAsync(context, access);
    }

    /// <summary>What the gateway answers by who is signed in; signing out works without knowing, and the style sheet is for everybody.</summary>
    private static bool IsAboutSession(HttpRequest request, Access access) =>
        access == Access.Own && !AccessRule.IsSignOut(request.Path.Value!) && request.Path != Stylesheet.Path;

    /// <summary>By the answer of the provider, or of Paperless, the session may be over, or be another user's name.</summary>
    private async Task RecheckAsync(HttpContext context, Session session)
    {
        if (await _recheck.AskAsync(context, session))
        {
            await (context.Session() is null ? InvokeAsync(context) : PassAsync(context, Access.WithIdentity));
        }
    }

    private Task PassAsync(HttpContext context, Access access, string? localCookie = null)
    {
        HttpRequest request = context.Request;
        bool socket = OpenSockets.IsSocketRequest(context);
        switch (access)
        {
            case Access.Own:
                BodyLimits.Set(context, BodyLimits.Own);
                return _next(context);

            case Access.WithIdentity or Access.WithLocalSession:
                if ((socket || !CrossSiteGuard.IsSafe(request.Method)) && !CrossSiteGuard.IsSameOrigin(request, _settings.Public))
                {
                    return _refusals.CrossSiteAsync(context);
                }

                break;

            // A WebSocket ends with its session: where there is none, there is no WebSocket.
            case Access.Public or Access.AccountPages or Access.WithCredential when socket:
                return _refusals.RefuseAsync(context, Access.SignInFirst);

            // Paperless's cookies go with it, and with them a session of Paperless's own.
            case Access.AccountPages when !CrossSiteGuard.IsSafe(request.Method) && !CrossSiteGuard.IsSameOrigin(request, _settings.Public):
                return _refusals.CrossSiteAsync(context);

            case Access.Public or Access.AccountPages:
                // Nobody has said who they are: a form is taken from them, and no more.
                if (request.ContentLength > UnsizedBody.LargestAnonymous || (CrossSiteGuard.IsSafe(request.Method) && BodyLimits.HasBody(context)))
                {
                    return _refusals.BodyAsync(context);
                }

                break;

            case Access.WithCredential:
                break;

            default:
                return _refusals.RefuseAsync(context, access);
        }

        HttpTransformer transformer = _transformers[(int)access];
        if (!socket && ProfileApi.User(context, access) is { } user)
        {
            if (ProfileApi.IsDisconnect(request))
            {
                return DisconnectAsync(context, user, transformer);
            }

            if (ProfileApi.Completion(request, _profile) is { } completion)
            {
                transformer = new ProfileTransformer(transformer, answer => completion(answer, user));
            }
        }

        if (socket)
        {
            return ForwardSocketAsync(context, localCookie is null ? SocketOwner.Of(context.Session()!) : SocketOwner.OfLocal(localCookie), transformer);
        }

        if (access == Access.Public && StaticFiles.Has(request.Path))
        {
            return _statics.AnswerAsync(context, transformer);
        }

        if (UnsizedBody.IsIn(context))
        {
            return ForwardUnsizedAsync(context, access, transformer);
        }

        // Paperless writes a larger body to its disk before it looks at the credential.
        return access == Access.WithCredential && request.ContentLength > UnsizedBody.LargestAnonymous
            ? ForwardVerifiedAsync(context, transformer)
            : _forwarding.ForwardAsync(context, transformer);
    }

    /// <summary>Where a session is wanted and there is none of the gateway's: it may be one of Paperless's own.</summary>
    private async Task PassLocalAsync(HttpContext context, Access access, string cookie)
    {
        LocalFinding finding = await _locals.FindAsync(cookie, context.RequestAborted);
        context.Features.Set(finding);
        context.Features.Set(finding.Session);
        if (access == Access.Own && !PagesFeature.IsAboutSessions(context.Request.Path))
        {
            await PassAsync(context, access);
            if (finding.Session is not null && context.Session() is not null)
            {
                // Signed in by single sign-on just now: that session alone goes on.
                await _locals.EndAsync(context, LocalSessionEnd.Replaced);
            }

            return;
        }

        switch (finding.Answer)
        {
            case LocalAnswer.Unknown:
                await _refusals.PaperlessAwayAsync(context, ForwarderError.NoAvailableDestinations);
                return;

            case LocalAnswer.Unnamed:
                await _refusals.UnnamedAsync(context);
                return;

            case LocalAnswer.Somebody when access == Access.Own:
                context.Features.Set(SessionView.OfPasswordSignIn(finding.Session!.Username, finding.Session.IsSuperuser, finding.Session.CheckedAt));
                break;

            case LocalAnswer.Somebody:
                access = Access.WithLocalSession;
                break;
        }

        await PassAsync(context, access, cookie);
    }

    private async Task DisconnectAsync(HttpContext context, SignedInUser user, HttpTransformer transformer)
    {
        if (!await _profile.Disconnect(context, user, transformer))
        {
            await _forwarding.ForwardAsync(context, transformer);
        }
    }

    private async Task ForwardSocketAsync(HttpContext context, SocketOwner owner, HttpTransformer transformer)
    {
        using CancellationTokenSource unanswered = new(_times.Answer, _time);
        _sockets.Follow(context, owner, opened: () => unanswered.CancelAfter(Timeout.InfiniteTimeSpan));
        await _forwarding.ForwardSocketAsync(context, transformer, unanswered.Token);
    }

    private async Task ForwardUnsizedAsync(HttpContext context, Access access, HttpTransformer transformer)
    {
        CredentialAnswer answer = await _unsized.TakeInAsync(context, access);
        await (answer == CredentialAnswer.Taken ? _forwarding.ForwardAsync(context, transformer) : _refusals.CredentialAsync(context, answer));
    }

    private async Task ForwardVerifiedAsync(HttpContext context, HttpTransformer transformer)
    {
        CredentialAnswer answer = await _credentials.AskAsync(context);
        await (answer == CredentialAnswer.Taken ? _forwarding.ForwardAsync(context, transformer) : _refusals.CredentialAsync(context, answer));
    }
}

/// <summary>Times of the forwarding; a record of its own so that tests need not wait.</summary>
/// <param name="Answer">How long Paperless may be silent before and within an answer; a bulk download is made in silence.</param>
internal sealed record ForwardingTimes(TimeSpan Answer)
{
    public static readonly ForwardingTimes Default = new(TimeSpan.FromMinutes(5));
}

/// <summary>One request to one replica of Paperless, and to another where the first cannot be reached.</summary>
internal sealed partial class ForwardingToPaperless(
    Upstreams upstreams,
    IHttpForwarder forwarder,
    AccessRefusals refusals,
    ForwardingTimes times,
    ILogger<ForwardingToPaperless> logger)
{
    private readonly ForwarderRequestConfig _ordinary = new()
    {
        ActivityTimeout = times.Answer,
        Version = System.Net.HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    /// <summary>An idle live status is no failure: its WebSocket ends with the session, or at this end of a day.</summary>
    private readonly ForwarderRequestConfig _socket = new()
    {
        ActivityTimeout = TimeSpan.FromDays(1),
        Version = System.Net.HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    public Task ForwardAsync(HttpContext context, HttpTransformer transformer)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true })
        {
            // An offer of another protocol, which the answer may pass over; YARP would pass one on to SPDY.
            context.Features.Set<IHttpUpgradeFeature>(null);
        }

        return ForwardAsync(context, transformer, _ordinary, CancellationToken.None);
    }

    /// <param name="unanswered">Ends the wait for Paperless's answer, and no more once it is there.</param>
    public Task ForwardSocketAsync(HttpContext context, HttpTransformer transformer, CancellationToken unanswered) =>
        ForwardAsync(context, transformer, _socket, unanswered);

    private async Task ForwardAsync(HttpContext context, HttpTransformer transformer, ForwarderRequestConfig config, CancellationToken unanswered)
    {
        context.Features.Get<UpstreamTiming>()?.Sent();
        DestinationState? failed = null;
        while (upstreams.TryPick(failed, out DestinationState? destination))
        {
            ForwarderError error = await forwarder.SendAsync(context, destination.Model.Config.Address, upstreams.Client, config, transformer, unanswered);
            if (error == ForwarderError.None || context.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            Exception? cause = context.Features.Get<IForwarderErrorFeature>()?.Exception;
            ForwardingFailed(destination.DestinationId, error, cause?.GetType().Name, context.TraceIdentifier);
            if (context.Response.HasStarted)
            {
                return;
            }

            bool unreachable = error == ForwarderError.Request || (error == ForwarderError.RequestTimedOut && Upstreams.IsConnectTimeout(cause));
            if (unreachable)
            {
                upstreams.ReportFailure(destination);
            }

            if (failed is not null || !unreachable || !CanBeSentAgain(context.Request))
            {
                await refusals.PaperlessAwayAsync(context, error);
                return;
            }

            failed = destination;
            context.Response.Clear();
        }

        await refusals.PaperlessAwayAsync(context, ForwarderError.NoAvailableDestinations);
    }

    /// <summary>Only what changes nothing and has no body: the replica may have taken it before the connection broke.</summary>
    private static bool CanBeSentAgain(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && request.ContentLength is null or 0;

    [LoggerMessage(EventId = 5001, EventName = "ForwardingFailed", Level = LogLevel.Warning, Message = "Forwarding to {Upstream} failed: {Error} ({Cause}); trace id {TraceId}")]
    private partial void ForwardingFailed(string upstream, ForwarderError error, string? cause, string traceId);
}
