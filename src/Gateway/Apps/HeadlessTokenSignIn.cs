using System.Text.Json;
using Gateway.Access;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.SignIn;
using Gateway.Storage;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Gateway.Apps;

/// <summary>
/// An app has signed somebody in at the provider itself and brings the ID token: the decisions are those of a browser's sign-in, and the app gets a
/// device password of its own. Paperless's second factor and its settings of passwords do not count, as in a browser's sign-in.
/// </summary>
internal sealed class HeadlessTokenSignIn(
    ProviderRegistry providers,
    AppTokenCheck tokens,
    ClaimsDecision decision,
    AccountSignIn accounts,
    RefusedSignIns refused,
    Revocations revocations,
    DevicePasswords devices,
    GatewaySettings settings,
    AccessRefusals crossSite,
    HeadlessRefusals refusals,
    TimeProvider time)
{
    public async Task AnswerAsync(HttpContext context)
    {
        // An app's request has no origin, or this one. The answer would be of no use to another site, but it would cost a device password.
        if (!CrossSiteGuard.IsSameOrigin(context.Request, settings.Public))
        {
            await crossSite.RefuseCrossSiteAsync(context);
            return;
        }

        (HeadlessTokenRequest? request, HeadlessRefusal? refusal) = await HeadlessTokenRequest.ReadAsync(context, providers);
        HeadlessAnswer? answer = null;
        if (request is not null)
        {
            (answer, refusal) = await TrySignInAsync(context, request);
        }

        await (answer is null ? refusals.RefuseAsync(context, refusal!) : HeadlessRefusals.WriteAsync(context, answer));
    }

    private async Task<(HeadlessAnswer? Answer, HeadlessRefusal? Refusal)> TrySignInAsync(HttpContext context, HeadlessTokenRequest request)
    {
        try
        {
            return await SignInAsync(context, request);
        }
        catch (ProviderMistakeException mistake)
        {
            return (null, HeadlessRefusals.InvalidToken(mistake.Message));
        }
        catch (StoreUnavailableException away)
        {
            return (null, HeadlessRefusals.StoreAway(away));
        }
        catch (PaperlessApiException failure)
        {
            return (null, HeadlessRefusals.PaperlessAway(failure));
        }
        catch (Exception failure) when (ProviderFailureText.IsFailure(failure, context.RequestAborted))
        {
            return (null, HeadlessRefusals.From(failure, request.Provider.Settings));
        }
    }

    private async Task<(HeadlessAnswer? Answer, HeadlessRefusal? Refusal)> SignInAsync(HttpContext context, HeadlessTokenRequest request)
    {
        CancellationToken aborted = context.RequestAborted;
        SignedToken token = await tokens.CheckAsync(request, aborted);
        JsonElement claims = await SignInClaims.ReadAsync(request.Provider, request.Client.UserInfo, request.AccessToken, token.Claims, aborted);
        string issuer = await IssuerAsync(request, token.Claims, aborted);

        // The provider's clock may be ahead.
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset assertedAt = token.Claims.Time("iat") is { } issuedAt && issuedAt < now ? issuedAt : now;
        (Person? person, Refusal? refusal) = decision.Decide(request.Provider.Settings, issuer, claims, assertedAt);
        AccountAnswer answer = person is null
            ? AccountAnswer.From(refusal!)
            : await accounts.SignInAsync(person, chosen: null, wantsNewAccount: false);
        if (answer.Account is not { } account)
        {
            return (null, await RefusalOfAsync(request, issuer, claims, person, answer));
        }

        ProviderTokens stored = new(token.Text, IdTokenAt: assertedAt);
        string device = context.Request.Device();
        WantedDevicePassword wanted = new(AppName.From(device), DeviceScope.Full, ExpiresAt: null, device, context.Request.ClientAddress())
        {
            IsOfAppSignIn = true,
        };
        MadeDevicePassword? made = await devices.MakeAsync(
            person!.ToIdentity(account), stored, token.Claims.RequiredText("sub"), assertedAt, wanted, aborted);
        return made is null ? (null, TooMany(person)) : (SignedIn(person, account, made, now), null);
    }

    /// <summary>The person is the one of a browser's sign-in, whatever issuer the app's client has.</summary>
    private static async Task<string> IssuerAsync(HeadlessTokenRequest request, ClaimSet claims, CancellationToken cancellationToken)
    {
        string issuer = claims.RequiredText("iss");
        if (!request.Client.Settings.FurtherIssuers.Contains(issuer))
        {
            return issuer;
        }

        OpenIdConnectConfiguration configuration = await request.Provider.Discovery.GetConfigurationAsync(cancellationToken);
        return TenantIssuer.Resolve(configuration.Issuer, claims.Text("tid") ?? "");
    }

    private async Task<HeadlessRefusal> RefusalOfAsync(
        HeadlessTokenRequest request,
        string issuer,
        JsonElement claims,
        Person? person,
        AccountAnswer answer)
    {
        HeadlessProvider provider = HeadlessConfig.Describe(request.Provider);
        if (answer.Namesake is { } namesake)
        {
            Refusal exists = AccountQuestion.Exists(person!, namesake);
            await refused.NoteAsync(person!.Key, person.Label, exists);
            return refusals.BrowserFirst(provider, exists);
        }

        if (answer.Refusal is not { } refusal)
        {
            return refusals.BrowserFirst(provider, new Refusal(
                StatusCodes.Status401Unauthorized, "username_unchosen", "A user name has to be chosen", "You have to choose your user name in Paperless first.")
            {
                Level = LogLevel.Information,
                ForTheLog = $"{person!.NameForLog} has to choose a user name, which only a browser asks for",
            });
        }

        if (decision.Identify(request.Provider.Settings, issuer, claims) is { } who)
        {
            await refused.NoteAsync(who.Person, who.Label, refusal);
            if (ClaimsDecision.IsDenial(refusal))
            {
                await revocations.EndDevicePasswordsAsync(who.Person, SessionEnd.RefusedByTheProvider);
            }
        }

        // allauth, too, says of an inactive account only that nobody is signed in.
        HeadlessFlow again = new("provider_token") { Providers = [provider.Id] };
        return new HeadlessRefusal(refusal) { Flows = refusal.Code == AccountRefusals.InactiveCode ? [again] : null };
    }

    private HeadlessRefusal TooMany(Person person) => new(
        new Refusal(
            StatusCodes.Status403Forbidden,
            "device_password_refused",
            "No device password",
            $"You have {DevicePasswords.MaxPerPerson} device passwords already, or your access has just ended.")
        {
            Remedy = $"Revoke some at {settings.Public.Origin}{settings.ScriptName}/gateway/apps.",
            ForTheLog = $"{person.NameForLog} has {DevicePasswords.MaxPerPerson} device passwords, or a sign-out was faster",
        });

    private static HeadlessAnswer SignedIn(Person person, Account account, MadeDevicePassword made, DateTimeOffset now) => new(StatusCodes.Status200OK)
    {
        Data = new HeadlessData
        {
            User = new HeadlessUser(account.Id, account.Username, account.Username, person.Email),
            Methods = [new HeadlessMethod("socialaccount", now.ToUnixTimeSeconds(), person.Provider, person.Subject)],
        },
        Meta = new HeadlessMeta(IsAuthenticated: true) { AccessToken = made.Secret },
    };
}
