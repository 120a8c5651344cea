using System.Text.Json;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Publishes the provider's own keys in the place of OpenIddict's.</summary>
internal sealed class WriteKeySet(DevelopmentProvider provider) : IOpenIddictServerHandler<ApplyJsonWebKeySetResponseContext>
{
    public ValueTask HandleAsync(ApplyJsonWebKeySetResponseContext context)
    {
        context.Transaction.Response = new OpenIddictResponse(JsonSerializer.SerializeToElement(provider.Keys.KeySet()));
        return ValueTask.CompletedTask;
    }
}
