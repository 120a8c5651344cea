using System.Collections.Frozen;
using Gateway.Pages;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.SignIn;

namespace Gateway.Apps;

/// <summary>`/gateway/apps` shows the device passwords of the person, makes one and ends one; never another person's.</summary>
internal sealed class MyDevicePasswordsEndpoint(
    DevicePasswords devices,
    DevicePasswordFlow flow,
    GatewaySettings settings,
    PageWriter pages,
    OwnPages ownPages)
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

    /// <summary>A device password lasts as long as the provider confirms the person, and a password session has no provider.</summary>
    private readonly OwnPage _page = new(
        PagesFeature.AppsPath,
        new Refusal(
            403,
            "device_password_needs_provider",
            "Not with a Paperless password",
            "You signed in with a Paperless password. Device passwords are for people who sign in with a provider.")
        {
            Level = LogLevel.Information,
            Remedy = settings.Apps.PaperlessTokens
                ? "In My Profile, connect your account to a provider, and sign in with it. Or give the app the API token that My Profile shows."
                : "In My Profile, connect your account to a provider, and sign in with it.",
            Links = [new PageLink(settings.ScriptName + "/", "To Paperless")],
        },
        new Refusal(503, "store_unavailable", "No device passwords at the moment", "Your device passwords cannot be read or changed just now."));

    public Task ShowAsync(HttpContext context) => ownPages.ShowAsync(context, _page, async session =>
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

    public Task MakeAsync(HttpContext context, IFormCollection form) => ownPages.ChangeAsync(context, _page, async session =>
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

    public Task EndAsync(HttpContext context, IFormCollection form) => ownPages.ChangeAsync(context, _page, async session =>
    {
        string? id = form["id"];

        // Only the person's own are searched: the id of another person's ends nothing.
        if ((await devices.FindByPersonAsync(session.Identity.Person, context.RequestAborted)).FirstOrDefault(one => one.Id == id) is { } meant)
        {
            await devices.RevokeAsync(meant, SessionEnd.EndedByTheUser, CancellationToken.None);
        }

        ownPages.Return(context, _page);
    });

    private Refusal TooMany => new(403, "device_passwords_full", "Too many device passwords", $"You have {DevicePasswords.MaxPerPerson} already.")
    {
        Remedy = "End one that you do not need.",
        Links = [flow.WayBack],
    };
}
