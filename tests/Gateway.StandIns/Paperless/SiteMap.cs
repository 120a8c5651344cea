using System.Net.WebSockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Gateway.StandIns.Paperless;

/// <summary>Django's middleware and routes, in their order.</summary>
internal static partial class SiteMap
{
    public static async Task AnswerAsync(HttpContext http, PaperlessSite site, ReceivedRequest received)
    {
        Visit visit = new Visit(http, site, received);
        if (http.WebSockets.IsWebSocketRequest)
        {
            await SocketAsync(visit, received);
            return;
        }

        if (site.Worker is { } worker)
        {
            await worker.DoAsync(ProductionInterface.CostOf(visit.Path), http.RequestAborted);
        }

        // WhiteNoise stands before sessions, so a static file never sets a cookie.
        if (await StaticFiles.TryAnswerAsync(visit))
        {
            return;
        }

        http.Response.OnStarting(() =>
        {
            visit.Finish();
            return Task.CompletedTask;
        });
        if (Cors.Answer(visit))
        {
            await visit.Reply.Empty(StatusCodes.Status200OK);
            return;
        }

        visit.Body = await RequestBody.ReadAsync(http.Request, http.RequestAborted);
        received.BodyLength = visit.Body.Length;
        RemoteUserLogin.Apply(visit);
        await RouteAsync(visit, received);
    }

    private static Task RouteAsync(Visit visit, ReceivedRequest received)
    {
        if (HeadlessPages.Find(visit.Path) is { } headless)
        {
            received.Route = "headless:" + visit.Path;
            return headless(visit);
        }

        if (ApiRoutes.Find(visit) is { } view)
        {
            received.Route = "api:" + visit.Path;
            return view.AnswerAsync(visit);
        }

        // Neither share/ nor admin/ is anchored at the start.
        if (Share().Match(visit.Path) is { Success: true } share)
        {
            received.Route = "share";
            return SharePage.AnswerAsync(visit, share.Groups["slug"].Value);
        }

        if (visit.Path.IndexOf("admin/", StringComparison.Ordinal) is > 0 and var admin)
        {
            string rest = visit.Path[(admin + "admin/".Length)..];
            received.Route = "admin:" + rest;
            return AdminPages.AnswerAsync(visit, rest);
        }

        received.Route = AccountPages.Find(visit.Path) is null ? "page:" + visit.Path : "accounts:" + visit.Path;
        return visit.Path switch
        {
            "/api/" => visit.Reply.Redirect("schema/view/"),
            "/api/auth/logout/" => LogoutPage.AnswerAsync(visit),
            "/favicon.ico" => visit.Reply.WriteAsync(200, "image/x-icon", ProductionInterface.FaviconOf(visit.Site)),
            _ when visit.Path.StartsWith("/logo", StringComparison.Ordinal) && visit.Site.Options.AppLogo is not null =>
                visit.Reply.WriteAsync(200, "image/png", ProductionInterface.LogoOf(visit.Site)),
            _ when visit.Path.StartsWith("/logo", StringComparison.Ordinal) => NotFoundAsync(visit),
            _ when visit.Path.StartsWith("/assets/", StringComparison.Ordinal) =>
                visit.Reply.Redirect($"{visit.Site.Base}static/frontend/en-US{visit.Path}"),
            _ => AccountPages.Find(visit.Path) is { } page ? page(visit) : FrontPage.AnswerAsync(visit),
        };
    }

    private static Task NotFoundAsync(Visit visit) =>
        visit.Reply.Html("<h1>Not Found</h1><p>The requested resource was not found on this server.</p>", StatusCodes.Status404NotFound);

    private static async Task SocketAsync(Visit visit, ReceivedRequest received)
    {
        // Channels looks at the session's cookie alone, and at no Origin.
        received.SignedInAs = visit.User?.Name;
        if (visit.Site.Options.StrictSocketHeaders && !received.Headers.All(header => Ascii.IsValid(header.Value)))
        {
            await visit.Reply.Empty(StatusCodes.Status400BadRequest);
            return;
        }

        if (visit.Path != "/ws/status/" || visit.User is null)
        {
            await visit.Reply.Empty(StatusCodes.Status403Forbidden);
            return;
        }

        using WebSocket socket = await visit.Http.WebSockets.AcceptWebSocketAsync();
        await visit.Site.LiveStatus.ServeAsync(socket);
    }

    [GeneratedRegex(@"share/(?<slug>\w+)/?$")]
    private static partial Regex Share();
}
