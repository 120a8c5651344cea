using Gateway.Pages;
using Gateway.Settings;
using Gateway.WebSockets;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Access;

/// <summary>The first two questions to any request: is its target unambiguous, and is it for this host?</summary>
internal sealed class HostAndPathGuard(RequestDelegate next, GatewaySettings settings, PageWriter pages)
{
    private readonly HostString _publicHost = new(settings.Public.Authority);
    private readonly PathString _scriptName = new(settings.ScriptName);
    private readonly AccessTable _rule = new(settings.Paperless.RegularLoginDisabled, settings.Paperless.AccountSignupsAllowed);

    public Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        string rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (PathGuard.Fault(rawTarget) is { } fault)
        {
            return pages.RefuseAsync(context, new Refusal(400, "path_ambiguous", "This address is not clear", $"It is not forwarded because {fault}.")
            {
                Remedy = "Check the address; a link to a document never looks like this.",
            });
        }

        if (HttpMethods.IsTrace(request.Method) || (HttpMethods.IsConnect(request.Method) && !OpenSockets.IsSocketRequest(context)))
        {
            return pages.RefuseAsync(context, new Refusal(405, "method_not_allowed", "Method not allowed", "This method is not forwarded."));
        }

        // As it came, and as it is forwarded; HostString would show `xn--` decoded.
        string? host = request.Headers.Host;
        if (settings.Public.IsHost(host))
        {
            // One spelling for everything after: redirect URIs are built from it, and Paperless refuses a host with ":443".
            request.Host = _publicHost;
        }
        else if (IsForAPerson(request))
        {
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Redirect(settings.Public.Origin + rawTarget);
            return Task.CompletedTask;
        }
        else if (!settings.AllowedHosts.Matches(host))
        {
            return pages.RefuseAsync(context, new Refusal(421, "host_unknown", "Not this host", $"The gateway answers at {settings.Public.Origin}.")
            {
                Remedy = "Use that address, or add the host to PAPERLESS_ALLOWED_HOSTS for clients with an API token.",
                ForTheLog = $"host \"{host}\"",
            });
        }
        else if (!IsAnsweredElsewhere(request))
        {
            string detail = $"Sign-in, sessions and account pages are at {settings.Public.Origin} only.";
            return pages.RefuseAsync(context, new Refusal(421, "host_not_public", "Not at this host", detail)
            {
                Remedy = "Use that address. A client with an API token sends it with each request.",
                ForTheLog = $"host \"{request.Host.Value}\"",
            });
        }
        else
        {
            // No session counts at another host, and nothing behind this door can take one for it.
            request.Headers.Cookie = default;
        }

        request.Scheme = settings.Public.Scheme;
        return _scriptName.HasValue ? BelowScriptNameAsync(context) : next(context);
    }

    private Task BelowScriptNameAsync(HttpContext context)
    {
        if (context.Request.Path.StartsWithSegments(_scriptName, StringComparison.Ordinal, out PathString rest))
        {
            if (rest.HasValue)
            {
                context.Request.PathBase = _scriptName;
                context.Request.Path = rest;
                return next(context);
            }

            return ToFrontPageAsync(context);
        }

        if (context.Request.Path == "/" && HttpMethods.IsGet(context.Request.Method))
        {
            return ToFrontPageAsync(context);
        }

        return pages.RefuseAsync(context, new Refusal(404, "not_found", "Not found", $"Paperless lives under {settings.ScriptName}/ here."));
    }

    private Task ToFrontPageAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Redirect(settings.ScriptName + "/");
        return Task.CompletedTask;
    }

    /// <summary>What one of `PAPERLESS_ALLOWED_HOSTS` is for: a credential of the request's own, and what is everybody's.</summary>
    private bool IsAnsweredElsewhere(HttpRequest request)
    {
        if (!request.Path.StartsWithSegments(_scriptName, StringComparison.Ordinal, out PathString path))
        {
            return false;
        }

        Credential credential = AuthorizationHeader.CredentialOf(request.Headers);
        AccessDecision access = _rule.Decide(request.Method, path.Value ?? "", hasSession: false, credential, request.QueryString.Value ?? "");
        return access is AccessDecision.WithCredential or AccessDecision.CredentialRefused or AccessDecision.Public;
    }

    /// <summary>A person's navigation goes to where its cookies live; a client with its own credentials does not need them.</summary>
    private static bool IsForAPerson(HttpRequest request) =>
        CrossSiteGuard.IsSafe(request.Method) && request.Headers.Authorization.Count == 0 && request.IsNavigation();
}
