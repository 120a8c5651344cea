using Gateway.Pages;
using Gateway.Settings;
using Gateway.SignIn;

namespace Gateway.Checks;

/// <summary>`/gateway/check`: the findings as a page, for superusers.</summary>
internal static class CheckEndpoint
{
    public static Task ShowAsync(HttpContext context) =>
        context.RequestServices.GetRequiredService<SuperuserPages>().ShowAsync(context, PagesFeature.CheckPath, async _ =>
        {
            CheckReport report = await context.RequestServices.GetRequiredService<LatestReport>().RefreshAsync(context.RequestAborted);
            CheckView view = View(report, context.RequestServices.GetRequiredService<GatewaySettings>());
            await PageWriter.ShowAsync<CheckPage>(context, StatusCodes.Status200OK, new() { [nameof(CheckPage.Check)] = view });
        });

    private static CheckView View(CheckReport report, GatewaySettings settings) => new(
        [
            .. report.Findings.Select(finding =>
                new CheckViewLine(finding.Mark, finding.Level.ToString().ToLowerInvariant(), finding.Subject, finding.Seen, finding.Remedy)),
        ],
        [.. RegisteredAddress.Of(settings).Select(address => new CheckViewAddress(address.Provider, address.Use, address.Address))]);
}
