using Gateway.Pages;
using Gateway.Settings;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.Access;

/// <summary>
/// Leads plain requests for the public address to https where this process itself has an https port. Behind a proxy that ends TLS, plain requests are
/// the rule. A request that may carry a secret is refused in place of redirected: it has already crossed the network in clear, and whoever sent it should
/// notice.
/// </summary>
internal sealed class HttpsRedirect(
    RequestDelegate next,
    GatewaySettings settings,
    IServer server,
    IHostApplicationLifetime lifetime,
    PageWriter pages)
{
    private readonly Lazy<bool> _servesHttps = new(() => server.Features.Get<IServerAddressesFeature>()?.Addresses
        .Any(address => address.StartsWith(Uri.UriSchemeHttps + "://", StringComparison.OrdinalIgnoreCase)) == true);

    public Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (request.IsHttps || !settings.Public.IsHost(request.Headers.Host) || !ServesHttps() || ComesFromProxy(context))
        {
            return next(context);
        }

        string rawTarget = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (PathGuard.FindError(rawTarget) is not null)
        {
            // Refused by the guard of the path.
            return next(context);
        }

        if (!(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) || request.Headers.Authorization.Count > 0)
        {
            return RefuseAsync(context);
        }

        context.Response.Headers.CacheControl = "no-store";
        context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
        context.Response.Headers.Location = settings.Public.Origin + rawTarget;
        return Task.CompletedTask;
    }

    /// <summary>The ports are known once the gateway has started.</summary>
    private bool ServesHttps() => lifetime.ApplicationStarted.IsCancellationRequested && _servesHttps.Value;

    /// <summary>The header gives no access: a client that sends it is served as behind a proxy that nobody has named.</summary>
    private bool ComesFromProxy(HttpContext context) =>
        settings.IsTrustedProxy(context.Connection.RemoteIpAddress) || context.Request.Headers["X-Forwarded-Proto"] == Uri.UriSchemeHttps;

    private Task RefuseAsync(HttpContext context)
    {
        PageText detail = $"This request came without encryption. The gateway answers it at {settings.Public.Origin} only.";
        return pages.RefuseAsync(context, new Refusal(403, "https_required", "Encryption is required", detail)
        {
            Remedy = "Use this address. If you sent a password or a token, change it: it crossed the network unencrypted.",
        });
    }
}
