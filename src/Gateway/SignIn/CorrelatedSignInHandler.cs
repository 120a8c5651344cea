using System.Text.Encodings.Web;
using Gateway.Providers;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;

namespace Gateway.SignIn;

/// <summary>ASP.NET Core's OpenID Connect handler, whose round trips are bound to the browser by <see cref="CorrelationCookies"/>.</summary>
/// <remarks>Its own two cookies for each round trip have random names, so that nothing bounds them.</remarks>
internal sealed class CorrelatedSignInHandler(
    IOptionsMonitor<OpenIdConnectOptions> options,
    ILoggerFactory logger,
    HtmlEncoder html,
    UrlEncoder encoder,
    CorrelationCookies cookies,
    TimeProvider time) : OpenIdConnectHandler(options, logger, html, encoder)
{
    private const string State = "correlation";

    private static readonly BadHttpRequestException NotGet = new("The provider's answer comes with GET.", StatusCodes.Status405MethodNotAllowed);

    /// <summary>A provider that refuses the pushed authorization request fails like one that answers the browser with an error.</summary>
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        try
        {
            await base.HandleChallengeAsync(properties);
        }
        catch (Exception failure) when (failure is ProviderRefusedException or ProviderUnavailableException or ProviderMistakeException)
        {
            await Events.RemoteFailure(new RemoteFailureContext(Context, Scheme, Options, failure) { Properties = properties });
        }
    }

    protected override void GenerateCorrelationId(AuthenticationProperties properties)
    {
        CorrelationSecret secret = cookies.Begin(Context);
        properties.Items[State] = secret.StateHash;
        Context.Features.Set(new ExpectedNonce(secret.Nonce));
    }

    protected override bool ValidateCorrelationId(AuthenticationProperties properties)
    {
        if (!properties.Items.TryGetValue(State, out string? stateHash) || stateHash is null)
        {
            return false;
        }

        // Before the age: what is too old is over, too.
        CorrelationSecret? secret = cookies.Finish(Context, stateHash);
        if (secret is null || SignInEvents.BegunAt(properties) is not { } begunAt || begunAt + CorrelationCookies.Ttl <= time.GetUtcNow())
        {
            return false;
        }

        Context.Features.Set(new ExpectedNonce(secret.Nonce));
        return true;
    }

    /// <summary>The answer comes in the query (`response_mode`): a body is not read.</summary>
    protected override Task<HandleRequestResult> HandleRemoteAuthenticateAsync() => HttpMethods.IsGet(Request.Method)
        ? base.HandleRemoteAuthenticateAsync()
        : Task.FromResult(HandleRequestResult.Fail(NotGet));
}

/// <summary>The nonce of the round trip that begins or ends with this request; a feature of it.</summary>
internal sealed record ExpectedNonce(string Value);
