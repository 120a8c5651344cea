using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Gateway.Access;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Forwarding;

/// <summary>Makes the request to Paperless from the browser's, and the answer to the browser from Paperless's; one for each kind of access.</summary>
internal sealed class PaperlessTransformer(
    GatewaySettings settings,
    RequestHeaderFilter hygiene,
    PaperlessCookies cookies,
    PasswordSessionRegistry locals,
    AccessDecision access) : HttpTransformer
{
    private static readonly ConditionalWeakTable<IPAddress, string> AsIPv4 = [];

    private readonly bool _withIdentity = access == AccessDecision.WithIdentity;
    private readonly bool _withCookies = access is AccessDecision.WithIdentity or AccessDecision.WithPasswordSession or AccessDecision.AccountPages;
    private readonly bool _withLocalSession = access == AccessDecision.WithPasswordSession;
    private readonly bool _withCredential = access == AccessDecision.WithCredential;

    /// <summary>What the answer depends on besides its address; null where it is the same for everybody.</summary>
    private readonly string? _variesBy = access switch
    {
        AccessDecision.WithIdentity or AccessDecision.WithPasswordSession or AccessDecision.AccountPages => "Cookie",
        AccessDecision.WithCredential => "Authorization",
        _ => null,
    };

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext,
        HttpRequestMessage proxyRequest,
        string destinationPrefix,
        CancellationToken cancellationToken)
    {
        HttpRequest request = httpContext.Request;
        Session? session = _withIdentity ? httpContext.Session() : null;
        proxyRequest.RequestUri = Target(httpContext, destinationPrefix);
        CopyHeaders(request, proxyRequest);

        if (_withCookies && cookies.ForPaperless(request.Headers.Cookie, session) is { } cookie)
        {
            proxyRequest.Headers.TryAddWithoutValidation("Cookie", cookie);
        }

        if (_withCredential)
        {
            proxyRequest.Headers.TryAddWithoutValidation("Authorization", (string?)request.Headers.Authorization);
        }

        // Set after everything that was copied: there is exactly one, or none.
        if (session is not null)
        {
            proxyRequest.Headers.TryAddWithoutValidation(settings.Paperless.UserHeader, (string)session.UserHeader!);
        }

        proxyRequest.Headers.Host = (string?)request.Headers.Host;
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-For", ClientAddress(httpContext));
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Host", (string?)request.Headers.Host);
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Proto", settings.Public.Scheme);
        return default;
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext,
        HttpResponseMessage? proxyResponse,
        CancellationToken cancellationToken)
    {
        httpContext.Features.Get<UpstreamTiming>()?.Answered();
        bool copyBody = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        IHeaderDictionary headers = httpContext.Response.Headers;
        if (headers.SetCookie is { Count: > 0 } set)
        {
            headers.SetCookie = _withCookies
                ? new StringValues([.. set.Select(cookie => cookies.ForBrowser(cookie!, _withIdentity ? httpContext.Session() : null))])
                : default;
        }

        if (_withLocalSession && httpContext.PasswordSession() is { } local && IsNobodys(httpContext.Response))
        {
            locals.Doubt(local);
        }

        if (_variesBy is not null && proxyResponse is not null && proxyResponse.StatusCode != HttpStatusCode.SwitchingProtocols)
        {
            PrivateCaching.Apply(headers, proxyResponse.Headers.NonValidated, _variesBy);

            // A document of somebody's must not come back by the back button after the logout.
            if (_withCookies && headers.ContentType is { Count: 1 } type && type[0]!.StartsWith("text/html", StringComparison.OrdinalIgnoreCase))
            {
                headers.CacheControl = PrivateCaching.NoStore;
            }
        }

        return copyBody;
    }

    /// <summary>Whether Paperless asks for a sign-in, which the gateway's own page must not answer with "signed in already".</summary>
    private static bool IsNobodys(HttpResponse response) =>
        response.StatusCode == StatusCodes.Status401Unauthorized
        || (response.StatusCode is >= 300 and < 400 && response.Headers.Location.ToString().Contains("/accounts/login/", StringComparison.Ordinal));

    /// <summary>The request target as it came: what was decided on is what is sent.</summary>
    private static Uri Target(HttpContext context, string destinationPrefix)
    {
        string rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        UriCreationOptions asItIs = new() { DangerousDisablePathAndQueryCanonicalization = true };
        return new Uri(string.Concat(destinationPrefix.AsSpan().TrimEnd('/'), rawTarget), in asItIs);
    }

    private void CopyHeaders(HttpRequest request, HttpRequestMessage proxyRequest)
    {
        HashSet<string>? listed = RequestHeaderFilter.ListedInConnection(request.Headers);
        foreach ((string name, StringValues values) in request.Headers)
        {
            if (hygiene.IsDropped(name) || listed?.Contains(name) == true)
            {
                continue;
            }

            // `Content-Type` and the like belong to a body in .NET; where there is none, they say nothing, and YARP takes no body of ours.
            if (!TryAdd(proxyRequest.Headers, name, values) && proxyRequest.Content is { } content)
            {
                TryAdd(content.Headers, name, values);
            }
        }
    }

    /// <summary>Almost every header has one value, which needs no box around it.</summary>
    private static bool TryAdd(HttpHeaders headers, string name, StringValues values) =>
        values.Count == 1 ? headers.TryAddWithoutValidation(name, (string?)values) : headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);

    /// <summary>The text of a mapped address is made once for each connection: all requests of a connection share one address object.</summary>
    private static string ClientAddress(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address)
        {
            return "unknown";
        }

        return address.IsIPv4MappedToIPv6 ? AsIPv4.GetValue(address, mapped => mapped.MapToIPv4().ToString()) : address.ToString();
    }
}
