using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.Checks;

/// <summary>`/gateway/check`: the findings as a page, for superusers.</summary>
internal static class CheckEndpoint
{
    public static async Task ShowAsync(HttpContext context)
    {
        bool? isSuperuser = context.Session()?.Identity.Superuser ?? context.PasswordSession()?.IsSuperuser;
        if (isSuperuser is null)
        {
            await PagesFeature.NotSignedInAsync(context, context.RequestServices.GetRequiredService<GatewaySettings>(), PagesFeature.CheckPath);
            return;
        }

        if (isSuperuser == false)
        {
            const string detail = "Only superusers of Paperless see the checks of the configuration.";
            await context.RequestServices.GetRequiredService<PageWriter>().RefuseAsync(context, new Refusal(403, "not_superuser", "For superusers", detail));
            return;
        }

        if (context.Session() is { } session && IsStale(session, context.RequestServices))
        {
            const string detail = "Nobody has confirmed for some minutes that you are a superuser.";
            await context.RequestServices.GetRequiredService<PageWriter>()
                .RefuseAsync(context, new Refusal(403, "not_confirmed", "Not confirmed", detail) { Remedy = "Open Paperless, and then this page again." });
            return;
        }

        CheckReport report = await context.RequestServices.GetRequiredService<LatestReport>().RefreshAsync(context.RequestAborted);
        CheckView view = View(report, context.RequestServices.GetRequiredService<GatewaySettings>());
        await PageWriter.ShowAsync<CheckPage>(context, StatusCodes.Status200OK, new() { [nameof(CheckPage.Check)] = view });
    }

    /// <summary>Only a request for Paperless asks the provider and Paperless about the person again.</summary>
    private static bool IsStale(Session session, IServiceProvider services) => session.IsHeldBack
        || services.GetRequiredService<TimeProvider>().GetUtcNow() - session.CheckedAt > services.GetRequiredService<SessionSettings>().Recheck * 2;

    private static CheckView View(CheckReport report, GatewaySettings settings) => new(
        [
            .. report.Findings.Select(finding =>
                new CheckViewLine(finding.Mark, finding.Level.ToString().ToLowerInvariant(), finding.Subject, finding.Seen, finding.Remedy)),
        ],
        [.. RegisteredAddress.Of(settings).Select(address => new CheckViewAddress(address.Provider, address.Use, address.Address))]);
}
