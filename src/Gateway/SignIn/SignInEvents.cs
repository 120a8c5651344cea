using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using Gateway.Access;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Recheck;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Tracing;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Gateway.SignIn;

/// <summary>The gateway's part in each step of ASP.NET Core's OpenID Connect handler.</summary>
internal sealed partial class SignInEvents(
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
    TimeProvider time,
    ILogger<SignInEvents> logger) : OpenIdConnectEvents
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
        context.HttpContext.Features.Set(new RetryElsewhere(LoginPath(context.Scheme, context.Properties, context.ReturnUri)));
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
            ? new PageLink($"{LoginPath(context.Scheme, context.Properties, context.ReturnUri)}&prompt=login", "Sign in as somebody else")
            : devicePasswords.WayBack;
        await pages.RefuseAsync(context.HttpContext, refusal with { Links = [.. refusal.Links, onward] });
    }

    public override async Task RemoteFailure(RemoteFailureContext context)
    {
        context.HandleResponse();
        context.Response.Headers.CacheControl = "no-store";
        HttpContext http = context.HttpContext;
        string next = ReturnAddress.SafeOrFrontPage(context.Properties?.RedirectUri, settings.ScriptName);
        if (context.Failure is OperationCanceledException && http.RequestAborted.IsCancellationRequested)
        {
            // The browser has left: nobody reads an answer, and the provider did nothing wrong.
            ExceptionDispatchInfo.Throw(context.Failure);
        }

        if (FailureRefusals.ErrorOf(context.Failure!) is { } error && OfflineAccess.IsRefusal(error) && OfflineAccess.IsIn(ScopesOf(context.Properties)))
        {
            await http.ChallengeAsync(context.Scheme.Name, WithoutOfflineAccess(context.Properties!, error));
            return;
        }

        if (SilentAuthentication.IsSilentAuthentication(context.Properties))
        {
            await silent.FailAsync(http, context.Properties!, context.Failure!);
            context.Response.Redirect(next);
            return;
        }

        Exception failure = context.Failure!;
        bool stale = failure is AuthenticationFailureException or ProviderRefusedException { Error: "invalid_grant" };
        if (stale && ConnectFlow.FindInitiator(context.Properties) is not null)
        {
            await connect.RefuseStaleAsync(http, failure.Message);
        }
        else if (stale && http.Session() is not null)
        {
            // The callback was loaded twice, or another tab has signed in: go to the requested page.
            context.Response.Redirect(next);
        }
        else if (stale && context.Properties?.Items.ContainsKey(RoundTripState.Again) == false)
        {
            string traceId = http.TraceId();
            Restarted(context.Scheme.Name, failure.Message, traceId);
            context.Response.Redirect(SignInFeature.LoginPath(settings, ProviderOf(context.Scheme).Settings.Id, next) + "&again=1");
        }
        else
        {
            metrics.SignIn(ProviderOf(context.Scheme).Settings.Id, SignInOutcome.Failed);
            Refusal refusal = FailureRefusals.From(failure, ProviderOf(context.Scheme).Settings, ScopesOf(context.Properties));
            if (refusal.Status == StatusCodes.Status500InternalServerError)
            {
                Failed(failure, context.Scheme.Name, http.TraceId());
            }

            PageLink onward = DevicePasswordRequest.Find(context.Properties) is null
                ? new PageLink(LoginPath(context.Scheme, context.Properties, next), "Try again")
                : devicePasswords.WayBack;
            await pages.RefuseAsync(http, refusal with { Links = [onward] });
        }
    }

    /// <summary>Whether the tokens are for a session that refreshes them.</summary>
    private static bool IsSignIn(AuthenticationProperties properties)
    {
        if (SilentAuthentication.IsSilentAuthentication(properties))
        {
            return properties.Items.ContainsKey(RoundTripState.ReplacesRefreshToken);
        }

        return ConnectFlow.FindInitiator(properties) is null;
    }

    private static string? ScopesOf(AuthenticationProperties? properties) =>
        properties?.Items.TryGetValue(RoundTripState.Scopes, out string? scopes) == true ? scopes : null;

    /// <summary>The same round trip again, which does not ask for `offline_access`.</summary>
    private AuthenticationProperties WithoutOfflineAccess(AuthenticationProperties refused, string error)
    {
        AuthenticationProperties again = new() { RedirectUri = refused.RedirectUri };
        foreach ((string name, string? value) in refused.Items.Where(item => RoundTripState.Kept.Contains(item.Key)))
        {
            again.Items[name] = value;
        }

        again.Items[RoundTripState.StartedAt] = time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        again.Items[RoundTripState.WithoutOfflineAccess] = error;
        return again;
    }

    /// <summary>The address that starts this sign-in or Connect again.</summary>
    private string LoginPath(AuthenticationScheme scheme, AuthenticationProperties? properties, string? next) =>
        SignInFeature.LoginPath(settings, ProviderOf(scheme).Settings.Id, next, connect: ConnectFlow.FindInitiator(properties) is not null);

    private Provider ProviderOf(AuthenticationScheme scheme) => providers.GetByScheme(scheme.Name);

    [LoggerMessage(
        EventId = 3020,
        EventName = "SignInRestarted",
        Level = LogLevel.Information,
        Message = "The answer of {Scheme} belongs to no open sign-in ({Reason}). The sign-in starts again; trace id {TraceId}")]
    private partial void Restarted(string scheme, string reason, string traceId);

    [LoggerMessage(EventId = 3021, EventName = "SignInFailed", Level = LogLevel.Error, Message = "The sign-in at {Scheme} failed; trace id {TraceId}")]
    private partial void Failed(Exception error, string scheme, string traceId);
}
