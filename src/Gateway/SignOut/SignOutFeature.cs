using Gateway.Access;
using Gateway.Metrics;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.SignIn;

namespace Gateway.SignOut;

/// <summary>One logout that ends everything: Paperless's session, the gateway's, its WebSockets, the cookies, then the provider's.</summary>
internal static class SignOutFeature
{
    public const string Path = "/accounts/logout/";

    /// <summary>Every path at which Paperless and its apps log out.</summary>
    private static readonly string[] Paths = [Path, "/api/auth/logout/", "/admin/logout/"];

    /// <summary>The provider sends back-channel logouts to this path.</summary>
    public static string BackChannelPath(string providerId) => $"/accounts/oidc/{providerId}/logout/backchannel/";

    /// <summary>The provider's page loads this path in a hidden frame (front-channel logout).</summary>
    public static string FrontChannelPath(string providerId) => $"/accounts/oidc/{providerId}/logout/frontchannel/";

    public static void AddSignOut(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<EndSessionRedirect>();
        builder.Services.AddSingleton<LogoutFlow>();
        builder.Services.AddSingleton<MySessionsEndpoint>();
        builder.Services.AddCounters<LogoutTokenMetrics>();
        builder.Services.AddSingleton<BackChannelLogout>();
        builder.Services.AddSingleton<FrontChannelLogout>();
    }

    public static void MapSignOut(this WebApplication app)
    {
        foreach (string path in Paths)
        {
            app.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], SignOutAsync);
            app.MapForm(path, (context, _) => SignOutAsync(context));
        }

        app.MapMethods(PagesFeature.SessionsPath, [HttpMethods.Get, HttpMethods.Head], context => Endpoint(context).ShowAsync(context));
        app.MapForm(MySessionsEndpoint.EndPath, (context, form) => Endpoint(context).EndAsync(context, form));
        app.MapForm(MySessionsEndpoint.EndAllPath, (context, form) => Endpoint(context).EndAllAsync(context, form));
        app.MapPost(
            BackChannelPath("{providerId}"),
            context => context.RequestServices.GetRequiredService<BackChannelLogout>().AnswerAsync(context, context.ProviderId()));
        app.MapGet(
            FrontChannelPath("{providerId}"),
            context => context.RequestServices.GetRequiredService<FrontChannelLogout>().AnswerAsync(context, context.ProviderId()));
    }

    private static MySessionsEndpoint Endpoint(HttpContext context) => context.RequestServices.GetRequiredService<MySessionsEndpoint>();

    private static Task SignOutAsync(HttpContext context)
    {
        IServiceProvider services = context.RequestServices;
        GatewaySettings settings = services.GetRequiredService<GatewaySettings>();
        if (CrossSiteGuard.IsUserAction(context.Request, settings.Public))
        {
            return services.GetRequiredService<LogoutFlow>().AnswerAsync(context);
        }

        return context.Request.IsNavigation()
            ? ConfirmAsync(context, settings, services.GetRequiredService<EndSessionRedirect>())
            : services.GetRequiredService<AccessRefusals>().RefuseBackgroundSignOutAsync(context);
    }

    private static async Task ConfirmAsync(HttpContext context, GatewaySettings settings, EndSessionRedirect endSession)
    {
        Session? session = context.Session();
        bool isUnknown = context.Features.Get<SessionLookupFailed>() is not null;
        if (session is null && !isUnknown && context.PasswordSessionResult().Status == PasswordSessionStatus.NotSignedIn)
        {
            // Browsers send no Lax cookie with another site's POST; the GET that follows brings it, and is asked about.
            PageWriter.SeeOther(context.Response, HttpMethods.IsPost(context.Request.Method) ? settings.ScriptName + Path : endSession.SignedOutPage);
            return;
        }

        await PageWriter.ShowAsync<ConfirmSignOutPage>(
            context,
            StatusCodes.Status200OK,
            new()
            {
                [nameof(ConfirmSignOutPage.Action)] = settings.ScriptName + Path,
                [nameof(ConfirmSignOutPage.AtProvider)] = session is not null,
                [nameof(ConfirmSignOutPage.Stay)] = settings.ScriptName + "/",
            },
            session is null ? "'self'" : await endSession.GetFormActionAsync(session.Identity.Provider, context.RequestAborted));
    }
}
