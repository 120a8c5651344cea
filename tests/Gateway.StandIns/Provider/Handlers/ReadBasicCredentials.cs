using System.Net.Http.Headers;
using Microsoft.AspNetCore;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Reads a client's Basic credentials literally, as authentik did before 2026.2.2, or percent-decoded, as RFC 6749 has it.</summary>
internal sealed class ReadBasicCredentials<TContext>(DevelopmentProvider provider) : IOpenIddictServerHandler<TContext>
    where TContext : BaseValidatingContext
{
    public ValueTask HandleAsync(TContext context)
    {
        string? header = context.Transaction.GetHttpRequest()?.Headers.Authorization;
        if (!AuthenticationHeaderValue.TryParse(header, out AuthenticationHeaderValue? value)
            || !"Basic".Equals(value.Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return ValueTask.CompletedTask;
        }

        if (ClientProof.DecodeBasic(provider.Options, value.Parameter) is not [var client, var secret])
        {
            context.Reject(Errors.InvalidClient, "The Basic credentials cannot be read.");
            return ValueTask.CompletedTask;
        }

        OpenIddictRequest request = context.Transaction.Request!;
        (request.ClientId, request.ClientSecret) = (client, secret);
        return ValueTask.CompletedTask;
    }
}
