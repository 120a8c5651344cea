namespace Gateway.StandIns.Paperless;

/// <summary>allauth's headless API, as far as the mobile apps and plain passwords use it. No provider is ever called.</summary>
internal static class HeadlessPages
{
    private const string Root = "/api/auth/headless/";

    public static Func<Visit, Task>? Find(string path) => path switch
    {
        Root + "app/v1/config" or Root + "browser/v1/config" => ConfigAsync,
        Root + "browser/v1/auth/provider/redirect" => RedirectAsync,
        Root + "app/v1/auth/provider/token" => TokenAsync,
        Root + "app/v1/auth/login" => visit => LoginAsync(visit, browser: false),
        Root + "browser/v1/auth/login" => visit => LoginAsync(visit, browser: true),
        _ => null,
    };

    private static Task ConfigAsync(Visit visit)
    {
        if (visit.Method is not ("GET" or "HEAD"))
        {
            return visit.Reply.MethodNotAllowed("GET", "HEAD", "OPTIONS");
        }

        return visit.Reply.Json(new
        {
            status = 200,
            data = new
            {
                account = new
                {
                    login_methods = (string[])["username"],
                    is_open_for_signup = visit.Data.IsFresh || visit.Site.Options.AccountAllowSignups,
                    email_verification_by_code_enabled = false,
                    login_by_code_enabled = false,
                },
                socialaccount = new
                {
                    providers = visit.Site.Options.SocialProviders.Select(provider => new
                    {
                        id = provider.Id,
                        name = provider.Name,
                        flows = (string[])["provider_redirect", "provider_token"],
                        client_id = provider.ClientId,
                        openid_configuration_url = provider.DiscoveryUrl,
                    }),
                },
                mfa = new { supported_types = (string[])["totp", "recovery_codes"] },
            },
        });
    }

    private static Task RedirectAsync(Visit visit)
    {
        if (Csrf.Refusal(visit) is { } reason)
        {
            return visit.Reply.CsrfFailure(reason);
        }

        if (Provider(visit.Body.Text("provider"), visit) is not { } provider)
        {
            return visit.Reply.Redirect((visit.Body.Text("callback_url") ?? visit.Site.Base) + "?error=unknown&error_process=login");
        }

        string callback = $"{visit.Origin}{visit.Site.Base}{provider.LoginPath}callback/";
        return visit.Reply.Redirect(
            $"{provider.AuthorizationUrl}?client_id={Uri.EscapeDataString(provider.ClientId)}&redirect_uri={Uri.EscapeDataString(callback)}"
            + $"&scope=openid+profile+email&response_type=code&state={RandomText.Alphanumeric(16)}"
            + $"&code_challenge={RandomText.Alphanumeric(43)}&code_challenge_method=S256");
    }

    // Checking the ID token would take the provider's keys; the stand-in believes none.
    private static Task TokenAsync(Visit visit) => visit.Reply.Json(
        Provider(visit.Body.Text("provider"), visit) is null
            ? Errors("Unknown provider.", "invalid", "provider")
            : Errors("Invalid token.", "invalid_token", "token"),
        StatusCodes.Status400BadRequest);

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

        if (visit.Site.Options.DisableRegularLogin)
        {
            return visit.Reply.Json(Errors("Regular login is disabled", "invalid", null), StatusCodes.Status400BadRequest);
        }

        if (Passwords.Check(visit.Data, visit.Body.Text("username"), visit.Body.Text("password")) is not { } user)
        {
            return visit.Reply.Json(
                Errors("The username and/or password you specified are not correct.", "username_password_mismatch", "password"),
                StatusCodes.Status400BadRequest);
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

    private static SocialProvider? Provider(string? id, Visit visit) =>
        visit.Site.Options.SocialProviders.FirstOrDefault(provider => provider.Id == id);

    private static object Errors(string message, string code, string? param) =>
        new { status = 400, errors = new[] { new { message, code, param } } };
}
