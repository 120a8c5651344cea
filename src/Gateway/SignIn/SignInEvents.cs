using System.Globalization;
using System.Text.Json;
using Gateway.Access;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Recheck;
using Gateway.Sessions;
using Gateway.Settings;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.SignIn;

/// <summary>The gateway's part in each step of ASP.NET Core's OpenID Connect handler.</summary>
internal sealed class SignInEvents(
    ProviderRegistry providers,
    ClaimsDecision decision,
    AccountSignIn accounts,
    UsernameChoice choice,
    AccountQuestion question,
    ConnectFlow connect,
    IDevicePasswordFlow devicePasswords,
    RefusedSignIns refused,
    SilentAuthentication silent,
    Revocations revocations,
    GatewaySettings settings,
    SessionMetrics metrics,
    PageWriter pages,
    FailedCallback failed,
    TimeProvider time) : OpenIdConnectEvents
{
    /// <summary>It wants a nonce in the ID token that is the expected one. How old a round trip may be, its state says, and not the nonce.</summary>
    private static readonly OpenIdConnectProtocolValidator TokenResponse = new()
    {
        RequireNonce = true,
        RequireTimeStampInNonce = false,

        // The hash of `at_hash` is the one that the signature uses.
        HashAlgorithmMap = { ["EdDSA"] = SecurityAlgorithms.Sha512, ["Ed25519"] = SecurityAlgorithms.Sha512 },
    };

    /// <summary>Null where the state does not say it.</summary>
    public static DateTimeOffset? BegunAt(AuthenticationProperties? properties) =>
        properties?.Items.TryGetValue(RoundTripState.StartedAt, out string? text) == true
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out DateTimeOffset at)
            ? at
            : null;

    public override async Task RedirectToIdentityProvider(RedirectContext context)
    {
        if (context.Properties.Items.TryGetValue(RoundTripState.Prompt, out string? prompt))
        {
            context.ProtocolMessage.Prompt = prompt;
        }

        if (context.Properties.Items.TryGetValue(RoundTripState.LoginHint, out string? hint))
        {
            context.ProtocolMessage.LoginHint = hint;
        }

        context.ProtocolMessage.RedirectUri = SignInFeature.RedirectUri(settings, ProviderOf(context.Scheme).Settings.Id);
        context.ProtocolMessage.Nonce = context.HttpContext.Features.Get<ExpectedNonce>()!.Value;
        context.Response.Headers.CacheControl = "no-store";
        Provider provider = ProviderOf(context.Scheme);
        OpenIdConnectConfiguration configuration = await provider.Discovery.GetConfigurationAsync(context.HttpContext.RequestAborted);
        PushedAuthorization.CheckConfiguration(configuration);
        context.ProtocolMessage.Scope = provider.OfflineAccess.ChooseScopes(
            configuration,
            isSignIn: IsSignIn(context.Properties),
            isRefused: context.Properties.Items.ContainsKey(RoundTripState.WithoutOfflineAccess));
        context.Properties.Items[RoundTripState.Scopes] = context.ProtocolMessage.Scope;
    }

    /// <summary>Called where the discovery document names an endpoint for pushed requests.</summary>
    /// <remarks>A refusal leaves the handler as an exception, which <see cref="CorrelatedSignInHandler"/> hands to <see cref="RemoteFailure"/>.</remarks>
    public override async Task PushAuthorization(PushedAuthorizationContext context)
    {
        Provider provider = ProviderOf(context.Scheme);
        CancellationToken aborted = context.HttpContext.RequestAborted;
        OpenIdConnectConfiguration configuration = await provider.Discovery.GetConfigurationAsync(aborted);
        TimeSpan timeout = SilentAuthentication.IsSilentAuthentication(context.Properties) ? SilentAuthentication.AnswerTimeout : Timeout.InfiniteTimeSpan;
        if (await provider.PushedAuthorization.PushAsync(context.ProtocolMessage, configuration, timeout, aborted) is { } requestUri)
        {
            context.HandlePush(requestUri);
        }
        else
        {
            context.SkipPush();
        }
    }

    /// <summary>The `iss` of the authorization response must be the provider's (RFC 9207, section 2.4).</summary>
    /// <remarks>
    /// A code must come with it where the provider announces it. Some providers, such as Duende IdentityServer, leave it out of error answers:
    /// an error grants nothing, and the handler takes it only with the state of a round trip of this browser.
    /// </remarks>
    public override async Task MessageReceived(MessageReceivedContext context)
    {
        OpenIdConnectMessage answer = context.ProtocolMessage;
        Provider provider = ProviderOf(context.Scheme);
        OpenIdConnectConfiguration configuration = await provider.Discovery.GetConfigurationAsync(context.HttpContext.RequestAborted);
        bool isErrorOnly = !string.IsNullOrEmpty(answer.Error) && answer.Code is null;
        if (answer.Iss is null && configuration.AuthorizationResponseIssParameterSupported && !isErrorOnly)
        {
            context.Fail(new ProviderMistakeException("the authorization response does not name its issuer"));
        }
        else if (answer.Iss is { } issuer && !TenantIssuer.Matches(configuration.Issuer, issuer, provider.Settings))
        {
            context.Fail(new ProviderMistakeException("the authorization response comes from another issuer"));
        }
    }

    public override async Task AuthorizationCodeReceived(AuthorizationCodeReceivedContext context)
    {
        Provider provider = ProviderOf(context.Scheme);
        OpenIdConnectConfiguration configuration = await provider.Discovery.GetConfigurationAsync(context.HttpContext.RequestAborted);

        // A logout from here on also ends this sign-in: the tokens may be older than the logout.
        context.HttpContext.Features.Set(new CodeRedemption(time.GetUtcNow()));
        OpenIdConnectMessage tokens = await provider.TokenEndpoint
            .RedeemAsync(context.TokenEndpointRequest!, configuration, context.HttpContext.RequestAborted);
        if (string.IsNullOrEmpty(tokens.IdToken))
        {
            throw new ProviderMistakeException("the token response has no ID token");
        }

        context.HandleCodeRedemption(tokens);
    }

    /// <remarks>
    /// The handler leaves out the checks of nonce and `at_hash` where the code was redeemed by <see cref="AuthorizationCodeReceived"/>:
    /// they are done here (OpenID Connect Core 1.0, sections 3.1.3.7 and 3.1.3.8).
    /// </remarks>
    public override async Task TokenValidated(TokenValidatedContext context)
    {
        TokenResponse.ValidateTokenResponse(new OpenIdConnectProtocolValidationContext
        {
            ClientId = context.Options.ClientId,
            ProtocolMessage = context.TokenEndpointResponse,
            ValidatedIdToken = context.SecurityToken,
            Nonce = context.HttpContext.Features.Get<ExpectedNonce>()!.Value,
        });
        Provider provider = ProviderOf(context.Scheme);
        DateTimeOffset askedAt = context.HttpContext.Features.Get<CodeRedemption>()!.At;
        ProviderTokens tokens = TokenEndpoint.ToStoredTokens(context.TokenEndpointResponse!, previous: null, askedAt, time.GetUtcNow());
        ClaimSet idToken = SignedToken.Parse(tokens.IdToken, TokenKind.IdToken).Claims;
        provider.IdTokens.CheckAuthentication(idToken, BegunAt(context.Properties)!.Value);
        // Asked here and not by the handler: an app's sign-in and the recheck read userinfo by the same rules.
        JsonElement claims = await SignInClaims.ReadAsync(
            provider,
            provider.UserInfo,
            context.TokenEndpointResponse!.AccessToken,
            idToken,
            context.HttpContext.RequestAborted);
        context.HttpContext.Features.Set(new CallbackResult(tokens, idToken, claims, askedAt));
        if (context.Properties?.Items.TryGetValue(RoundTripState.WithoutOfflineAccess, out string? refusal) == true)
        {
            provider.OfflineAccess.RememberRefusal(refusal);
        }
    }

    /// <summary>Everything is checked: decides who it is, and hands over to <see cref="SessionScheme"/>, or refuses.</summary>
    public override async Task TicketReceived(TicketReceivedContext context)
    {
        CallbackResult result = context.HttpContext.Features.Get<CallbackResult>()!;
        ProviderSettings provider = ProviderOf(context.Scheme).Settings;
        context.Response.Headers.CacheControl = "no-store";
        if (SilentAuthentication.IsSilentAuthentication(context.Properties))
        {
            await silent.FinishAsync(context.HttpContext, context.Properties!, result);
            context.HandleResponse();
            context.Response.Redirect(context.ReturnUri!);
            return;
        }

        (Person? person, Refusal? refusal) = decision.Decide(provider, result.Issuer, result.Claims, result.AssertedAt);
        context.HttpContext.Features.Set(new RetryElsewhere(LoginPath(context)));
        if (person is null)
        {
            await RefuseAsync(context, refusal!);
            return;
        }

        if (ConnectFlow.FindInitiator(context.Properties) is { } initiator)
        {
            context.HandleResponse();
            await connect.FinishAsync(context.HttpContext, person, initiator, context.ReturnUri!);
            return;
        }

        if (DevicePasswordRequest.Find(context.Properties) is { } wanted)
        {
            context.HandleResponse();
            await devicePasswords.FinishAsync(context.HttpContext, wanted, person, result);
            return;
        }

        if (context.HttpContext.Session() is { } session && session.Identity.Person == person.Key && session.SignedInAt > BegunAt(context.Properties))
        {
            // Another tab has signed this person in; all tabs share its session.
            context.HandleResponse();
            context.Response.Redirect(context.ReturnUri!);
            return;
        }

        AccountAnswer answer;
        try
        {
            answer = await accounts.SignInAsync(person, chosen: null, wantsNewAccount: false);
        }
        catch (PaperlessApiException failure)
        {
            context.HandleResponse();
            metrics.SignIn(provider.Id, SignInOutcome.Failed);
            await pages.RefuseAsync(
                context.HttpContext,
                PaperlessRefusals.SignIn(failure, SignInFeature.LoginPath(settings, provider.Id, context.ReturnUri)));
            return;
        }

        if (answer.Account is { } account)
        {
            context.Principal = new SignedInPrincipal(new NewSession(person.ToIdentity(account), result.Tokens, result.Sub, result.Sid, result.AssertedAt));
        }
        else if (answer.Refusal is { Code: AccountRefusals.NoAccountCode } noAccount && !settings.Paperless.RegularLoginDisabled)
        {
            await RefuseAsync(
                context,
                noAccount with { Links = [new PageLink(SignInFeature.PasswordPath(settings, context.ReturnUri!), "Sign in with a Paperless password")] });
        }
        else if (answer.Refusal is not null)
        {
            await RefuseAsync(context, answer.Refusal);
        }
        else if (answer.Namesake is { } namesake)
        {
            context.HandleResponse();
            metrics.SignIn(provider.Id, SignInOutcome.Asked);
            await question.AskAsync(context.HttpContext, person, result, context.ReturnUri!, namesake);
        }
        else
        {
            context.HandleResponse();
            metrics.SignIn(provider.Id, SignInOutcome.Asked);
            await choice.AskAsync(context.HttpContext, person, result, context.ReturnUri!, answer);
        }
    }

    private async Task RefuseAsync(TicketReceivedContext context, Refusal refusal)
    {
        context.HandleResponse();
        metrics.SignIn(ProviderOf(context.Scheme).Settings.Id, SignInOutcome.Refused);
        CallbackResult result = context.HttpContext.Features.Get<CallbackResult>()!;
        if (decision.Identify(ProviderOf(context.Scheme).Settings, result.Issuer, result.Claims) is { } who)
        {
            await refused.NoteAsync(who.Person, who.Label, refusal);
            if (ClaimsDecision.IsDenial(refusal))
            {
                await revocations.EndDevicePasswordsAsync(who.Person, SessionEnd.RefusedByTheProvider);
            }
        }

        PageLink onward = DevicePasswordRequest.Find(context.Properties) is null
            ? new PageLink($"{LoginPath(context)}&prompt=login", "Sign in as somebody else")
            : devicePasswords.WayBack;
        await pages.RefuseAsync(context.HttpContext, refusal with { Links = [.. refusal.Links, onward] });
    }

    public override Task RemoteFailure(RemoteFailureContext context) => failed.AnswerAsync(context, ProviderOf(context.Scheme));

    /// <summary>Whether the tokens are for a session that refreshes them.</summary>
    private static bool IsSignIn(AuthenticationProperties properties)
    {
        if (SilentAuthentication.IsSilentAuthentication(properties))
        {
            return properties.Items.ContainsKey(RoundTripState.ReplacesRefreshToken);
        }

        return ConnectFlow.FindInitiator(properties) is null;
    }

    private string LoginPath(TicketReceivedContext context) =>
        ConnectFlow.LoginPath(settings, ProviderOf(context.Scheme), context.Properties, context.ReturnUri);

    private Provider ProviderOf(AuthenticationScheme scheme) => providers.GetByScheme(scheme.Name);
}
