namespace Gateway.StandIns.Paperless;

/// <summary>allauth's pages under <c>/accounts/</c>: login, sign-up, password reset, the start of a provider's login.</summary>
internal static class AccountPages
{
    public static Func<Visit, Task>? Find(string path) => path switch
    {
        "/accounts/login/" => LoginAsync,
        "/accounts/logout/" => LogoutPage.AnswerAsync,
        "/accounts/signup/" => SignUpAsync,
        "/accounts/password/reset/" => ResetAsync,
        "/accounts/password/reset/done/" => visit => visit.Reply.Html(PageText.Plain("Check your inbox.", "")),
        _ when path.StartsWith("/accounts/oidc/", StringComparison.Ordinal) => ProviderAsync,
        _ => null,
    };

    /// <summary>Where to go after login: next, when it stays on this site.</summary>
    public static string Next(Visit visit, string otherwise)
    {
        string? next = visit.Body.Text("next") is { Length: > 0 } fromForm ? fromForm : visit.Query("next");
        return IsLocal(next) || next?.StartsWith(visit.Origin + "/", StringComparison.Ordinal) == true ? next! : otherwise;
    }

    private static bool IsLocal(string? url) =>
        url is ['/', ..] and not ['/', '/' or '\\', ..] && !url.Any(char.IsControl);

    private static Task LoginAsync(Visit visit)
    {
        if (visit.Method == "POST" && Csrf.Refusal(visit) is { } reason)
        {
            return visit.Reply.CsrfFailure(reason);
        }

        if (visit.User is not null)
        {
            return visit.Reply.Redirect(Next(visit, visit.Site.Base + "dashboard"));
        }

        if (visit.Method != "POST")
        {
            return visit.Reply.Html(PageText.Login(visit, null));
        }

        if (Passwords.Check(visit.Data, visit.Body.Text("login"), visit.Body.Text("password")) is not { } user)
        {
            return visit.Reply.Html(PageText.Login(visit, "The username and/or password you specified are not correct."));
        }

        visit.LogIn(user);
        return visit.Reply.Redirect(Next(visit, visit.Site.Base + "dashboard"));
    }

    private static Task SignUpAsync(Visit visit)
    {
        if (visit.Method == "POST" && Csrf.Refusal(visit) is { } reason)
        {
            return visit.Reply.CsrfFailure(reason);
        }

        // A fresh install lets anyone sign up, and makes the first one superuser.
        bool first = visit.Data.IsFresh;
        if (!first && !visit.Site.Options.AccountAllowSignups)
        {
            return visit.Reply.Html(PageText.Plain("Sign Up Closed", "We are sorry, but the sign up is currently closed."));
        }

        if (visit.Method != "POST")
        {
            return visit.Reply.Html(PageText.SignUp(visit, null));
        }

        UserForm form = new UserForm(visit.Data, visit.Body, userId: null);
        string? error = form.Errors(partial: false).Values.FirstOrDefault()?[0]
            ?? (visit.Body.Text("password1") is { Length: > 0 } password && password == visit.Body.Text("password2")
                ? null
                : "You must type the same password each time.");
        if (error is not null)
        {
            return visit.Reply.Html(PageText.SignUp(visit, error));
        }

        StandInUser user = visit.Data.AddUser(form.Name!, made => made with
        {
            Email = visit.Body.Text("email") ?? "",
            Password = visit.Body.Text("password1"),
            IsStaff = first,
            IsSuperuser = first,
        });
        visit.LogIn(user);
        return visit.Reply.Redirect(visit.Site.Base + "dashboard");
    }

    private static Task ResetAsync(Visit visit)
    {
        if (visit.Method != "POST")
        {
            return visit.Reply.Html(PageText.PasswordReset(visit));
        }

        return Csrf.Refusal(visit) is { } reason
            ? visit.Reply.CsrfFailure(reason)
            : visit.Reply.Redirect(visit.Site.Base + "accounts/password/reset/done/");
    }

    // Paperless's own sign-in is not played; its first page is here so that one can see who answered.
    private static Task ProviderAsync(Visit visit) =>
        visit.Site.Options.SocialProviders.FirstOrDefault(candidate => visit.Path == "/" + candidate.LoginPath) is { } provider
            ? visit.Reply.Html(PageText.Plain($"Sign In Via {provider.Name}", "This is Paperless's own sign-in."))
            : visit.Reply.Html(PageText.Plain("Not Found", ""), StatusCodes.Status404NotFound);
}
