using OpenIddict.Server;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Deletes the token that a client gives back (RFC 7009).</summary>
internal sealed class RevokeToken(DevelopmentProvider provider) : IOpenIddictServerHandler<HandleRevocationRequestContext>
{
    public ValueTask HandleAsync(HandleRevocationRequestContext context)
    {
        provider.Tokens.Delete(context.Request.Token!);
        return ValueTask.CompletedTask;
    }
}
