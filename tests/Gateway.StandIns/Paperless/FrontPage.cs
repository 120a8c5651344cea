namespace Gateway.StandIns.Paperless;

/// <summary>The single-page app, on every path that is nothing else, for whoever is signed in.</summary>
internal static class FrontPage
{
    public static Task AnswerAsync(Visit visit)
    {
        if (Csrf.Refusal(visit) is { } reason)
        {
            return visit.Reply.CsrfFailure(reason);
        }

        if (visit.User is not { } user)
        {
            return visit.Reply.RedirectToLogin();
        }

        if (!visit.IsSafe)
        {
            return visit.Reply.MethodNotAllowed("GET", "HEAD", "OPTIONS");
        }

        visit.CsrfToken();
        visit.Http.Response.Headers.ContentLanguage = "en-us";
        return visit.Reply.Html(visit.Site.Options.WithProductionInterface ? ProductionInterface.Page(visit, user) : Page(visit, user));
    }

    private static string Page(Visit visit, StandInUser user) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <title>Paperless-ngx</title>
        <base href="{Reply.Escape(visit.Site.Base)}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="username" content="{Reply.Escape(user.Name)}">
        <meta name="cookie_prefix" content="{Reply.Escape(visit.Site.Options.CookiePrefix)}">
        <link rel="icon" type="image/x-icon" href="favicon.ico">
        <link rel="stylesheet" href="static/{StaticFiles.Styles}">
        {(visit.Site.Options.WithAssets ? AppAssets.Head : "")}
        </head>
        <body>
        <header>
        <a id="home" href="dashboard">Paperless-ngx</a>
        <nav aria-label="Account">
        <span id="username"></span>
        <a id="my-profile" href="profile">My Profile</a>
        <a id="logout" href="accounts/logout/">Logout</a>
        </nav>
        </header>
        <main id="app">
        <p id="error" role="alert" hidden></p>
        <section id="dashboard-page" hidden>
        <h1>Documents</h1>
        <ul id="documents"></ul>
        <form id="upload">
        <label for="file">Add a document</label>
        <input id="file" name="document" type="file" required>
        <button type="submit">Upload</button>
        </form>
        <p id="upload-result" role="status"></p>
        </section>
        <section id="profile-page" hidden>
        <h1>Edit Profile</h1>
        <p>Email: <span id="email"></span></p>
        <h2>Connected social accounts</h2>
        <ul id="social-accounts"></ul>
        <h2>Connect new social account</h2>
        <ul id="social-providers"></ul>
        <h2>API Auth Token</h2>
        <p><code id="auth-token"></code> <button id="generate-token" type="button">Regenerate auth token</button></p>
        </section>
        </main>
        {(visit.Site.Options.WithAssets ? AppAssets.Body : "")}
        <footer>Live status: <span id="status">connecting</span></footer>
        <script src="static/{StaticFiles.Script}" defer></script>
        </body>
        </html>
        """;
}
