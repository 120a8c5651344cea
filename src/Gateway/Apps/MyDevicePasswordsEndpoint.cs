using System.Collections.Frozen;
using Gateway.Access;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Apps;

/// <summary>`/gateway/apps` shows the device passwords of the person, makes one and ends one; never another person's.</summary>
internal sealed class MyDevicePasswordsEndpoint(
    DevicePasswords devices,
    DevicePasswordFlow flow,
    GatewaySettings settings,
    PageWriter pages,
    AccessRefusals refusals)
{
    public const string EndPath = PagesFeature.AppsPath + "/end";

    /// <summary>The values of the form's field `scope`.</summary>
    private static readonly FrozenDictionary<string, DeviceScope> Scopes = new Dictionary<string, DeviceScope>
    {
        ["full"] = DeviceScope.Full,
        ["upload"] = DeviceScope.UploadOnly,
    }.ToFrozenDictionary();

    /// <summary>The values of the form's field `days`.</summary>
    private static readonly FrozenDictionary<string, int> Days = new Dictionary<string, int>
    {
        ["0"] = 0,
        ["30"] = 30,
        ["90"] = 90,
        ["365"] = 365,
    }.ToFrozenDictionary();

    private string Page => settings.ScriptName + PagesFeature.AppsPath;

    public Task ShowAsync(HttpContext context) => WithSessionAsync(context, async session =>
    {
        IReadOnlyList<ListedSession> all = await devices.FindByPersonAsync(session.Identity.Person, context.RequestAborted);
        await PageWriter.ShowAsync<AppsPage>(context, StatusCodes.Status200OK, new()
        {
            [nameof(AppsPage.Devices)] = all.Select(DeviceEntry.From).ToList(),
            [nameof(AppsPage.Provider)] = settings.Providers.FirstOrDefault(provider => provider.Id == session.Identity.Provider)?.Name
                ?? session.Identity.Provider,
            [nameof(AppsPage.IsFull)] = all.Count >= DevicePasswords.MaxPerPerson,
            [nameof(AppsPage.MaxNameLength)] = DevicePasswords.MaxNameLength,
        });
    });

    public Task MakeAsync(HttpContext context, IFormCollection form) => WithOwnPageAsync(context, async session =>
    {
        if (!Scopes.TryGetValue(form["scope"].ToString(), out DeviceScope scope) || !Days.TryGetValue(form["days"].ToString(), out int days))
        {
            await pages.RefuseAsync(context, new Refusal(400, "device_password_form", "This form is not complete", "It does not say what the device "
                + "password opens, or when it expires.")
            {
                Links = [flow.WayBack],
            });
            return;
        }

        if ((await devices.FindByPersonAsync(session.Identity.Person, context.RequestAborted)).Count >= DevicePasswords.MaxPerPerson)
        {
            await pages.RefuseAsync(context, TooMany);
            return;
        }

        await flow.BeginAsync(context, session, DevicePasswords.CleanName(form["name"].ToString()), scope, days);
    });

    public Task EndAsync(HttpContext context, IFormCollection form) => WithOwnPageAsync(context, async session =>
    {
        string? id = form["id"];

        // Only the person's own are searched: the id of another person's ends nothing.
        if ((await devices.FindByPersonAsync(session.Identity.Person, context.RequestAborted)).FirstOrDefault(one => one.Id == id) is { } meant)
        {
            await devices.RevokeAsync(meant, SessionEnd.EndedByTheUser, CancellationToken.None);
        }

        context.Response.Headers.CacheControl = "no-store";
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = Page;
    });

    /// <summary>A request that changes something must come from a page of the gateway's own origin.</summary>
    private Task WithOwnPageAsync(HttpContext context, Func<Session, Task> answer) =>
        CrossSiteGuard.IsSameOrigin(context.Request, settings.Public) ? WithSessionAsync(context, answer) : refusals.RefuseCrossSiteAsync(context);

    private async Task WithSessionAsync(HttpContext context, Func<Session, Task> answer)
    {
        if (context.Session() is not { } session)
        {
            await RefuseWithoutSessionAsync(context);
            return;
        }

        try
        {
            await answer(session);
        }
        catch (StoreUnavailableException error)
        {
            await RefuseStoreUnavailableAsync(context, error.Message);
        }
    }

    private Task RefuseWithoutSessionAsync(HttpContext context)
    {
        if (context.Features.Get<SessionLookupFailed>() is { } failed)
        {
            return RefuseStoreUnavailableAsync(context, failed.Reason);
        }

        return context.PasswordSession() is null
            ? PagesFeature.NotSignedInAsync(context, settings, PagesFeature.AppsPath)
            : pages.RefuseAsync(context, WithPassword);
    }

    /// <summary>A device password lasts as long as the provider confirms the person, and a password session has no provider.</summary>
    private Refusal WithPassword => new(
        403,
        "device_password_needs_provider",
        "Not with a Paperless password",
        "You signed in with a Paperless password. Device passwords are for people who sign in with a provider.")
    {
        Level = LogLevel.Information,
        Remedy = "In My Profile, connect your account to a provider, and sign in with it."
            + (settings.Apps.PaperlessTokens ? " Or give the app the API token that My Profile shows." : ""),
        Links = [new PageLink(settings.ScriptName + "/", "To Paperless")],
    };

    private Refusal TooMany => new(403, "device_passwords_full", "Too many device passwords", $"You have {DevicePasswords.MaxPerPerson} already.")
    {
        Remedy = "End one that you do not need.",
        Links = [flow.WayBack],
    };

    private Task RefuseStoreUnavailableAsync(HttpContext context, string reason) =>
        pages.RefuseAsync(context, new Refusal(503, "store_unavailable", "No device passwords at the moment", "Your device passwords cannot be read or "
            + "changed just now.")
        {
            Remedy = "This page tries again by itself.",
            RetryAfter = 5,
            RetryAt = Page,
            ForTheLog = reason,
        });
}
