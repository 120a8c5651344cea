using System.Collections.Concurrent;

namespace Gateway.StandIns.Provider;

/// <summary>A request as it came in, secrets included: this is a test double.</summary>
internal sealed record ProviderRequest(
    string Method, string Host, string Path, string Query, IReadOnlyDictionary<string, string> Form, string? Authorization)
{
    public string PathAndQuery => Path + Query;
}

/// <summary>Writes down each request, then lets a test hold it, or keep it from being answered.</summary>
internal sealed class RequestLog(DevelopmentProvider provider)
{
    private const int Capacity = 1000;

    private readonly ConcurrentQueue<ProviderRequest> _received = new();

    public IReadOnlyList<ProviderRequest> Received => [.. _received];

    public void Clear() => _received.Clear();

    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        await RecordAsync(http.Request);
        if (provider.Hold is { } hold)
        {
            await hold(http.Request.Path);
        }

        switch (provider.Outage)
        {
            case Outage.DropsConnections:
                http.Abort();
                break;
            case Outage.ServiceUnavailable:
                http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                break;
            default:
                await next(http);
                break;
        }
    }

    private async Task RecordAsync(HttpRequest request)
    {
        Dictionary<string, string> form = request.HasFormContentType
            ? (await request.ReadFormAsync()).ToDictionary(pair => pair.Key, pair => pair.Value.ToString())
            : [];
        _received.Enqueue(new ProviderRequest(
            request.Method, request.Host.Value ?? "", request.Path.Value ?? "", request.QueryString.Value ?? "", form,
            request.Headers.Authorization.FirstOrDefault()));
        while (_received.Count > Capacity)
        {
            _received.TryDequeue(out _);
        }
    }
}
