namespace Gateway.StandIns.Paperless;

/// <summary><c>/share/&lt;slug&gt;</c>: a document for whoever has the link.</summary>
internal static class SharePage
{
    /// <summary>Without the script name, as in Paperless.</summary>
    private const string LoginUrl = "/accounts/login/";

    public static Task AnswerAsync(Visit visit, string slug)
    {
        if (Csrf.Refusal(visit) is { } reason)
        {
            return visit.Reply.CsrfFailure(reason);
        }

        if (!visit.IsSafe)
        {
            return visit.Reply.MethodNotAllowed("GET", "HEAD", "OPTIONS");
        }

        ShareLink? link = visit.Data.FindShareLink(slug);
        if (link?.Zip is { } zip)
        {
            visit.Http.Response.Headers.ContentDisposition = $"attachment; filename=\"paperless-share-{slug}.zip\"";
            return visit.Reply.WriteAsync(StatusCodes.Status200OK, "application/zip", zip);
        }

        if (link is null || visit.Data.FindDocument(link.DocumentId) is not { } document)
        {
            return visit.Reply.Redirect(LoginUrl + "?sharelink_notfound=1");
        }

        return link.Expires < visit.Data.Now
            ? visit.Reply.Redirect(LoginUrl + "?sharelink_expired=1")
            : DocumentFiles.SendAsync(visit, document, attachment: false);
    }
}
