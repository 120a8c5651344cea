using Gateway.Pages;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.SignIn;

namespace Gateway.SignOut;

/// <summary>`/gateway/sessions` shows where you are signed in and lets you end one session or all of them; never another person's.</summary>
internal sealed class MySessionsEndpoint(
    SessionList list,
    Revocations revocations,
    EndSessionRedirect endSession,
    LogoutFlow logout,
    GatewaySettings settings,
    OwnPages pages)
{
    public const string EndPath = PagesFeature.SessionsPath + "/end";

    public const string EndAllPath = PagesFeature.SessionsPath + "/end-all";

    /// <summary>Paperless keeps the sessions of people who signed in with a password, and shows nobody a list of them.</summary>
    private readonly OwnPage _page = new(
        PagesFeature.SessionsPath,
        new Refusal(404, "no_session_list", "No list of sessions", "You signed in with a Paperless password, and Paperless keeps no list of such sessions.")
        {
            Level = LogLevel.Information,
            Remedy = "To end all of them, change your password in Paperless (My Profile).",
            Links = [new PageLink(settings.ScriptName + PagesFeature.SessionPath, "Your session"), new PageLink(settings.ScriptName + "/", "To Paperless")],
        },
        new Refusal(503, "store_unavailable", "No sessions at the moment", "Where you are signed in cannot be read or changed just now."));

    public Task ShowAsync(HttpContext context) => pages.ShowAsync(context, _page, async session =>
    {
        IReadOnlyList<ListedSession> sessions = await ListSessionsAsync(session, context.RequestAborted);
        IReadOnlyList<SessionEntry> entries = [.. sessions.Select(listed => SessionEntry.From(listed, session.Key))];
        if (!context.Request.WantsPage())
        {
            await PageWriter.WriteJsonAsync(context, entries, SessionEntryJson.Default.IReadOnlyListSessionEntry);
            return;
        }

        await PageWriter.ShowAsync<SessionsPage>(
            context,
            StatusCodes.Status200OK,
            new()
            {
                [nameof(SessionsPage.Sessions)] = entries,
                [nameof(SessionsPage.IsSuperuser)] = session.Identity.Superuser,
                [nameof(SessionsPage.DevicePasswords)] = await CountDevicePasswordsAsync(session, context.RequestAborted),
            },
            await endSession.GetFormActionAsync(session.Identity.Provider, context.RequestAborted));
    });

    public Task EndAsync(HttpContext context, IFormCollection form) => pages.ChangeAsync(context, _page, async session =>
    {
        string? id = form["id"];

        // Only the person's own sessions are searched: the id of another person's session ends nothing.
        if ((await ListSessionsAsync(session, context.RequestAborted)).FirstOrDefault(one => one.Id == id) is { } meant)
        {
            if (meant.Key == session.Key)
            {
                await logout.AnswerAsync(context);
                return;
            }

            await revocations.EndAsync(meant.Stored, SessionEnd.EndedByTheUser, CancellationToken.None);
        }

        pages.Return(context, _page);
    });

    public Task EndAllAsync(HttpContext context, IFormCollection form) =>
        pages.ChangeAsync(context, _page, _ => logout.AnswerAsync(context, everywhere: true, devicePasswords: form.ContainsKey("device_passwords")));

    private async Task<int> CountDevicePasswordsAsync(Session session, CancellationToken cancellationToken) => settings.Apps.IsOn
        ? (await list.FindByPersonAsync(SessionIndex.ForDevicePasswords(session.Identity.Person), cancellationToken)).Count
        : 0;

    private Task<IReadOnlyList<ListedSession>> ListSessionsAsync(Session session, CancellationToken cancellationToken) =>
        list.FindByPersonAsync(session.PersonIndex, cancellationToken);
}
