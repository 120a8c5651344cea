using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Headers;
using Gateway.Access;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.StaticCache;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Forwarding;

/// <summary>
/// Transforms a request for Paperless and Paperless's response for the browser; one instance for each access decision, for WebSockets and for
/// other requests.
/// </summary>
internal sealed class PaperlessTransformer(
    GatewaySettings settings,
    RequestHeaderFilter headerFilter,
    PaperlessCookies cookies,
    PasswordSessionRegistry passwordSessions,
    LoginRedirectResponder loginRedirects,
    AppTokens appTokens,
    CredentialAttempts credentials,
    PaperlessVersion version,
    AccessDecision access,
    bool isSocket) : HttpTransformer
{

    private readonly ImmutableArray<(string Name, string Value)> _schemeHeaders = settings.SchemeHeaders;
    private readonly bool _hasIdentity = access == AccessDecision.WithIdentity;
    private readonly bool _hasCookies = access is AccessDecision.WithIdentity or AccessDecision.WithPasswordSession or AccessDecision.AccountPages;
    private readonly bool _hasPasswordSession = access == AccessDecision.WithPasswordSession;
    private readonly bool _isPublic = access == AccessDecision.Public;
    private readonly bool _mayTryCredential = access is AccessDecision.WithCredential or AccessDecision.AccountPages or AccessDecision.Public;
    private readonly bool _hasCredential = access == AccessDecision.WithCredential;
    private readonly bool _hasUserOfApp = access is AccessDecision.WithDevicePassword or AccessDecision.WithBearerToken;

    /// <summary>The request header on which the response depends; null for public responses.</summary>
    private readonly string? _varyHeader = access switch
    {
        AccessDecision.WithIdentity or AccessDecision.WithPasswordSession or AccessDecision.AccountPages => "Cookie",
        AccessDecision.WithCredential or AccessDecision.WithDevicePassword or AccessDecision.WithBearerToken => "Authorization",
        _ => null,
    };

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext,
        HttpRequestMessage proxyRequest,
        string destinationPrefix,
        CancellationToken cancellationToken)
    {
        HttpRequest request = httpContext.Request;
        Session? session = _hasIdentity ? httpContext.Session() : null;
        proxyRequest.RequestUri = TargetUri(httpContext, destinationPrefix);
        CopyHeaders(request, proxyRequest);

        string? cookie = _hasCookies ? cookies.ForPaperless(request.Headers.Cookie, session) : null;
        if (cookie is not null)
        {
            proxyRequest.Headers.TryAddWithoutValidation("Cookie", cookie);
        }

        if (_hasCredential)
        {
            proxyRequest.Headers.TryAddWithoutValidation("Authorization", (string?)request.Headers.Authorization);
        }

        if (_hasUserOfApp)
        {
            SetUserOfApp(httpContext.Features.GetRequiredFeature<UserOfApp>(), proxyRequest);
        }

        // Set after the copied headers, so that there is at most one user header. A WebSocket's user is that of Paperless's own session, whose
        // cookie is bound to this session: servers of Paperless refuse a handshake with a header outside ASCII.
        if (session is not null && !(isSocket && cookies.FindPaperlessSession(cookie) is not null))
        {
            proxyRequest.Headers.TryAddWithoutValidation(settings.Paperless.UserHeader, (string)session.UserHeader!);
        }

        proxyRequest.Headers.Host = (string?)request.Headers.Host;
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-For", ForwardedFor(httpContext));
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Host", (string?)request.Headers.Host);
        foreach ((string name, string value) in _schemeHeaders)
        {
            proxyRequest.Headers.TryAddWithoutValidation(name, value);
        }

        return default;
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext,
        HttpResponseMessage? proxyResponse,
        CancellationToken cancellationToken)
    {
        httpContext.Features.Get<UpstreamTiming>()?.MarkAnswered();
        if (proxyResponse is not null && (_mayTryCredential || (_hasCookies && PasswordForms.Takes(httpContext, access))))
        {
            await credentials.NoteAnswerAsync(httpContext, proxyResponse, access);
        }

        if ((_hasIdentity || _isPublic) && proxyResponse is not null)
        {
            if (LoginRedirectResponder.IsLoginRedirect(httpContext.Request, proxyResponse))
            {
                await loginRedirects.AnswerAsync(httpContext, _hasIdentity ? httpContext.Session() : null);
                return false;
            }

            if (_hasIdentity)
            {
                loginRedirects.NoteAcceptance(httpContext.Request, proxyResponse);
            }
        }

        if (_hasUserOfApp && isSocket && proxyResponse is not null && proxyResponse.StatusCode != HttpStatusCode.SwitchingProtocols)
        {
            // The answer is one for the user's own session.
            await appTokens.RefuseSocketAsync(httpContext, proxyResponse.StatusCode);
            return false;
        }

        if (_hasUserOfApp && proxyResponse is not null
            && httpContext.Features.Get<UserOfApp>() is { Token: { } token } user
            && await appTokens.IsRefusedAsync(token, proxyResponse, cancellationToken)
            && !await appTokens.SendAgainAsync(httpContext, user, token, proxyResponse))
        {
            return false;
        }

        bool copyBody = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        IHeaderDictionary headers = httpContext.Response.Headers;
        if (headers.SetCookie is { Count: > 0 } setCookies)
        {
            headers.SetCookie = _hasCookies
                ? new StringValues([.. setCookies.Select(cookie => cookies.ForBrowser(cookie!, _hasIdentity ? httpContext.Session() : null))])
                : default;
        }

        if (_hasPasswordSession && httpContext.PasswordSession() is { } passwordSession && IsSignInRequired(httpContext.Response))
        {
            passwordSessions.Invalidate(passwordSession);
        }

        if (_varyHeader is not null && proxyResponse is not null && proxyResponse.StatusCode != HttpStatusCode.SwitchingProtocols)
        {
            PrivateCaching.Apply(headers, proxyResponse.Headers.NonValidated, _varyHeader);

            // After the logout, the back button must not show a page of the session.
            if (_hasCookies && headers.ContentType is { Count: 1 } type && type[0]!.StartsWith("text/html", StringComparison.OrdinalIgnoreCase))
            {
                headers.CacheControl = PrivateCaching.NoStore;
                version.Note(headers);
            }
        }

        if (_hasIdentity)
        {
            ThumbnailLifetime.Apply(httpContext.Request.Path, httpContext.Response);
        }
        else if (_isPublic && httpContext.Response.StatusCode == StatusCodes.Status200OK)
        {
            IconLifetime.Apply(httpContext.Request.Path.Value!, headers);
        }

        return copyBody;
    }

    private void SetUserOfApp(UserOfApp user, HttpRequestMessage proxyRequest)
    {
        if (user.Token is { } token)
        {
            proxyRequest.Headers.TryAddWithoutValidation("Authorization", token.Authorization);
        }
        else if (user.Session is { } own)
        {
            proxyRequest.Headers.TryAddWithoutValidation("Cookie", $"{settings.Paperless.SessionCookie}={own.Value}");
        }
    }

    /// <summary>Whether Paperless requires a sign-in: the password session is over, and the sign-in page must not report "signed in already".</summary>
    private static bool IsSignInRequired(HttpResponse response) =>
        response.StatusCode == StatusCodes.Status401Unauthorized
        || (response.StatusCode is >= 300 and < 400 && response.Headers.Location.ToString().Contains("/accounts/login/", StringComparison.Ordinal));

    /// <summary>The unchanged request target: the access decision was made on the same bytes.</summary>
    private static Uri TargetUri(HttpContext context, string destinationPrefix)
    {
        string rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        UriCreationOptions uncanonicalized = new() { DangerousDisablePathAndQueryCanonicalization = true };
        return new Uri(string.Concat(destinationPrefix.AsSpan().TrimEnd('/'), rawTarget), in uncanonicalized);
    }

    private void CopyHeaders(HttpRequest request, HttpRequestMessage proxyRequest)
    {
        HashSet<string>? connectionHeaders = RequestHeaderFilter.ConnectionHeaders(request.Headers);
        foreach ((string name, StringValues values) in request.Headers)
        {
            if (headerFilter.IsDropped(name) || connectionHeaders?.Contains(name) == true)
            {
                continue;
            }

            // .NET keeps `Content-Type` and similar headers with the content; without a body they are dropped.
            if (!TryAdd(proxyRequest.Headers, name, values) && proxyRequest.Content is { } content)
            {
                TryAdd(content.Headers, name, values);
            }
        }
    }

    /// <summary>Almost every header has one value: the cast to string avoids boxing.</summary>
    private static bool TryAdd(HttpHeaders headers, string name, StringValues values) =>
        values.Count == 1 ? headers.TryAddWithoutValidation(name, (string?)values) : headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);

    private static string ForwardedFor(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address ? RequestOrigin.Format(address) : "unknown";
}
