using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Refuses an unknown client or redirect URI before anything else is looked at: such a request must never be redirected.</summary>
internal sealed class ValidateApplication(DevelopmentProvider provider)
    : IOpenIddictServerHandler<ValidateAuthorizationRequestContext>
{
    /// <summary>The transaction's property that says that errors may be redirected from here on.</summary>
    public const string RedirectUri = "development_redirect_uri";

    public ValueTask HandleAsync(ValidateAuthorizationRequestContext context)
    {
        bool isApp = context.Request.ClientId is { } client && client == provider.Options.AppClientId;
        IReadOnlyList<string> registered = isApp ? [DevelopmentProviderOptions.AppRedirectUri] : provider.Options.RedirectUris;
        if (!isApp && context.Request.ClientId != provider.Options.ClientId)
        {
            context.Reject(Errors.InvalidClient, "The client identifier (client_id) is missing or invalid.");
        }
        else if (context.Request.RedirectUri is not { } uri || !registered.Contains(uri, StringComparer.Ordinal))
        {
            context.Reject(Errors.InvalidRequest, "The request fails due to a missing, invalid, or mismatching redirection URI (redirect_uri).");
        }
        else
        {
            context.Transaction.Properties[RedirectUri] = uri;
        }

        return ValueTask.CompletedTask;
    }
}
