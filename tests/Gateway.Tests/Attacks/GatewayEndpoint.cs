using Gateway.Profile;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;

namespace Gateway.Tests.Attacks;

/// <summary>An endpoint of the gateway itself.</summary>
/// <param name="Pattern">With `{parameters}`.</param>
/// <param name="Methods">None: any.</param>
internal sealed record GatewayEndpoint(string Pattern, IReadOnlyList<string> Methods)
{
    /// <summary>All endpoints, read from ASP.NET Core, so that a new one is included automatically.</summary>
    public static async Task<IReadOnlyList<GatewayEndpoint>> AllAsync(World world)
    {
        IServiceProvider services = world.Gateway.Services;
        List<GatewayEndpoint> all = [.. services.GetRequiredService<EndpointDataSource>().Endpoints
            .OfType<RouteEndpoint>()
            .Select(endpoint => new GatewayEndpoint(
                "/" + endpoint.RoutePattern.RawText!.TrimStart('/').Replace("{**path}", "gateway/{path}", StringComparison.Ordinal),
                endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []))];
        IOptionsMonitor<OpenIdConnectOptions> options = services.GetRequiredService<IOptionsMonitor<OpenIdConnectOptions>>();
        foreach (AuthenticationScheme scheme in await services.GetRequiredService<IAuthenticationSchemeProvider>().GetRequestHandlerSchemesAsync())
        {
            all.Add(new GatewayEndpoint(options.Get(scheme.Name).CallbackPath.Value!, ["GET"]));
        }

        // Answered on the way to Paperless.
        all.Add(new GatewayEndpoint(ProfileRequests.DisconnectPath, ["POST"]));
        return all;
    }
}
