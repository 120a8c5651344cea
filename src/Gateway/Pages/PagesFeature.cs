using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.Pages;

/// <summary>The gateway's own pages under `/gateway/`, and the frame of all its pages.</summary>
internal static class PagesFeature
{
    public const string OwnPath = "/gateway";

    public const string SessionPath = "/gateway/session";

    /// <summary>One's own sessions; whoever ends things answers there.</summary>
    public const string SessionsPath = "/gateway/sessions";

    private static readonly string[] Reading = [HttpMethods.Get, HttpMethods.Head];

    public static void AddPages(this WebApplicationBuilder builder)
    {
        builder.Services.AddRazorComponents();
        builder.Services.AddSingleton<PageWriter>();
    }

    public static void MapPages(this WebApplication app)
    {
        app.MapMethods(Stylesheet.Path, Reading, (HttpContext context) =>
        {
            context.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
            context.Response.Headers.XContentTypeOptions = "nosniff";
            return TypedResults.Bytes(Stylesheet.Bytes, "text/css; charset=utf-8");
        });
        app.MapMethods(SessionPath, Reading, ShowSessionAsync);

        // Said with its pattern: by itself it leaves out every address that looks like a file.
        app.MapFallback("{**path}", NotFoundAsync);
    }

    /// <summary>Whether the page at that path says something of the session, whoever keeps it.</summary>
    public static bool IsAboutSessions(PathString path) =>
        path.Equals(SessionPath, StringComparison.OrdinalIgnoreCase) || path.Equals(SessionsPath, StringComparison.OrdinalIgnoreCase);

    private static Task ShowSessionAsync(HttpContext context, GatewaySettings settings)
    {
        // A session that is not the gateway's own: whoever recognised it has said who it is.
        if ((context.Session() is { } session ? SessionView.Of(session) : context.Features.Get<SessionView>()) is not { } view)
        {
            return NotSignedInAsync(context, settings, SessionPath);
        }

        return context.Request.WantsPage()
            ? PageWriter.ShowAsync<SessionPage>(context, 200, new() { [nameof(SessionPage.Session)] = view })
            : PageWriter.WriteJsonAsync(context, view, SessionViewJson.Default.SessionView);
    }

    /// <param name="back">Where the sign-in then leads, below the script name.</param>
    public static Task NotSignedInAsync(HttpContext context, GatewaySettings settings, string back) =>
        PageWriter.WriteAsync(context, new Refusal(401, "not_signed_in", "Not signed in", "Nobody is signed in here.")
        {
            Links = [new PageLink($"{settings.ScriptName}/accounts/login/?next={Uri.EscapeDataString(settings.ScriptName + back)}", "Sign in")],
        });

    private static Task NotFoundAsync(HttpContext context, PageWriter pages, GatewaySettings settings) =>
        pages.RefuseAsync(context, new Refusal(404, "not_found", "Not found", "There is no such page here.")
        {
            Links = [new PageLink(settings.ScriptName + "/", "To Paperless")],
        });
}
