using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Lets an error go back to the application once its redirect URI is known to be good; OpenIddict would show it here.</summary>
internal sealed class RedirectErrors : IOpenIddictServerHandler<ApplyAuthorizationResponseContext>
{
    public ValueTask HandleAsync(ApplyAuthorizationResponseContext context)
    {
        if (context.Transaction.Properties.TryGetValue(ValidateApplication.RedirectUri, out object? uri))
        {
            context.RedirectUri = (string?)uri;
            context.ResponseMode ??= ResponseModes.Query;
        }

        return ValueTask.CompletedTask;
    }
}
