using Gateway.PasswordSessions;
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
        builder.Services.AddSingleton<PageWriter>();
    }

    /// <remarks>
    /// Here and in all features: handlers that take the request alone, and ask it for what they need. For others ASP.NET Core writes code when
    /// it starts, which costs time and memory.
    /// </remarks>
    public static void MapPages(this WebApplication app)
    {
        app.MapMethods(Stylesheet.Path, Reading, WriteStylesheetAsync);
        app.MapMethods(SessionPath, Reading, ShowSessionAsync);

        // Said with its pattern: by itself it leaves out every address that looks like a file.
        app.MapFallback("{**path}", NotFoundAsync);
    }

    /// <summary>Whether the page at that path says something of the session, whoever keeps it.</summary>
    public static bool IsAboutSessions(PathString path) =>
        path.Equals(SessionPath, StringComparison.OrdinalIgnoreCase) || path.Equals(SessionsPath, StringComparison.OrdinalIgnoreCase);

    private static Task WriteStylesheetAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.Headers.CacheControl = "public, max-age=31536000, immutable";
        response.Headers.XContentTypeOptions = "nosniff";
        response.ContentType = "text/css; charset=utf-8";
        response.ContentLength = Stylesheet.Bytes.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(Stylesheet.Bytes, 0, Stylesheet.Bytes.Length);
    }

    private static Task ShowSessionAsync(HttpContext context)
    {
        if (context.Session() is { } session)
        {
            return ShowSessionAsync(context, SessionView.From(session));
        }

        if (context.PasswordSession() is { } passwordSession)
        {
            return ShowSessionAsync(context, SessionView.From(passwordSession));
        }

        return NotSignedInAsync(context, context.RequestServices.GetRequiredService<GatewaySettings>(), SessionPath);
    }

    private static Task ShowSessionAsync(HttpContext context, SessionView view) => context.Request.WantsPage()
        ? PageWriter.ShowAsync<SessionPage>(context, 200, new() { [nameof(SessionPage.Session)] = view })
        : PageWriter.WriteJsonAsync(context, view, SessionViewJson.Default.SessionView);

    /// <param name="back">Where the sign-in then leads, below the script name.</param>
    public static Task NotSignedInAsync(HttpContext context, GatewaySettings settings, string back) =>
        context.RequestServices.GetRequiredService<PageWriter>()
            .RefuseAsync(context, new Refusal(401, "not_signed_in", "Not signed in", "Nobody is signed in here.")
            {
                Level = LogLevel.Information,
                Links = [new PageLink($"{settings.ScriptName}/accounts/login/?next={Uri.EscapeDataString(settings.ScriptName + back)}", "Sign in")],
            });

    private static Task NotFoundAsync(HttpContext context) =>
        context.RequestServices.GetRequiredService<PageWriter>().RefuseAsync(context, new Refusal(404, "not_found", "Not found", "There is no such page here.")
        {
            Links = [new PageLink(context.RequestServices.GetRequiredService<GatewaySettings>().ScriptName + "/", "To Paperless")],
        });
}
