namespace Gateway.StandIns.Paperless;

/// <summary>Answers that come piece by piece: the chat, and a stream of server-sent events that Paperless lacks.</summary>
internal static class StreamsApi
{
    public static readonly ApiView Chat = new()
    {
        Post = async visit =>
        {
            ScriptedStream script = visit.Site.Chat ?? ScriptedStream.Of("This ", "is ", "an answer.");
            Start(visit);
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(visit.Http.RequestAborted, visit.Site.Stopping);
            await foreach (string chunk in script.ReadAllAsync(either.Token))
            {
                await SendAsync(visit, chunk);
            }
        },
    };

    public static readonly ApiView Events = new()
    {
        Get = async visit =>
        {
            Start(visit);
            await SendAsync(visit, "data: ready\n\n");
            await foreach (string message in visit.Site.LiveStatus.ReadAllAsync(visit.Http.RequestAborted))
            {
                await SendAsync(visit, $"data: {message}\n\n");
            }
        },
    };

    private static void Start(Visit visit)
    {
        visit.Http.Response.ContentType = "text/event-stream";
        visit.Http.Response.Headers.CacheControl = "no-cache";
    }

    private static async Task SendAsync(Visit visit, string chunk)
    {
        await visit.Http.Response.WriteAsync(chunk, visit.Http.RequestAborted);
        await visit.Http.Response.Body.FlushAsync(visit.Http.RequestAborted);
    }
}
