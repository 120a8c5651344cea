using System.Globalization;
using Gateway.Operations;
using Gateway.Pages;
using Gateway.Settings;
using Gateway.SignIn;

namespace Gateway.Admin;

/// <summary>The overview with the health of the gateway, the latest refusals and the configuration.</summary>
internal sealed class AdminOverviewEndpoint(SuperuserPages pages, Health health, RecentRefusals refusals, GatewaySettings settings)
{
    public Task ShowAsync(HttpContext context) => pages.ShowAsync(context, PagesFeature.AdminPath, async _ =>
    {
        Readiness readiness = await health.ReadyAsync(context.RequestAborted);
        AdminOverview overview = new(StatusText(readiness), [.. readiness.Checks.Select(check => new AdminField(PageText.Verbatim(check.Key), check.Value))]);
        await PageWriter.ShowAsync<AdminPage>(context, StatusCodes.Status200OK, new() { [nameof(AdminPage.Overview)] = overview });
    });

    public Task ShowRefusalsAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.RefusalsPath, _ =>
    {
        ListQuery query = ListQuery.From(context.Request);
        RecentRefusal[] found = [.. refusals.List().Where(one => query.Matches(one.Code, one.Address, one.TraceId, one.Path))];
        AdminList list = new(
            "Refusals",
            AdminFeature.RefusalsPath,
            $"The last {RecentRefusals.Capacity} kinds of refusals by this gateway since its start. Other gateways have lists of their own. "
                + $"The log has the reason of each, by its trace id.",
            [.. query.RowsOfPage(found).Select(Row)])
        {
            SearchLabel = "Code, address, path or trace id",
        };
        return AdminAnswer.ShowListAsync(context, query.WithPaging(list, found.Length));
    });

    public Task ShowSettingsAsync(HttpContext context) => pages.ShowAsync(context, AdminFeature.SettingsPath, _ =>
    {
        AdminList list = new(
            "Configuration",
            AdminFeature.SettingsPath,
            "The variables that this gateway read at its start. For a secret, only the fact that it is set is shown.",
            [.. settings.Shown.Select(one => new AdminRow(one.Name, [new AdminField("Value", one.Value)]))])
        {
            Total = settings.Shown.Length,
        };
        return AdminAnswer.ShowListAsync(context, list);
    });

    private static PageText StatusText(Readiness readiness) => readiness.Status switch
    {
        "ready" => "ready",
        "degraded" => "degraded",
        "starting" => "starting",
        "stopping" => "stopping",
        _ => "unready",
    };

    private static AdminRow Row(RecentRefusal refusal) => new(
        refusal.Code,
        [
            new AdminField("Last", refusal.Last),
            new AdminField("How often", refusal.Count.ToString(CultureInfo.InvariantCulture)),
            new AdminField("Request", refusal.Method + " " + refusal.Path),
            new AdminField("Status", refusal.Status.ToString(CultureInfo.InvariantCulture)),
            new AdminField("From", AdminAnswer.AddressText(refusal.Address)),
            new AdminField("trace id", refusal.TraceId),
        ]);
}
