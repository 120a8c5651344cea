using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.SignIn;
using Gateway.Tracing;

namespace Gateway.Admin;

/// <summary>Paperless's own sessions after a sign-in with a password, as far as this gateway knows them: shows them, and ends one.</summary>
internal sealed partial class AdminPasswordSessionsEndpoint(
    SuperuserPages pages,
    PasswordSessionRegistry sessions,
    GatewaySettings settings,
    ILogger<SecurityLog> logger)
{
    public const string EndPath = AdminFeature.PasswordSessionsPath + "/end";

    public Task ShowAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.PasswordSessionsPath, _ =>
    {
        ListQuery query = ListQuery.From(context.Request);
        PasswordSession[] found = [.. sessions.List().Where(session => query.Matches(session.Username))];
        AdminList list = new(
            "Password sessions",
            AdminFeature.PasswordSessionsPath,
            "People whom this gateway has seen with a Paperless password since its start. Paperless has no list of these sessions. Some may have "
                + "ended already, and other gateways may have seen others.",
            [.. query.RowsOfPage(found).Select(Row)])
        {
            SearchLabel = "User name",
        };
        return AdminAnswer.ShowListAsync(context, query.WithPaging(list, found.Length));
    });

    public Task AskAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.PasswordSessionsPath, _ =>
    {
        if (Find(context.Request.Query["id"].ToString()) is not { } session)
        {
            AdminAnswer.Return(context, AdminFeature.PasswordSessionsPath, "session-gone");
            return Task.CompletedTask;
        }

        return AdminAnswer.AskAsync(context, new AdminQuestion(
            "End this session?",
            $"{session.Username} is signed out there at once. Other gateways notice within a minute.",
            Fields(session),
            EndPath,
            ("id", session.Key.Id),
            "End the session",
            AdminFeature.PasswordSessionsPath));
    });

    public Task EndAsync(HttpContext context, IFormCollection form) => pages.ChangeAsync(context, AdminFeature.PasswordSessionsPath, async superuser =>
    {
        if (Find(form["id"].ToString()) is not { } session || !await sessions.EndAsync(session.Key, context.TraceId()))
        {
            AdminAnswer.Return(context, AdminFeature.PasswordSessionsPath, "session-gone");
            return;
        }

        PasswordSessionEndedBySuperuser(superuser, session.Key, session.Username);
        AdminAnswer.Return(context, AdminFeature.PasswordSessionsPath, "session-ended");
    });

    private PasswordSession? Find(string id) => sessions.List().FirstOrDefault(session => session.Key.Id == id);

    private AdminRow Row(PasswordSession session) => new(session.Username, Fields(session)[1..])
    {
        Actions = [new PageLink($"{settings.ScriptName}{EndPath}?id={session.Key.Id}", "End this session")],
    };

    private static AdminField[] Fields(PasswordSession session) =>
        [new("User", session.Username), new("Last confirmed", session.CheckedAt), new("Id", session.Key.Id)];

    [LoggerMessage(
        EventId = 8102,
        EventName = "PasswordSessionEndedBySuperuser",
        Level = LogLevel.Information,
        Message = "{Actor} ended the password session {Session} of {User} on the admin page")]
    private partial void PasswordSessionEndedBySuperuser(string actor, SessionKey session, string user);
}
