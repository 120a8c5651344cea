using Gateway.Pages;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.SignIn;

namespace Gateway.Admin;

/// <summary>The device passwords of everybody: shows them, and revokes one.</summary>
internal sealed partial class AdminDevicesEndpoint(
    SuperuserPages pages,
    SessionList list,
    Revocations revocations,
    GatewaySettings settings,
    ILogger<SecurityLog> logger)
{
    public const string RevokePath = AdminFeature.DevicesPath + "/revoke";

    public Task ShowAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.DevicesPath, async _ =>
    {
        ListQuery query = ListQuery.From(context.Request);
        SessionListPage found = await list.FindPageAsync(
            device => device.Info.DevicePassword is not null && query.Matches(device.Info.Username),
            query.Page,
            ListQuery.PageSize,
            context.RequestAborted);
        AdminList shown = new(
            "Device passwords",
            AdminFeature.DevicesPath,
            "The device passwords of everybody, most recently used first. Nobody can read a device password here.",
            [.. found.Rows.Select(Row)])
        {
            SearchLabel = "User name",
        };
        await AdminAnswer.ShowListAsync(context, query.WithPaging(shown, found.Total));
    });

    public Task AskAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.DevicesPath, async _ =>
    {
        if (await FindAsync(context.Request.Query["id"].ToString(), context.RequestAborted) is not { } device)
        {
            AdminAnswer.Return(context, AdminFeature.DevicesPath, "device-gone");
            return;
        }

        await AdminAnswer.AskAsync(context, new AdminQuestion(
            "End this device password?",
            "The app or scanner that uses it loses access at once.",
            Fields(device),
            RevokePath,
            ("id", device.Id),
            "End the device password",
            AdminFeature.DevicesPath));
    });

    public Task RevokeAsync(HttpContext context, IFormCollection form) => pages.ChangeAsync(context, AdminFeature.DevicesPath, async superuser =>
    {
        if (await FindAsync(form["id"].ToString(), context.RequestAborted) is not { } device)
        {
            AdminAnswer.Return(context, AdminFeature.DevicesPath, "device-gone");
            return;
        }

        await revocations.EndAsync(device.Stored, SessionEnd.EndedByTheOperator, CancellationToken.None);
        DevicePasswordRevokedBySuperuser(superuser, device.Info.DevicePassword!.Name, device.Key, device.Info.Username);
        AdminAnswer.Return(context, AdminFeature.DevicesPath, "device-revoked");
    });

    private async Task<ListedSession?> FindAsync(string id, CancellationToken cancellationToken) =>
        await list.FindByIdAsync(id, cancellationToken) is { Info.DevicePassword: not null } device ? device : null;

    private AdminRow Row(ListedSession device) => new(device.Info.DevicePassword!.Name, Fields(device))
    {
        Actions = [new PageLink($"{settings.ScriptName}{RevokePath}?id={device.Id}", "End this device password")],
    };

    private static AdminField[] Fields(ListedSession device) =>
    [
        new("User", device.Info.Username),
        new("Opens", DeviceEntry.OpensText(device.Info.DevicePassword!.Scope)),
        new("Made", device.Info.SignedInAt),
        LastUsed(device),
        new("From", AdminAnswer.AddressText(device.Info.Address)),
        Expires(device),
        new("Id", device.Id),
    ];

    private static AdminField LastUsed(ListedSession device) =>
        device.DeviceUsedAt is { } used ? new("Last used", used) : new("Last used", (PageText)"Not yet");

    private static AdminField Expires(ListedSession device) =>
        device.DeviceExpiresAt is { } end ? new("Expires", end) : new("Expires", (PageText)"When it is ended");

    [LoggerMessage(
        EventId = 8104,
        EventName = "DevicePasswordRevokedBySuperuser",
        Level = LogLevel.Information,
        Message = "{Actor} ended the device password {Device} ({Session}) of {User} on the admin page")]
    private partial void DevicePasswordRevokedBySuperuser(string actor, string device, SessionKey session, string user);
}
