using Microsoft.AspNetCore;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Checks the client's identifier and secret before its code or token is looked at.</summary>
internal sealed class AuthenticateClient<TContext>(DevelopmentProvider provider) : IOpenIddictServerHandler<TContext>
    where TContext : BaseValidatingContext
{
    public ValueTask HandleAsync(TContext context)
    {
        if (context.EndpointType is OpenIddictServerEndpointType.Token && provider.TakeTokenError() is { } error)
        {
            context.Reject(error.Error, error.Description);
        }
        else if (provider.Options.RefreshError is { } refused && context.Transaction.Request!.IsRefreshTokenGrantType())
        {
            context.Reject(refused, "This client may not refresh.");
        }
        else if (!IsAuthentic(context))
        {
            context.Reject(Errors.InvalidClient, "Client authentication failed (e.g., unknown client, no client authentication included, "
                + "or unsupported authentication method)");
        }

        return ValueTask.CompletedTask;
    }

    private bool IsAuthentic(TContext context)
    {
        OpenIddictRequest request = context.Transaction.Request!;
        HttpRequest http = context.Transaction.GetHttpRequest()!;
        ClientProof proof = new(request.ClientId, request.ClientSecret, IsBasic: http.Headers.Authorization.Count > 0)
        {
            Assertion = request.ClientAssertion,
            AssertionType = request.ClientAssertionType,
        };

        // It is checked here: OpenIddict would look for the client in a store.
        (request.ClientAssertion, request.ClientAssertionType) = (null, null);
        return ClientProof.IsValid(provider, proof, new Uri($"{http.Scheme}://{http.Host}{http.Path}"));
    }
}
