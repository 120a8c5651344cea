using Microsoft.AspNetCore;
using OpenIddict.Server;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Answers every token error with 400, as authentik does: <c>invalid_client</c> too, and with no challenge.</summary>
internal sealed class ShapeTokenResponse(DevelopmentProvider provider) : IOpenIddictServerHandler<ApplyTokenResponseContext>
{
    public ValueTask HandleAsync(ApplyTokenResponseContext context)
    {
        if (string.IsNullOrEmpty(context.Error))
        {
            // OpenIddict subtracts the time that has passed since the token was made.
            context.Response.ExpiresIn = (long)provider.Options.AccessTokenLifetime.TotalSeconds;
        }
        else
        {
            context.Transaction.GetHttpRequest()!.HttpContext.Response.StatusCode = StatusCodes.Status400BadRequest;
            context.Response.ErrorUri = null;
        }

        return ValueTask.CompletedTask;
    }
}
