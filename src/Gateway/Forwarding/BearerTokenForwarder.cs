using Gateway.Access;
using Gateway.Apps;
using Gateway.Paperless;
using Gateway.Sessions;
using Gateway.WebSockets;

namespace Gateway.Forwarding;

/// <summary>Forwards the request of a provider's access token in the name of its user, as <see cref="DevicePasswordForwarder"/> does.</summary>
internal sealed class BearerTokenForwarder(BearerTokens bearers, AppTokens tokens, DevicePasswordForwarder devices, AccessRefusals refusals)
{
    public Task ForwardAsync(HttpContext context)
    {
        if (OpenSockets.IsSocketRequest(context))
        {
            return refusals.RefuseAsync(context, AccessDecision.SignInFirst);
        }

        string token = AuthorizationHeader.WordOf(context.Request.Headers);
        return bearers.Find(token) is { } identity && tokens.FindKnown(identity) is { } own
            ? ForwardAsync(context, token, identity, own)
            : PrepareAndForwardAsync(context, token);
    }

    private async Task PrepareAndForwardAsync(HttpContext context, string token)
    {
        if (await tokens.FindAsync(context, token) is var (identity, own))
        {
            await ForwardAsync(context, token, identity, own);
        }
    }

    private Task ForwardAsync(HttpContext context, string token, Identity identity, UserApiToken own)
    {
        context.Features.Set(new BearerIdentity(identity));
        return devices.ForwardAsync(context, new UserOfApp(Device: null, own) { BearerToken = token }, AccessDecision.WithBearerToken);
    }
}
