using Gateway.Pages;
using Gateway.Settings;
using Gateway.WebSockets;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Access;

/// <summary>Refuses requests whose target is ambiguous or whose host the gateway does not serve.</summary>
internal sealed class HostAndPathGuard(RequestDelegate next, GatewaySettings settings, PublicHostRedirect publicHost, PageWriter pages)
{
    private readonly HostString _publicHost = new(settings.Public.Authority);
    private readonly PathString _scriptName = new(settings.ScriptName);
    private readonly AccessTable _accessTable = new(settings.Paperless.RegularLoginDisabled, settings.Paperless.AccountSignupsAllowed, settings.Apps);

    public Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        string rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (PathGuard.FindError(rawTarget) is { } error)
        {
            PageText detail = $"The gateway does not forward this request because {error}.";
            return pages.RefuseAsync(context, new Refusal(400, "path_ambiguous", "Malformed address", detail)
            {
                Remedy = "Check the address. No link of Paperless looks like this.",
            });
        }

        if (HttpMethods.IsTrace(request.Method) || (HttpMethods.IsConnect(request.Method) && !OpenSockets.IsSocketRequest(context)))
        {
            return pages.RefuseAsync(context, new Refusal(405, "method_not_allowed", "Method not allowed", "The gateway does not forward this method."));
        }

        // The header as received and forwarded; HostString would decode `xn--`.
        string? host = request.Headers.Host;
        if (settings.Public.IsHost(host))
        {
            // Redirect URIs are built from the host, and Paperless refuses a host with ":443": normalise the spelling.
            request.Host = _publicHost;
        }
        else if (IsNavigationWithoutCredential(request))
        {
            return publicHost.RedirectAsync(context);
        }
        else if (IsAssetOfRefusal(request))
        {
            // The refusals of this guard are shown at any host.
            request.Headers.Cookie = default;
        }
        else if (!settings.AllowedHosts.Matches(host))
        {
            return pages.RefuseAsync(context, new Refusal(421, "host_unknown", "Unknown host", $"The gateway answers at {settings.Public.Origin}.")
            {
                Remedy = "Use this address.",
                ForTheOperator = $"The request names the host \"{AccessRefusals.ForLog(host)}\". Clients with an API token may use it if "
                    + "PAPERLESS_ALLOWED_HOSTS has it.",
            });
        }
        else if (!IsAllowedAtOtherHosts(request))
        {
            PageText detail = $"Sign-in, sessions and account pages are available at {settings.Public.Origin} only.";
            return pages.RefuseAsync(context, new Refusal(421, "host_not_public", "Not available at this host", detail)
            {
                Remedy = "Use this address. A client with an API token sends the token with each request.",
                ForTheOperator = $"The request names the host \"{AccessRefusals.ForLog(request.Host.Value)}\".",
            });
        }
        else
        {
            // Sessions are valid at the public host only; without cookies, no later middleware can accept one here.
            request.Headers.Cookie = default;
        }

        request.Scheme = settings.Public.Scheme;
        return _scriptName.HasValue ? RemoveScriptNameAsync(context) : next(context);
    }

    private Task RemoveScriptNameAsync(HttpContext context)
    {
        if (context.Request.Path.StartsWithSegments(_scriptName, StringComparison.Ordinal, out PathString rest))
        {
            if (rest.HasValue)
            {
                context.Request.PathBase = _scriptName;
                context.Request.Path = rest;
                return next(context);
            }

            return RedirectToFrontPageAsync(context);
        }

        if (context.Request.Path == "/" && HttpMethods.IsGet(context.Request.Method))
        {
            return RedirectToFrontPageAsync(context);
        }

        if (IsRootPathOfPaperless(context.Request))
        {
            return RedirectAsync(context, settings.ScriptName + context.Request.Path.Value + context.Request.QueryString.Value);
        }

        return pages.RefuseAsync(context, new Refusal(404, "not_found", "Not found", $"Paperless is at {settings.ScriptName}/.")
        {
            Level = LogLevel.Information,
        });
    }

    private Task RedirectToFrontPageAsync(HttpContext context) => RedirectAsync(context, settings.ScriptName + "/");

    private static Task RedirectAsync(HttpContext context, string location)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Redirect(location);
        return Task.CompletedTask;
    }

    /// <summary>
    /// Paperless omits the script name after a password change (`/accounts/logout/?next=…`) and at an unknown share link
    /// (`/accounts/login/?sharelink_notfound=1`).
    /// </summary>
    private static bool IsRootPathOfPaperless(HttpRequest request) =>
        CrossSiteGuard.IsSafe(request.Method)
        && (PathPattern.IsPage(request.Path.Value!, "/accounts/logout") || PathPattern.IsPage(request.Path.Value!, "/accounts/login"));

    /// <summary>Hosts of `PAPERLESS_ALLOWED_HOSTS` serve requests with a credential and public paths only.</summary>
    private bool IsAllowedAtOtherHosts(HttpRequest request)
    {
        if (!request.Path.StartsWithSegments(_scriptName, StringComparison.Ordinal, out PathString path))
        {
            return false;
        }

        AuthorizationScheme scheme = AuthorizationHeader.SchemeOf(request.Headers);
        bool isPreflight = CorsPreflight.IsAllowed(request, settings.Paperless.CorsOrigins);
        AccessDecision access
            = _accessTable.Decide(request.Method, path.Value ?? "", hasSession: false, scheme, request.QueryString.Value ?? "", isPreflight);
        return access is AccessDecision.WithCredential or AccessDecision.CredentialRefused or AccessDecision.Public or AccessDecision.TokenForPassword
            or AccessDecision.WithBearerToken or AccessDecision.BearerTokenRefused;
    }

    private bool IsAssetOfRefusal(HttpRequest request) => CrossSiteGuard.IsSafe(request.Method)
        && (request.Path.Value == settings.ScriptName + PageAssets.Stylesheet.Path || request.Path.Value == settings.ScriptName + PageAssets.Icon.Path);

    /// <summary>Navigations are redirected to the public host, where their cookies are valid; a client with a credential needs no cookies.</summary>
    private static bool IsNavigationWithoutCredential(HttpRequest request) =>
        CrossSiteGuard.IsSafe(request.Method) && request.Headers.Authorization.Count == 0 && request.IsNavigation();
}
