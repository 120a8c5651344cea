using System.Globalization;
using System.Text.Json;

namespace Gateway.StandIns.Paperless;

/// <summary>The documents: the list, one of them, and the upload.</summary>
internal static class DocumentsApi
{
    public static readonly ApiView All = new()
    {
        Model = "document",
        Get = visit => Listing.AnswerAsync(
            visit,
            visit.Data.Documents.Where(document => MaySee(visit, document)),
            "title",
            document => document.Title,
            Shown),
    };

    public static readonly ApiView One = new()
    {
        Model = "document",
        Get = visit => Find(visit) is { } document ? visit.Reply.Json(Shown(document)) : NotFoundAsync(visit),
        Patch = UpdateAsync,
    };

    public static readonly ApiView Upload = new() { Model = "document", Post = UploadAsync };

    public static PaperlessDocument? Find(Visit visit) =>
        visit.Data.FindDocument(visit.RouteId) is { } document && MaySee(visit, document) ? document : null;

    public static Task NotFoundAsync(Visit visit) =>
        visit.Reply.Detail(StatusCodes.Status404NotFound, "No Document matches the given query.");

    private static bool MaySee(Visit visit, PaperlessDocument document) =>
        visit.User!.IsSuperuser || document.Owner is null || document.Owner == visit.User.Id;

    private static Task UpdateAsync(Visit visit)
    {
        if (Find(visit) is not { } document)
        {
            return NotFoundAsync(visit);
        }

        string title = visit.Body.Text("title") ?? document.Title;
        return title.Length > 128
            ? visit.Reply.Json(new { title = (string[])["Ensure this field has no more than 128 characters."] }, StatusCodes.Status400BadRequest)
            : visit.Reply.Json(Shown(visit.Data.UpdateDocument(document.Id, old => old with { Title = title })!));
    }

    private static Task UploadAsync(Visit visit)
    {
        if (!visit.Body.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
        {
            return visit.Reply.Detail(
                StatusCodes.Status415UnsupportedMediaType, $"Unsupported media type \"{visit.Http.Request.ContentType}\" in request.");
        }

        if (!visit.Body.Files.TryGetValue("document", out UploadedFile? file))
        {
            return visit.Reply.Json(new { document = (string[])["No file was submitted."] }, StatusCodes.Status400BadRequest);
        }

        string task = Guid.NewGuid().ToString();
        string? title = visit.Body.Text("title");
        visit.Data.AddUpload(new PaperlessUpload(task, visit.User!.Name, file.Name, file.Length, file.Sha256, title));
        visit.Data.AddDocument(title ?? Path.GetFileNameWithoutExtension(file.Name), visit.User.Id);
        visit.Site.LiveStatus.Push(JsonSerializer.Serialize(new
        {
            type = "status_update",
            data = new { task_id = task, status = "SUCCESS", message = "finished", current_progress = 100, max_progress = 100 },
        }));
        return visit.Reply.Json(task);
    }

    private static object Shown(PaperlessDocument document) => new
    {
        id = document.Id,
        title = document.Title,
        content = document.Title,
        tags = Array.Empty<int>(),
        created = document.Created.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        original_file_name = document.FileName,
        owner = document.Owner,
    };
}
