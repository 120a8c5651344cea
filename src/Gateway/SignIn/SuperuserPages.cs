using Gateway.Access;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.SignIn;

/// <summary>Answers requests for pages of superusers, or says why it cannot.</summary>
internal sealed class SuperuserPages(GatewaySettings settings, PageWriter pages, AccessRefusals refusals, TimeProvider time)
{
    /// <summary>A request that changes something must come from a page of the gateway's own origin.</summary>
    /// <param name="answer">Gets the name of the superuser.</param>
    public Task ChangeAsync(HttpContext context, string path, Func<string, Task> answer) =>
        CrossSiteGuard.IsSameOrigin(context.Request, settings.Public) ? ShowAsync(context, path, answer) : refusals.RefuseCrossSiteAsync(context);

    /// <param name="path">Of the page, below the script name: the sign-in returns to it.</param>
    /// <param name="answer">Gets the name of the superuser.</param>
    public async Task ShowAsync(HttpContext context, string path, Func<string, Task> answer)
    {
        bool? isSuperuser = context.Session()?.Identity.Superuser ?? context.PasswordSession()?.IsSuperuser;
        if (isSuperuser is null)
        {
            await PagesFeature.NotSignedInAsync(context, settings, path);
            return;
        }

        if (isSuperuser == false)
        {
            await pages.RefuseAsync(context, new Refusal(403, "not_superuser", "For superusers", "Only superusers of Paperless see this page."));
            return;
        }

        if (context.Session() is { } session && IsStale(session))
        {
            const string detail = "Nobody has confirmed for some minutes that you are a superuser.";
            await pages.RefuseAsync(
                context,
                new Refusal(403, "not_confirmed", "Not confirmed", detail) { Remedy = "Open Paperless, and then this page again." });
            return;
        }

        try
        {
            await answer(context.SignedInUser()!.Username);
        }
        catch (StoreUnavailableException error) when (!context.Response.HasStarted)
        {
            await RefuseWithoutStoreAsync(context, path, error.Message);
        }
    }

    /// <summary>Only a request for Paperless asks the provider and Paperless about the person again.</summary>
    private bool IsStale(Session session) => session.IsHeldBack || time.GetUtcNow() - session.CheckedAt > settings.Session.Recheck * 2;

    private Task RefuseWithoutStoreAsync(HttpContext context, string path, string reason) => pages.RefuseAsync(
        context,
        new Refusal(503, "store_unavailable", "No sessions at the moment", "The gateway's store cannot be read or changed just now.")
        {
            RetryAfter = 5,
            RetryAt = settings.ScriptName + path,
            ForTheOperator = StoreUnavailableRefusal.ForTheOperator(reason),
        });
}
