using Gateway.Pages;
using Gateway.Proxy;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.Authentication;

namespace Gateway.SignOut;

/// <summary>One logout that ends everything: Paperless's session, the gateway's, its WebSockets, the cookies, then the provider's.</summary>
internal static class SignOutFeature
{
    public const string Path = "/accounts/logout/";

    /// <summary>Where Paperless and its apps log out; all of them end up here.</summary>
    private static readonly string[] Paths = [Path, "/api/auth/logout/", "/admin/logout/"];

    /// <summary>Where a provider ends sessions, server to server.</summary>
    public static string BackChannelPath(string providerId) => $"/accounts/oidc/{providerId}/logout/backchannel/";

    /// <summary>Where it does so in a frame of its own page.</summary>
    public static string FrontChannelPath(string providerId) => $"/accounts/oidc/{providerId}/logout/frontchannel/";

    public static void AddSignOut(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<EndSession>();
        builder.Services.AddSingleton<BackChannelLogout>();
        builder.Services.AddSingleton<FrontChannelLogout>();
    }

    public static void MapSignOut(this WebApplication app)
    {
        foreach (string path in Paths)
        {
            app.MapMethods(path, [HttpMethods.Get, HttpMethods.Post], SignOutAsync);
        }

        app.MapPost(BackChannelPath("{providerId}"), (HttpContext context, string providerId, BackChannelLogout logout) => logout.AnswerAsync(context, providerId));
        app.MapGet(FrontChannelPath("{providerId}"), (HttpContext context, string providerId, FrontChannelLogout logout) => logout.AnswerAsync(context, providerId));
    }

    private static async Task SignOutAsync(HttpContext context, GatewaySettings settings, EndSession endSession, PaperlessSession paperless, LocalSessions locals, PaperlessCookies cookies, SessionKeeper sessions, SessionCookie cookie)
    {
        if (!CrossSiteGuard.CameFromHere(context.Request, settings.Public))
        {
            await AskAsync(context, settings, endSession);
            return;
        }

        Session? session = context.Session();
        string? idToken = session is not null && cookie.TryRead(context.Request.Headers.Cookie, out SessionSecret secret) ? await IdTokenAsync(sessions, secret) : null;

        // The gateway's session first: whatever fails after it, nobody gets in any more.
        await context.SignOutAsync(SessionScheme.Name);
        await (session is null ? locals.EndAsync(context, LocalSessionEnd.SignedOut) : paperless.EndAsync(context, session));
        cookies.Delete(context.Response);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["Clear-Site-Data"] = "\"cache\"";
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = session is null ? endSession.SignedOutPage : await endSession.AddressAsync(session.Identity.Provider, idToken, context.RequestAborted);
    }

    /// <summary>The hint for the provider; a store that does not answer keeps nobody from signing out.</summary>
    private static async Task<string?> IdTokenAsync(SessionKeeper sessions, SessionSecret secret)
    {
        try
        {
            return (await sessions.RecordAsync(secret, CancellationToken.None))?.Record.Tokens.IdToken;
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }

    private static async Task AskAsync(HttpContext context, GatewaySettings settings, EndSession endSession)
    {
        Session? session = context.Session();
        if (session is null && context.LocalFinding().Answer == LocalAnswer.Nobody)
        {
            // Browsers send no Lax cookie with another site's POST; the GET that follows brings it, and is asked about.
            context.Response.Headers.CacheControl = "no-store";
            context.Response.StatusCode = StatusCodes.Status303SeeOther;
            context.Response.Headers.Location = HttpMethods.IsPost(context.Request.Method) ? settings.ScriptName + Path : endSession.SignedOutPage;
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
            session is null ? "'self'" : await endSession.FormActionAsync(session.Identity.Provider, context.RequestAborted));
    }
}
