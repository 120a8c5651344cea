using Gateway.Metrics;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.Pages;

/// <summary>The pages of the gateway below `/gateway/`, and the frame of all its pages.</summary>
internal static class PagesFeature
{
    public const string BasePath = "/gateway";

    public const string SessionPath = "/gateway/session";

    /// <summary>The list of the person's own sessions. The SignOut feature maps it.</summary>
    public const string SessionsPath = "/gateway/sessions";

    /// <summary>The device passwords of the person. The Apps feature maps it.</summary>
    public const string AppsPath = "/gateway/apps";

    /// <summary>What the checks of the configuration found, for superusers. The Checks feature maps it.</summary>
    public const string CheckPath = "/gateway/check";

    /// <summary>Sessions, links, device passwords and refusals, for superusers. The Admin feature maps it.</summary>
    public const string AdminPath = "/gateway/admin";

    /// <summary>Answers to the check of the public address. The Checks feature maps it.</summary>
    public const string ProbePath = "/gateway/probe";

    private static readonly string[] ReadMethods = [HttpMethods.Get, HttpMethods.Head];

    public static void AddPages(this WebApplicationBuilder builder)
    {
        builder.Services.AddLocalization();
        builder.Services.AddSingleton<Texts>();
        builder.Services.AddCounters<RefusalMetrics>();
        builder.Services.AddSingleton<RecentRefusals>();
        builder.Services.AddSingleton<PageAssets>();
        builder.Services.AddSingleton<PageWriter>();
    }

    /// <remarks>
    /// All features use handlers whose only parameter is the request. For handlers with other parameters ASP.NET Core generates code at start, which
    /// costs time and memory.
    /// </remarks>
    public static void MapPages(this WebApplication app)
    {
        app.MapMethods(PageAssets.BasePath + "{name}", ReadMethods, WriteAssetAsync);
        app.MapMethods(SessionPath, ReadMethods, ShowSessionAsync);

        // With an explicit pattern: the default pattern excludes paths that look like a file.
        app.MapFallback("{**path}", NotFoundAsync);
    }

    /// <summary>Whether the path is a page about sessions: of the gateway, or of a password sign-in at Paperless.</summary>
    public static bool IsAboutSessions(PathString path) =>
        path.Equals(SessionPath, StringComparison.OrdinalIgnoreCase)
        || path.Equals(SessionsPath, StringComparison.OrdinalIgnoreCase)
        || path.Equals(AppsPath, StringComparison.OrdinalIgnoreCase);

    private static Task WriteAssetAsync(HttpContext context) =>
        context.RequestServices.GetRequiredService<PageAssets>().Find(context.Request.Path) is { } asset
            ? PageAssets.WriteAsync(context, asset)
            : NotFoundAsync(context);

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

    /// <param name="returnPath">The path to which the sign-in returns, below the script name.</param>
    public static Task NotSignedInAsync(HttpContext context, GatewaySettings settings, string returnPath) =>
        context.RequestServices.GetRequiredService<PageWriter>()
            .RefuseAsync(context, new Refusal(401, "not_signed_in", "Not signed in", "You are not signed in to Paperless in this browser.")
            {
                Level = LogLevel.Information,
                Links = [new PageLink($"{settings.ScriptName}/accounts/login/?next={Uri.EscapeDataString(settings.ScriptName + returnPath)}", "Sign in")],
            });

    private static Task NotFoundAsync(HttpContext context) =>
        context.RequestServices.GetRequiredService<PageWriter>().RefuseAsync(context, new Refusal(404, "not_found", "Not found", "There is no such page here.")
        {
            Level = LogLevel.Information,
            Links = [new PageLink(context.RequestServices.GetRequiredService<GatewaySettings>().ScriptName + "/", "To Paperless")],
        });
}
