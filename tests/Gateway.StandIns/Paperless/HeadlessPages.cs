namespace Gateway.StandIns.Paperless;

/// <summary>allauth's headless API, as far as plain passwords use it.</summary>
internal static class HeadlessPages
{
    private const string Root = "/api/auth/headless/";

    public static Func<Visit, Task>? Find(string path) => path switch
    {
        Root + "app/v1/auth/login" => visit => LoginAsync(visit, browser: false),
        Root + "browser/v1/auth/login" => visit => LoginAsync(visit, browser: true),
        _ => null,
    };

    private static Task LoginAsync(Visit visit, bool browser)
    {
        if (visit.Method != "POST")
        {
            return visit.Reply.MethodNotAllowed("POST", "OPTIONS");
        }

        if (browser && Csrf.Refusal(visit) is { } reason)
        {
            return visit.Reply.CsrfFailure(reason);
        }

        if (Passwords.Check(visit.Data, visit.Body.Text("username"), visit.Body.Text("password")) is not { } user)
        {
            var error
                = new { message = "The username and/or password you specified are not correct.", code = "username_password_mismatch", param = "password" };
            return visit.Reply.Json(new { status = 400, errors = new[] { error } }, StatusCodes.Status400BadRequest);
        }

        var shown = new { id = user.Id, display = user.Name, has_usable_password = true, username = user.Name };
        if (browser)
        {
            visit.LogIn(user);
            return visit.Reply.Json(new { status = 200, data = new { user = shown }, meta = new { is_authenticated = true } });
        }

        var meta = new { is_authenticated = true, session_token = RandomText.LowerAlphanumeric(32), access_token = visit.Data.TokenOf(user.Name) };
        return visit.Reply.Json(new { status = 200, data = new { user = shown }, meta });
    }
}
