using Gateway.Access;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.SignOut;

/// <summary>`/gateway/sessions` shows where you are signed in and lets you end one session or all of them; never another person's.</summary>
internal sealed class MySessionsEndpoint(
    SessionList list,
    Revocations revocations,
    EndSessionRedirect endSession,
    LogoutFlow logout,
    GatewaySettings settings,
    PageWriter pages,
    AccessRefusals refusals)
{
    public const string EndPath = PagesFeature.SessionsPath + "/end";

    public const string EndAllPath = PagesFeature.SessionsPath + "/end-all";

    public Task ShowAsync(HttpContext context) => WithSessionAsync(context, async session =>
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
                [nameof(SessionsPage.DevicePasswords)] = await CountDevicePasswordsAsync(session, context.RequestAborted),
            },
            await endSession.GetFormActionAsync(session.Identity.Provider, context.RequestAborted));
    });

    public Task EndAsync(HttpContext context, IFormCollection form) => WithOwnPageAsync(context, async session =>
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

        context.Response.Headers.CacheControl = "no-store";
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = settings.ScriptName + PagesFeature.SessionsPath;
    });

    public Task EndAllAsync(HttpContext context, IFormCollection form) =>
        WithOwnPageAsync(context, _ => logout.AnswerAsync(context, everywhere: true, devicePasswords: form.ContainsKey("device_passwords")));

    private async Task<int> CountDevicePasswordsAsync(Session session, CancellationToken cancellationToken) => settings.Apps.IsOn
        ? (await list.FindByPersonAsync(SessionIndex.ForDevicePasswords(session.Identity.Person), cancellationToken)).Count
        : 0;

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
            ? PagesFeature.NotSignedInAsync(context, settings, PagesFeature.SessionsPath)
            : RefusePasswordSessionAsync(context);
    }

    private Task<IReadOnlyList<ListedSession>> ListSessionsAsync(Session session, CancellationToken cancellationToken) =>
        list.FindByPersonAsync(session.PersonIndex, cancellationToken);

    /// <summary>Paperless keeps those sessions, and shows nobody a list of them.</summary>
    private Task RefusePasswordSessionAsync(HttpContext context) =>
        pages.RefuseAsync(context, new Refusal(404, "no_session_list", "No list of sessions", "You signed in with a Paperless password, and Paperless "
            + "keeps no list of such sessions.")
        {
            Remedy = "To end all of them, change your password in Paperless (My Profile).",
            Links = [new PageLink(settings.ScriptName + PagesFeature.SessionPath, "Your session"), new PageLink(settings.ScriptName + "/", "To Paperless")],
        });

    private Task RefuseStoreUnavailableAsync(HttpContext context, string reason) =>
        pages.RefuseAsync(context, new Refusal(503, "store_unavailable", "No sessions at the moment", "Where you are signed in cannot be read or "
            + "changed just now.")
        {
            RetryAfter = 5,
            RetryAt = settings.ScriptName + PagesFeature.SessionsPath,
            ForTheOperator = StoreUnavailableRefusal.ForTheOperator(reason),
        });
}
