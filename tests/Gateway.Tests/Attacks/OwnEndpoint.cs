using Gateway.Profile;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;

namespace Gateway.Tests.Attacks;

/// <summary>An address at which the gateway itself answers.</summary>
/// <param name="Pattern">With `{parameters}`.</param>
/// <param name="Methods">None: any.</param>
internal sealed record OwnEndpoint(string Pattern, IReadOnlyList<string> Methods)
{
    /// <summary>All of them, from where ASP.NET Core itself finds them: a new one is among them by itself.</summary>
    public static async Task<IReadOnlyList<OwnEndpoint>> AllAsync(World world)
    {
        IServiceProvider services = world.Gateway.Services;
        List<OwnEndpoint> all = [.. services.GetRequiredService<EndpointDataSource>().Endpoints
            .OfType<RouteEndpoint>()
            .Select(endpoint => new OwnEndpoint(
                "/" + endpoint.RoutePattern.RawText!.TrimStart('/').Replace("{**path}", "gateway/{path}", StringComparison.Ordinal),
                endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []))];
        IOptionsMonitor<OpenIdConnectOptions> options = services.GetRequiredService<IOptionsMonitor<OpenIdConnectOptions>>();
        foreach (AuthenticationScheme scheme in await services.GetRequiredService<IAuthenticationSchemeProvider>().GetRequestHandlerSchemesAsync())
        {
            all.Add(new OwnEndpoint(options.Get(scheme.Name).CallbackPath.Value!, ["GET"]));
        }

        // Answered on the way to Paperless.
        all.Add(new OwnEndpoint(ProfileRequests.DisconnectPath, ["POST"]));
        return all;
    }
}
