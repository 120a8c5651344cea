namespace Gateway.StandIns.Paperless;

/// <summary>Django's admin site, wherever "admin/" stands in a path. It takes passwords while regular login is disabled.</summary>
internal static class AdminPages
{
    public static Task AnswerAsync(Visit visit, string rest)
    {
        if (Csrf.Refusal(visit) is { } reason)
        {
            return visit.Reply.CsrfFailure(reason);
        }

        string index = visit.Site.Base + "admin/";
        if (rest == "login/")
        {
            return LoginAsync(visit, index);
        }

        if (visit.User is not { IsStaff: true } user)
        {
            return rest == "logout/" ? visit.Reply.Redirect(index) : visit.Reply.RedirectToLogin(index + "login/");
        }

        switch (rest)
        {
            case "":
                return visit.Reply.Html(PageText.Plain("Paperless-ngx administration", $"<p>Welcome, {Reply.Escape(user.Name)}.</p>"));
            case "logout/" when visit.Method == "POST":
                visit.LogOut();
                return visit.Reply.Redirect(LogoutPage.Target(visit.Site));
            case "logout/":
                return visit.Reply.MethodNotAllowed("POST", "OPTIONS");
            default:
                return visit.Reply.Html(PageText.Plain("Not Found", ""), StatusCodes.Status404NotFound);
        }
    }

    private static Task LoginAsync(Visit visit, string index)
    {
        if (visit.Method != "POST")
        {
            return visit.User is { IsStaff: true }
                ? visit.Reply.Redirect(index)
                : visit.Reply.Html(PageText.AdminLogin(visit, null));
        }

        if (Passwords.Check(visit.Data, visit.Body.Text("username"), visit.Body.Text("password")) is not { IsStaff: true } user)
        {
            return visit.Reply.Html(PageText.AdminLogin(
                visit,
                "Please enter the correct username and password for a staff account. Note that both fields may be case-sensitive."));
        }

        visit.LogIn(user);
        return visit.Reply.Redirect(AccountPages.Next(visit, index));
    }
}
