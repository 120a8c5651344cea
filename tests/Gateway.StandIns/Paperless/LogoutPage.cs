namespace Gateway.StandIns.Paperless;

/// <summary><c>/accounts/logout/</c> and <c>/api/auth/logout/</c>, which log out on GET already.</summary>
internal static class LogoutPage
{
    public static Task AnswerAsync(Visit visit)
    {
        if (visit.Method is not ("GET" or "HEAD" or "POST"))
        {
            return visit.Reply.MethodNotAllowed("GET", "POST", "HEAD", "OPTIONS");
        }

        if (Csrf.Refusal(visit) is { } reason)
        {
            return visit.Reply.CsrfFailure(reason);
        }

        visit.LogOut();
        return visit.Reply.Redirect(AccountPages.Next(visit, Target(visit.Site)));
    }

    public static string Target(PaperlessSite site) => site.LoginUrl + "?loggedout=1";
}
