using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.SignIn;
using Gateway.Tracing;

namespace Gateway.Admin;

/// <summary>The gateway's own sessions of everybody: shows them, and ends one or all of a person.</summary>
internal sealed partial class AdminSessionsEndpoint(
    SuperuserPages pages,
    SessionList list,
    Revocations revocations,
    PasswordSessionRegistry passwordSessions,
    GatewaySettings settings,
    ILogger<SecurityLog> logger)
{
    public const string EndPath = AdminFeature.SessionsPath + "/end";

    public const string EndAllPath = AdminFeature.SessionsPath + "/end-all";

    public Task ShowAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.SessionsPath, async _ =>
    {
        ListQuery query = ListQuery.From(context.Request);
        SessionListPage found = await list.FindPageAsync(
            session => session.Info.DevicePassword is null && query.Matches(session.Info.Username),
            query.Page,
            ListQuery.PageSize,
            context.RequestAborted);
        AdminList shown = new(
            "Sessions",
            AdminFeature.SessionsPath,
            "Everybody who is signed in by single sign-on, most recently used first.",
            [.. found.Rows.Select(Row)])
        {
            SearchLabel = "User name",
        };
        await AdminAnswer.ShowListAsync(context, query.WithPaging(shown, found.Total));
    });

    public Task AskAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.SessionsPath, async _ =>
    {
        if (await FindAsync(context.Request.Query["id"].ToString(), context.RequestAborted) is not { } session)
        {
            AdminAnswer.Return(context, AdminFeature.SessionsPath, "session-gone");
            return;
        }

        await AdminAnswer.AskAsync(context, new AdminQuestion(
            "End this session?",
            $"{session.Info.Username} is signed out there at once.",
            Fields(session),
            EndPath,
            ("id", session.Id),
            "End the session",
            AdminFeature.SessionsPath));
    });

    public Task EndAsync(HttpContext context, IFormCollection form) => pages.ChangeAsync(context, AdminFeature.SessionsPath, async superuser =>
    {
        if (await FindAsync(form["id"].ToString(), context.RequestAborted) is not { } session)
        {
            AdminAnswer.Return(context, AdminFeature.SessionsPath, "session-gone");
            return;
        }

        await revocations.EndAsync(session.Stored, SessionEnd.EndedByTheOperator, CancellationToken.None);
        SessionEndedBySuperuser(superuser, session.Key, session.Info.Username);
        AdminAnswer.Return(context, AdminFeature.SessionsPath, "session-ended");
    });

    public Task AskForAllAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.SessionsPath, _ =>
    {
        string user = context.Request.Query["user"].ToString();
        return AdminAnswer.AskAsync(context, new AdminQuestion(
            "End all sessions?",
            $"{user} is signed out everywhere at once. Password sessions at other gateways go on.",
            [new AdminField("User", user)],
            EndAllPath,
            ("user", user),
            "End all sessions",
            AdminFeature.SessionsPath)
        {
            Checkbox = ("device_passwords", "End the device passwords, too"),
        });
    });

    /// <summary>By person, as the command does: that also stops a sign-in that has already begun.</summary>
    public Task EndAllAsync(HttpContext context, IFormCollection form) => pages.ChangeAsync(context, AdminFeature.SessionsPath, async superuser =>
    {
        string user = form["user"].ToString();
        bool withDevices = form.ContainsKey("device_passwords");
        IEnumerable<ListedSession> all = await list.ListAllAsync(context.RequestAborted);
        int ended = 0;
        foreach (byte[] person in SessionList.FindAllOfUser(all.Where(one => withDevices || one.Info.DevicePassword is null), user)
            .Select(one => one.Stored.PersonIndex).DistinctBy(Convert.ToHexStringLower))
        {
            ended += await revocations.EndAllAsync(person, SessionEnd.EndedByTheOperator, CancellationToken.None);
        }

        foreach (PasswordSession session in passwordSessions.List().Where(one => one.Username == user))
        {
            ended += await passwordSessions.EndAsync(session.Key, context.TraceId()) ? 1 : 0;
        }

        if (ended == 0)
        {
            AdminAnswer.Return(context, AdminFeature.SessionsPath, "sessions-gone");
            return;
        }

        SessionsEndedBySuperuser(superuser, ended, user);
        AdminAnswer.Return(context, AdminFeature.SessionsPath, "sessions-ended");
    });

    private async Task<ListedSession?> FindAsync(string id, CancellationToken cancellationToken) =>
        await list.FindByIdAsync(id, cancellationToken) is { Info.DevicePassword: null } session ? session : null;

    private AdminRow Row(ListedSession session) => new(session.Info.Username, Fields(session)[1..])
    {
        Actions =
        [
            new PageLink($"{settings.ScriptName}{EndPath}?id={session.Id}", "End this session"),
            new PageLink($"{settings.ScriptName}{EndAllPath}?user={Uri.EscapeDataString(session.Info.Username)}", "End all sessions of this person"),
        ],
    };

    private static AdminField[] Fields(ListedSession session) =>
    [
        new("User", session.Info.Username),
        new("Device", SessionEntry.DeviceTextOf(session.Info.Device)),
        new("Address", AdminAnswer.AddressText(session.Info.Address)),
        new("Provider", session.Info.Provider),
        new("Signed in", session.Info.SignedInAt),
        new("Last used", session.UsedAt),
        new("Expires", session.ExpiresAt),
        new("Id", session.Id),
    ];

    [LoggerMessage(
        EventId = 8100,
        EventName = "SessionEndedBySuperuser",
        Level = LogLevel.Information,
        Message = "{Actor} ended session {Session} of {User} on the admin page")]
    private partial void SessionEndedBySuperuser(string actor, SessionKey session, string user);

    [LoggerMessage(
        EventId = 8101,
        EventName = "SessionsEndedBySuperuser",
        Level = LogLevel.Information,
        Message = "{Actor} ended all {Count} sessions of {User} on the admin page")]
    private partial void SessionsEndedBySuperuser(string actor, int count, string user);
}
