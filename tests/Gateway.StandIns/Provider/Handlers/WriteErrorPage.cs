using Gateway.StandIns.Provider.Pages;
using Microsoft.AspNetCore;
using OpenIddict.Server;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Shows what cannot be redirected as a page of the provider's own, with status 400.</summary>
internal sealed class WriteErrorPage
    : IOpenIddictServerHandler<ApplyAuthorizationResponseContext>, IOpenIddictServerHandler<ApplyEndSessionResponseContext>
{
    public ValueTask HandleAsync(ApplyAuthorizationResponseContext context) => WriteAsync(context, context.Response.ErrorDescription);

    public ValueTask HandleAsync(ApplyEndSessionResponseContext context) => WriteAsync(context, context.Response.ErrorDescription);

    private static async ValueTask WriteAsync(BaseRequestContext context, string? reason)
    {
        HttpContext http = context.Transaction.GetHttpRequest()!.HttpContext;
        await ProviderPages.BadRequest(reason ?? "The request is invalid.").ExecuteAsync(http);
        context.HandleRequest();
    }
}
