using Gateway.Access;
using Gateway.Pages;
using Gateway.PasswordSessions;
using Gateway.Recheck;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.SignIn;

/// <summary>Answers requests for pages of superusers, or says why it cannot.</summary>
internal sealed class SuperuserPages(
    GatewaySettings settings,
    PageWriter pages,
    AccessRefusals refusals,
    SessionRecheck recheck,
    PasswordSessionRegistry passwordSessions,
    TimeProvider time)
{
    /// <summary>
    /// A request that changes something must come from a page of the gateway's own origin, and of somebody whom Paperless calls a superuser now.
    /// </summary>
    /// <param name="path">Of the page, below the script name.</param>
    /// <param name="answer">Gets the name of the superuser.</param>
    public Task ChangeAsync(HttpContext context, string path, Func<string, Task> answer) =>
        CrossSiteGuard.IsSameOrigin(context.Request, settings.Public)
            ? ShowAsync(context, path, superuser => ConfirmAsync(context, path, () => answer(superuser)))
            : refusals.RefuseCrossSiteAsync(context);

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
            await pages.RefuseAsync(context, NotSuperuser());
            return;
        }

        if (context.Session() is { } session && IsStale(session))
        {
            const string detail = "Your access was not confirmed in the last few minutes.";
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
    private bool IsStale(Session session) => session.IsHeldBack || session.IsRecheckOverdue(time.GetUtcNow(), settings.Session.Recheck);

    /// <summary>Asks Paperless afresh, because a superuser of a moment ago may be none any more.</summary>
    private async Task ConfirmAsync(HttpContext context, string path, Func<Task> change)
    {
        bool? isSuperuser;
        string? noAnswer;
        if (context.Session() is { } session)
        {
            (Refusal? refusal, noAnswer) = await recheck.CheckAccountAsync(context, session);
            if (refusal is not null)
            {
                // The recheck has logged the warning.
                await pages.RefuseAsync(context, refusal with { Level = LogLevel.Information });
                return;
            }

            isSuperuser = context.Session()?.Identity.Superuser;
        }
        else
        {
            PasswordSessionResult result = passwordSessions.CookieOf(context) is { } cookie
                ? await passwordSessions.FindAsync(cookie, context.RequestAborted, askAgain: true)
                : PasswordSessionResult.NotSignedIn;
            noAnswer = result.Failure?.Message;
            isSuperuser = result.Session?.IsSuperuser;
        }

        if (noAnswer is not null)
        {
            await pages.RefuseAsync(context, NotAsked(path, noAnswer));
        }
        else if (isSuperuser == true)
        {
            await change();
        }
        else
        {
            await pages.RefuseAsync(context, NotSuperuser());
        }
    }

    private static Refusal NotSuperuser() => new(403, "not_superuser", "For superusers", "Only superusers of Paperless see this page.");

    private Refusal NotAsked(string path, string reason) =>
        new(503, "not_confirmed", "Not confirmed", "Paperless does not say at the moment whether you are a superuser. Nothing has changed.")
        {
            RetryAfter = 5,
            RetryAt = settings.ScriptName + path,
            ForTheOperator = $"Paperless was asked about the superuser before a change, and did not answer: {reason}.",
        };

    private Task RefuseWithoutStoreAsync(HttpContext context, string path, string reason)
    {
        const string detail = "The gateway's store cannot be read or changed just now.";
        Refusal refusal = new(503, "store_unavailable", "No sessions at the moment", detail);
        return pages.RefuseAsync(context, StoreUnavailableRefusal.WithRetry(refusal, settings.ScriptName + path, reason));
    }
}
