using Microsoft.AspNetCore;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Gateway.StandIns.Provider.Handlers;

/// <summary>Puts <c>iss</c> into authorization responses (RFC 9207), as the options have it.</summary>
internal sealed class NameIssuer(DevelopmentProvider provider) : IOpenIddictServerHandler<ApplyAuthorizationResponseContext>
{
    public ValueTask HandleAsync(ApplyAuthorizationResponseContext context)
    {
        bool isError = !string.IsNullOrEmpty(context.Error);
        if (provider.Options.IssuerInAnswers == IssuerInAnswers.All || (provider.Options.IssuerInAnswers == IssuerInAnswers.CodesOnly && !isError))
        {
            HttpRequest request = context.Transaction.GetHttpRequest()!;
            context.Response.SetParameter(Parameters.Iss, provider.IssuerAt(new Uri($"{request.Scheme}://{request.Host}/")));
        }

        return ValueTask.CompletedTask;
    }
}
