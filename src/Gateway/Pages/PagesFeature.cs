using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.Pages;

/// <summary>The gateway's own pages under `/gateway/`, and the frame of all its pages.</summary>
internal static class PagesFeature
{
    public const string SessionPath = "/gateway/session";

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

    private static Task ShowSessionAsync(HttpContext context, GatewaySettings settings)
    {
        // A session that is not the gateway's own: whoever recognised it has said who it is.
        if ((context.Session() is { } session ? SessionView.Of(session) : context.Features.Get<SessionView>()) is not { } view)
        {
            return PageWriter.WriteAsync(context, new Refusal(401, "not_signed_in", "Not signed in", "Nobody is signed in here.")
            {
                Links = [new PageLink($"{settings.ScriptName}/accounts/login/?next={Uri.EscapeDataString(settings.ScriptName + SessionPath)}", "Sign in")],
            });
        }

        if (context.Request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase)))
        {
            return PageWriter.ShowAsync<SessionPage>(context, 200, new() { [nameof(SessionPage.Session)] = view });
        }

        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.Vary = "Accept, Cookie";
        return context.Response.WriteAsJsonAsync(view, SessionViewJson.Default.SessionView);
    }

    private static Task NotFoundAsync(HttpContext context, PageWriter pages, GatewaySettings settings) =>
        pages.RefuseAsync(context, new Refusal(404, "not_found", "Not found", "There is no such page here.")
        {
            Links = [new PageLink(settings.ScriptName + "/", "To Paperless")],
        });
}
