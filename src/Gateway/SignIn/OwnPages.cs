using Gateway.Access;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.SignIn;

/// <summary>A page of the gateway on which somebody who signed in by single sign-on sees and changes what is their own.</summary>
/// <param name="Path">Below the script name.</param>
/// <param name="WithPassword">For somebody who signed in with a Paperless password.</param>
/// <param name="StoreUnavailable">While the store does not answer; the page tries again by itself.</param>
internal sealed record OwnPage(string Path, Refusal WithPassword, Refusal StoreUnavailable);

/// <summary>Answers requests for an <see cref="OwnPage"/>, or says why it cannot.</summary>
internal sealed class OwnPages(GatewaySettings settings, PageWriter pages, AccessRefusals refusals)
{
    /// <summary>A request that changes something must come from a page of the gateway's own origin.</summary>
    public Task ChangeAsync(HttpContext context, OwnPage page, Func<Session, Task> answer) =>
        CrossSiteGuard.IsSameOrigin(context.Request, settings.Public) ? ShowAsync(context, page, answer) : refusals.RefuseCrossSiteAsync(context);

    public async Task ShowAsync(HttpContext context, OwnPage page, Func<Session, Task> answer)
    {
        if (context.Session() is not { } session)
        {
            await RefuseWithoutSessionAsync(context, page);
            return;
        }

        try
        {
            await answer(session);
        }
        catch (StoreUnavailableException error)
        {
            await RefuseWithoutStoreAsync(context, page, error.Message);
        }
    }

    /// <summary>Back to the page after a form.</summary>
    public void Return(HttpContext context, OwnPage page) => PageWriter.SeeOther(context.Response, settings.ScriptName + page.Path);

    private Task RefuseWithoutSessionAsync(HttpContext context, OwnPage page) =>
        context.PasswordSession() is null
            ? PagesFeature.NotSignedInAsync(context, settings, page.Path)
            : pages.RefuseAsync(context, page.WithPassword);

    private Task RefuseWithoutStoreAsync(HttpContext context, OwnPage page, string reason) =>
        pages.RefuseAsync(context, StoreUnavailableRefusal.WithRetry(page.StoreUnavailable, settings.ScriptName + page.Path, reason));
}
