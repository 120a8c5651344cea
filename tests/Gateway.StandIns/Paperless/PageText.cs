namespace Gateway.StandIns.Paperless;

/// <summary>The words and forms of the pages for people who are not signed in.</summary>
internal static class PageText
{
    public static string Plain(string title, string content) => $$"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{Reply.Escape(title)}} - Paperless-ngx</title>
        <style>
        body{font-family:system-ui,sans-serif;background:#17541f;margin:0}
        main{max-width:22rem;margin:4rem auto;padding:1.5rem;background:#fff;border-radius:.5rem}
        input,button{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}.error{color:#a40000}
        </style>
        </head>
        <body><main class="account"><h1>{{Reply.Escape(title)}}</h1>{{content}}</main></body>
        </html>
        """;

    private static string? Notice(Visit visit, string parameter, string text) =>
        visit.Query(parameter) == "1" ? $"<p class=\"notice\">{text}</p>" : null;

    public static string Login(Visit visit, string? error)
    {
        StandInPaperlessOptions options = visit.Site.Options;
        string providers = string.Concat(options.SocialProviders.Select(provider =>
            $"<p><a class=\"social\" href=\"{visit.Site.Base}{provider.LoginPath}?process=login\">{Reply.Escape(provider.Name)}</a></p>"));
        string redirect = options.RedirectLoginToSso && options.SocialProviders.Count > 0 && visit.Query("loggedout") != "1"
            ? "<script>document.querySelector('a.social').click()</script>"
            : "";
        string form = Field("login", "Username", "text", "username") + Field("password", "Password", "password", "current-password") + Submit("Sign in");
        string notice = Notice(visit, "loggedout", "You have been successfully logged out. Bye!")
            ?? Notice(visit, "sharelink_notfound", "Share link was not found.")
            ?? Notice(visit, "sharelink_expired", "Share link has expired.")
            ?? "";
        string signUp = visit.Data.IsFresh || options.AccountAllowSignups
            ? $"<p><a href=\"{visit.Site.Base}accounts/signup/\">Don't have an account yet? Sign up.</a></p>"
            : "";
        return Plain("Please sign in.", notice + Form(visit, form, error, withNext: true) + providers + signUp + redirect);
    }

    public static string SignUp(Visit visit, string? error) => Plain("Sign Up", Form(
        visit,
        Field("username", "Username", "text", "username")
            + Field("email", "Email (optional)", "email", "email")
            + Field("password1", "Password", "password", "new-password")
            + Field("password2", "Password (again)", "password", "new-password")
            + Submit("Sign up"),
        error));

    public static string PasswordReset(Visit visit) =>
        Plain("Request password reset.", Form(visit, Field("email", "Email", "email", "email") + Submit("Send me instructions!"), null));

    public static string AdminLogin(Visit visit, string? error) => Plain("Paperless-ngx administration", Form(
        visit,
        Field("username", "Username", "text", "username") + Field("password", "Password", "password", "current-password") + Submit("Log in"),
        error,
        withNext: true));

    private static string Form(Visit visit, string fields, string? error, bool withNext = false)
    {
        string next = withNext && visit.Query("next") is { } to ? $"<input type=\"hidden\" name=\"next\" value=\"{Reply.Escape(to)}\">" : "";
        string alert = error is null ? "" : $"<p class=\"error\" role=\"alert\">{Reply.Escape(error)}</p>";
        return $"{alert}<form method=\"post\"><input type=\"hidden\" name=\"csrfmiddlewaretoken\" value=\"{visit.CsrfToken()}\">{next}{fields}</form>";
    }

    private static string Field(string name, string label, string type, string autocomplete) =>
        $"<p><label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" type=\"{type}\" autocomplete=\"{autocomplete}\"></p>";

    private static string Submit(string label) => $"<p><button type=\"submit\">{label}</button></p>";
}
