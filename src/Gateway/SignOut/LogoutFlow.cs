using Gateway.Pages;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Storage;
using Microsoft.AspNetCore.Authentication;

namespace Gateway.SignOut;

/// <summary>
/// Ends the gateway's session with its WebSockets, then Paperless's session, deletes Paperless's cookies, and redirects to the provider's logout.
/// </summary>
internal sealed class LogoutFlow(
    EndSessionRedirect endSession,
    PaperlessSessionLogout paperless,
    PasswordSessionRegistry passwordSessions,
    PaperlessCookies cookies,
    SessionRegistry sessions,
    Revocations revocations,
    SessionCookie cookie)
{
    /// <param name="everywhere">Ends every other session of that person, too.</param>
    /// <param name="devicePasswords">With <paramref name="everywhere"/>: ends the device passwords of that person, too.</param>
    /// <exception cref="StoreUnavailableException">Not everything could be ended <paramref name="everywhere"/>; nothing was answered yet.</exception>
    public async Task AnswerAsync(HttpContext context, bool everywhere = false, bool devicePasswords = false)
    {
        Session? session = context.Session();
        string? idToken = session is not null && cookie.TryRead(context.Request.Headers.Cookie, out SessionSecret secret) ? await IdTokenAsync(secret) : null;
        if (everywhere && session is not null)
        {
            if (devicePasswords)
            {
                byte[] index = SessionIndex.ForDevicePasswords(session.Identity.Person);
                await revocations.EndAllAsync(index, SessionEnd.SignedOutEverywhere, CancellationToken.None);
            }

            await revocations.EndAllAsync(session.PersonIndex, SessionEnd.SignedOutEverywhere, CancellationToken.None);
            cookie.Delete(context.Response);
        }
        else
        {
            // The gateway's session ends first: a later failure must not leave access open.
            await context.SignOutAsync(SessionScheme.Name);
        }

        await (session is null ? passwordSessions.EndAsync(context, PasswordSessionEnd.SignedOut) : paperless.EndAsync(context, session));
        cookies.Delete(context.Response);
        context.Response.Headers["Clear-Site-Data"] = "\"cache\"";
        PageWriter.SeeOther(
            context.Response,
            session is null ? endSession.SignedOutPage : await endSession.GetLocationAsync(session.Identity.Provider, idToken, context.RequestAborted));
    }

    /// <summary>The hint for the provider; a store outage must not prevent signing out.</summary>
    private async Task<string?> IdTokenAsync(SessionSecret secret)
    {
        try
        {
            return (await sessions.ReadRecordAsync(secret, CancellationToken.None))?.Tokens.IdToken;
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }
}
