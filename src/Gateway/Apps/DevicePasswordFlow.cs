using System.Globalization;
using Gateway.Access;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Providers;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.SignIn;
using Microsoft.AspNetCore.Authentication;

namespace Gateway.Apps;

/// <summary>
/// The round trip to the person's provider in which a device password is made. It brings tokens of its own: a refresh token of the session would be
/// used up by either.
/// </summary>
internal sealed class DevicePasswordFlow(
    DevicePasswords devices,
    ProviderRegistry providers,
    AccountSignIn accounts,
    GatewaySettings settings,
    PageWriter pages,
    TimeProvider time) : IDevicePasswordFlow
{
    /// <summary>
    /// A secret that outlives the browser needs more than a browser that was left open: a session that began longer ago asks for a new sign-in at the
    /// provider (`prompt=login`). Within this time the provider answers at once, so that several devices take one sign-in.
    /// </summary>
    public static readonly TimeSpan MaxSignInAge = TimeSpan.FromHours(1);

    private const string Title = "No device password was made";

    public PageLink WayBack { get; } = new(settings.ScriptName + PagesFeature.AppsPath, "Your device passwords");

    private string Page => settings.ScriptName + PagesFeature.AppsPath;

    /// <summary>Sends the browser to the provider of the session.</summary>
    public Task BeginAsync(HttpContext context, Session session, string name, DeviceScope scope, int days) =>
        BeginAsync(context, session, name, scope, days, mustSignIn: time.GetUtcNow() - session.SignedInAt > MaxSignInAge);

    private async Task BeginAsync(HttpContext context, Session session, string name, DeviceScope scope, int days, bool mustSignIn)
    {
        if (Unconfirmed(session) is { } refusal)
        {
            await RefuseAsync(context, refusal);
            return;
        }

        if (providers.Find(session.Identity.Provider) is not { } provider)
        {
            await RefuseAsync(context, new Refusal(403, "unknown_provider", Title, "The gateway is no longer set up for the provider of your sign-in."));
            return;
        }

        try
        {
            await provider.Discovery.GetConfigurationAsync(context.RequestAborted);
        }
        catch (ProviderUnavailableException unavailable)
        {
            await RefuseAsync(context, FailureRefusals.Unavailable(provider.Settings, unavailable));
            return;
        }

        DateTimeOffset now = time.GetUtcNow();
        AuthenticationProperties properties = new() { RedirectUri = Page };
        properties.Items[RoundTripState.StartedAt] = now.ToString("O", CultureInfo.InvariantCulture);
        new DevicePasswordRequest(DevicePasswordRequest.KeyOf(session), name, scope, days, mustSignIn ? now : null).WriteTo(properties);
        if (mustSignIn)
        {
            properties.Items[RoundTripState.Prompt] = "login";
        }

        await context.ChallengeAsync(ProviderRegistry.Scheme(provider.Settings.Id), properties);
        if (context.Response.StatusCode == StatusCodes.Status302Found)
        {
            await ContinueAsync(context, provider.Settings.Name);
        }
    }

    /// <summary>Not by a redirect: `form-action` holds for every redirect after a form, and nobody knows where a provider leads on.</summary>
    private static Task ContinueAsync(HttpContext context, string provider)
    {
        string address = context.Response.Headers.Location.ToString();
        context.Response.Headers.Remove("Location");
        context.Response.Headers["Refresh"] = $"0; url={address}";
        return PageWriter.ShowAsync<ContinuePage>(context, StatusCodes.Status200OK, new()
        {
            [nameof(ContinuePage.Provider)] = provider,
            [nameof(ContinuePage.Address)] = address,
        });
    }

    public async Task FinishAsync(HttpContext context, DevicePasswordRequest request, Person person, CallbackResult result)
    {
        context.Features.Set(new RetryElsewhere(Page));
        if (!settings.Apps.IsOn)
        {
            Refusal switchedOff = new(404, "not_found", "Not found", "There are no device passwords here.") { Level = LogLevel.Information };
            await pages.RefuseAsync(context, switchedOff);
            return;
        }

        if (FindRefusal(context.Session(), request, person, result) is { } refusal)
        {
            await RefuseAsync(context, refusal);
            return;
        }

        Session session = context.Session()!;
        DateTimeOffset oldest = time.GetUtcNow() - MaxSignInAge - SignedTokenCheck.ClockSkew;
        if (request.AuthenticatedAfter is null && (result.AuthenticatedAt is null || result.AuthenticatedAt < oldest))
        {
            // The session here may be younger than the sign-in at the provider, whose session answers without a password.
            await BeginAsync(context, session, request.Name, request.Scope, request.Days, mustSignIn: true);
            return;
        }

        AccountAnswer answer;
        try
        {
            answer = await accounts.RecheckAsync(person, session.Identity.UserId);
        }
        catch (PaperlessApiException failure)
        {
            await RefuseAsync(context, PaperlessRefusals.SignIn(failure, again: null));
            return;
        }

        if (answer.Account is not { } account)
        {
            await RefuseAsync(context, answer.Refusal!);
            return;
        }

        WantedDevicePassword wanted = new(
            request.Name,
            request.Scope,
            request.Days == 0 ? null : time.GetUtcNow().AddDays(request.Days),
            context.Request.Device(),
            context.Request.ClientAddress());
        Identity identity = person.ToIdentity(account);
        MadeDevicePassword? made = await devices.MakeAsync(identity, result.Tokens, result.Sub, result.AssertedAt, wanted, context.RequestAborted);
        await (made is null ? RefuseAsync(context, NotMade) : ShowAsync(context, identity, wanted, made));
    }

    private Task ShowAsync(HttpContext context, Identity identity, WantedDevicePassword wanted, MadeDevicePassword made) =>
        PageWriter.ShowAsync<DevicePasswordPage>(context, StatusCodes.Status200OK, new()
        {
            [nameof(DevicePasswordPage.Name)] = DevicePasswords.CleanName(wanted.Name),
            [nameof(DevicePasswordPage.Secret)] = made.Secret,
            [nameof(DevicePasswordPage.Username)] = identity.Username,
            [nameof(DevicePasswordPage.Address)] = settings.Public.Origin + settings.ScriptName,
            [nameof(DevicePasswordPage.Opens)] = DeviceEntry.OpensText(wanted.Scope),
            [nameof(DevicePasswordPage.ExpiresAt)] = made.IsRechecked && wanted.ExpiresAt is null ? null : made.ExpiresAt,
            [nameof(DevicePasswordPage.EndsBecauseNotRechecked)] = !made.IsRechecked && made.ExpiresAt != wanted.ExpiresAt,
            [nameof(DevicePasswordPage.Provider)] = settings.Providers.First(provider => provider.Id == identity.Provider).Name,
        });

    private static Refusal? FindRefusal(Session? session, DevicePasswordRequest request, Person person, CallbackResult result)
    {
        if (session is null || DevicePasswordRequest.KeyOf(session) != request.Session)
        {
            return new Refusal(403, "device_password_session_changed", Title, "You are not signed in as you were when this began.")
            {
                ForTheLog = session is null ? "the session has ended meanwhile" : "another session has begun meanwhile",
            };
        }

        if (session.Identity.Person != person.Key)
        {
            return new Refusal(403, "device_password_somebody_else", Title, "Somebody else is signed in at your provider.")
            {
                Remedy = "Sign out at your provider, or sign in there as yourself, and start again.",
                ForTheLog = $"begun by {session.Identity.Username}, subject {session.Identity.Subject}; the provider names {person.NameForLog}",
            };
        }

        if (Unconfirmed(session) is { } refusal)
        {
            return refusal;
        }

        // A provider may leave `auth_time` out where nobody asked for `max_age`. Then its word for `prompt=login` counts.
        return request.AuthenticatedAfter - SignedTokenCheck.ClockSkew > result.AuthenticatedAt
            ? new Refusal(403, "device_password_not_anew", Title, "You did not sign in anew at your provider.")
            {
                Remedy = "Start again, and sign in where the provider asks for it.",
                ForTheLog = "the provider ignored prompt=login, or somebody took it out of the address",
            }
            : null;
    }

    /// <summary>A person whose access is in doubt must not get a secret that outlives the session.</summary>
    private static Refusal? Unconfirmed(Session session) => session.IsHeldBack
        ? new Refusal(403, "device_password_unconfirmed", Title, "Your provider has not confirmed your access for a while.")
        {
            Remedy = "Open Paperless first: the gateway then asks your provider.",
        }
        : null;

    private static Refusal NotMade { get; } = new(
        403,
        "device_password_not_made",
        Title,
        $"Your access has ended meanwhile, or you have {DevicePasswords.MaxPerPerson} device passwords already.")
    {
        Remedy = "End one that you do not need, and start again.",
    };

    private Task RefuseAsync(HttpContext context, Refusal refusal) => pages.RefuseAsync(context, refusal with { Links = [.. refusal.Links, WayBack] });
}
