using System.Globalization;
using Gateway.Accounts;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Settings;
using Gateway.SignIn;
using Gateway.Storage;

namespace Gateway.Admin;

/// <summary>The links of Paperless accounts to people at a provider: shows them, and removes one.</summary>
internal sealed partial class AdminLinksEndpoint(
    SuperuserPages pages,
    IAccountLinkStore links,
    LinkedSessions linkedSessions,
    PaperlessApi api,
    GatewaySettings settings,
    ILogger<SecurityLog> logger)
{
    public const string RemovePath = AdminFeature.LinksPath + "/remove";

    public Task ShowAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.LinksPath, async _ =>
    {
        ListQuery query = ListQuery.From(context.Request);
        IReadOnlyList<AccountLink> all = await links.ListAllAsync(context.RequestAborted);
        Dictionary<int, PaperlessUser>? users = await FindUsersAsync(context.RequestAborted);
        (AccountLink Link, string User)[] found =
        [
            .. all.Select(link => (Link: link, User: NameOf(link, users)))
                .Where(one => query.Matches(one.User, one.Link.Label, one.Link.Subject)),
        ];
        AdminList list = new(
            "Connected accounts",
            AdminFeature.LinksPath,
            "The Paperless accounts and the people at a provider who sign in to them, oldest first. A dash stands for a user whom Paperless no longer has.",
            [.. query.RowsOfPage(found).Select(one => Row(one.Link, one.User))])
        {
            SearchLabel = "User name or subject",
            Warning = users is null ? "Paperless does not answer, so the list shows no user names of Paperless." : null,
        };
        await AdminAnswer.ShowListAsync(context, query.WithPaging(list, found.Length));
    });

    public Task AskAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.LinksPath, async _ =>
    {
        if (await FindAsync(context.Request.Query["id"].ToString(), context.RequestAborted) is not { } link)
        {
            AdminAnswer.Return(context, AdminFeature.LinksPath, "link-gone");
            return;
        }

        await AdminAnswer.AskAsync(context, new AdminQuestion(
            "Remove this connection?",
            $"{link.Label} no longer signs in to this account with {link.Provider}. The sessions and device passwords of the connection end.",
            Fields(link, NameOf(link, await FindUsersAsync(context.RequestAborted))),
            RemovePath,
            ("id", Id(link)),
            "Remove the connection",
            AdminFeature.LinksPath)
        {
            Note = Note(settings.Accounts.Match),
        });
    });

    public Task RemoveAsync(HttpContext context, IFormCollection form) => pages.ChangeAsync(context, AdminFeature.LinksPath, async superuser =>
    {
        if (await FindAsync(form["id"].ToString(), context.RequestAborted) is not { } link
            || await links.RemoveAsync(link.Id, link.UserId, CancellationToken.None) is null)
        {
            AdminAnswer.Return(context, AdminFeature.LinksPath, "link-gone");
            return;
        }

        // After the link is removed: a later sign-in no longer finds it.
        AccountUnlinkedBySuperuser(superuser, link.UserId, link.Subject, link.Issuer, link.Provider);
        await linkedSessions.EndAsync(link);
        AdminAnswer.Return(context, AdminFeature.LinksPath, "link-removed");
    });

    /// <summary>A removed link does not keep somebody out whose name or address matches an account.</summary>
    private static PageText? Note(AccountMatch match) => match switch
    {
        AccountMatch.Username => "Because of GATEWAY_MATCH_ACCOUNTS=username, the next sign-in with the same user name may connect the account again.",
        AccountMatch.VerifiedEmail =>
            "Because of GATEWAY_MATCH_ACCOUNTS=verified-email, the next sign-in with the same email address may connect the account again.",
        _ => null,
    };

    private async Task<AccountLink?> FindAsync(string id, CancellationToken cancellationToken) =>
        (await links.ListAllAsync(cancellationToken)).FirstOrDefault(link => Id(link) == id);

    /// <returns>The users of Paperless by their id; null if Paperless does not answer.</returns>
    private async Task<Dictionary<int, PaperlessUser>?> FindUsersAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await api.ListUsersAsync(cancellationToken)).DistinctBy(user => user.Id).ToDictionary(user => user.Id);
        }
        catch (PaperlessApiException)
        {
            return null;
        }
    }

    private static string NameOf(AccountLink link, Dictionary<int, PaperlessUser>? users)
    {
        PaperlessUser? user = users?.GetValueOrDefault(link.UserId);
        return user?.HasJoinedAt(link.Joined) == true ? user.Username : AdminAnswer.Unknown;
    }

    private static string Id(AccountLink link) => link.Id.ToString(CultureInfo.InvariantCulture);

    private AdminRow Row(AccountLink link, string user) => new($"{user} – {link.Label}", Fields(link, user))
    {
        Actions = [new PageLink($"{settings.ScriptName}{RemovePath}?id={Id(link)}", "Remove this connection")],
    };

    private static AdminField[] Fields(AccountLink link, string user) =>
    [
        new("User in Paperless", user),
        new("User id", link.UserId.ToString(CultureInfo.InvariantCulture)),
        new("Name at the provider", link.Label),
        new("Provider", link.Provider),
        new("Issuer", link.Issuer),
        new("Subject", link.Subject),
        new("Connected", link.LinkedAt),
    ];

    [LoggerMessage(
        EventId = 8103,
        EventName = "AccountUnlinkedBySuperuser",
        Level = LogLevel.Information,
        Message = "{Actor} removed the link of user {UserId} to {Subject} of {Issuer} at {Provider} on the admin page")]
    private partial void AccountUnlinkedBySuperuser(string actor, int userId, string subject, string issuer, string provider);
}
