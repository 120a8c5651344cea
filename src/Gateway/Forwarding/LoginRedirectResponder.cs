using System.Net;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Recheck;
using Gateway.Sessions;
using Gateway.Settings;

namespace Gateway.Forwarding;

/// <summary>
/// Answers in place of Paperless where Paperless redirects to its login page although nobody has to sign in. The gateway's sign-in page would
/// redirect a signed-in person back, and so on without end.
/// </summary>
internal sealed class LoginRedirectResponder(GatewaySettings settings, SessionRecheck recheck, RemoteUserStatus remoteUser, PageWriter pages)
{
    private const string LoginPath = "/accounts/login/";

    private readonly PageLink _frontPage = new(settings.ScriptName + "/", "To Paperless");
    private readonly PageLink _signOut = new(settings.ScriptName + "/accounts/logout/", "Sign out");

    /// <summary>Whether Paperless requires a sign-in and would lead back afterwards; its other redirects to the login page do not loop.</summary>
    public static bool IsLoginRedirect(HttpRequest request, HttpResponseMessage response)
    {
        if ((int)response.StatusCode is < 300 or >= 400 || response.Headers.Location is not { } location)
        {
            return false;
        }

        if (location.IsAbsoluteUri && location.Authority != request.Host.Value)
        {
            return false;
        }

        string target = location.OriginalString;
        int query = target.IndexOf('?', StringComparison.Ordinal);
        return query >= 0
            && target.AsSpan(0, query).EndsWith(LoginPath, StringComparison.Ordinal)
            && (target.AsSpan(query).StartsWith("?next=", StringComparison.Ordinal) || target.AsSpan(query).Contains("&next=", StringComparison.Ordinal));
    }

    /// <summary>A page proves that Paperless accepts the user header. Account and admin pages can be public.</summary>
    public void NoteAcceptance(HttpRequest request, HttpResponseMessage response)
    {
        string path = request.Path.Value!;
        if (remoteUser.IsIgnored && response.StatusCode == HttpStatusCode.OK && IsPage(path) && !IsAccountOrAdminPage(path))
        {
            remoteUser.ReportAccepted();
        }
    }

    /// <param name="session">The session whose user the request named; null where it named nobody.</param>
    public async Task AnswerAsync(HttpContext context, Session? session)
    {
        Refusal refusal = session is null ? NotThere() : await ExplainAsync(context, session);
        context.Response.Clear();
        await pages.RefuseAsync(context, refusal);
    }

    private async Task<Refusal> ExplainAsync(HttpContext context, Session session)
    {
        (Refusal? refusal, string? noAnswer) = await recheck.CheckAccountAsync(context, session);
        if (refusal is not null)
        {
            // The recheck has logged the warning.
            return refusal with
            {
                Level = LogLevel.Information,
                Links = [new PageLink($"{settings.ScriptName}{LoginPath}?loggedout=1", "Sign in as somebody else")],
            };
        }

        if (noAnswer is not null)
        {
            return new Refusal(503, "account_unknown", "Paperless asks for a sign-in again", "The gateway cannot find out why at the moment.")
            {
                Remedy = "If this message stays, ask the person who runs Paperless.",
                RetryAfter = 5,
                ForTheOperator = $"Paperless redirects to its login page, and does not say why: {noAnswer}.",
            };
        }

        if (context.Session() is { } now && now.Identity.Username != session.Identity.Username)
        {
            return new Refusal(503, "account_renamed", "Your user name has changed", $"Your Paperless account is called {now.Identity.Username} now.")
            {
                RetryAfter = 1,
                Level = LogLevel.Information,
            };
        }

        if (!IsPage(context.Request.Path.Value!))
        {
            return NotThere();
        }

        remoteUser.ReportIgnored();
        return new Refusal(
            502,
            "user_header_ignored",
            "Paperless does not accept the sign-in",
            "You are signed in here, but Paperless does not accept the gateway's user header.")
        {
            Remedy = Refusal.AskTheOperator,
            ForTheOperator = $"Paperless answered {context.Request.PathForLogs()} with a redirect to its login page: it ignores the header "
                + $"{settings.Paperless.UserHeader} with which the gateway names people. {remoteUser.Remedy}",
            Links = [_signOut],
            Level = LogLevel.Information,
        };
    }

    /// <summary>Paperless shows its page at any path to a signed-in user, except where it reads no user header: in the API and for files.</summary>
    private static bool IsPage(string path) =>
        !path.Contains("/api/", StringComparison.Ordinal) && !path.StartsWith("/static/", StringComparison.Ordinal);

    private static bool IsAccountOrAdminPage(string path) =>
        path.StartsWith("/accounts/", StringComparison.Ordinal) || path.StartsWith("/admin/", StringComparison.Ordinal);

    private Refusal NotThere() => new(404, "not_there", "Not found", "Paperless has nothing at this address.")
    {
        Links = [_frontPage],
        Level = LogLevel.Information,
    };
}
