using Gateway.Settings;
using Yarp.ReverseProxy.Model;

namespace Gateway.Paperless;

/// <summary>
/// Sends the gateway's requests to Paperless: to one replica, and to a second replica where the first is unreachable, breaks the connection or
/// takes too long. A request that may change data goes to a second replica only where the first was never connected.
/// </summary>
internal sealed class UpstreamClient(GatewaySettings settings, Upstreams upstreams, PaperlessChanges changes, TimeProvider time)
{
    /// <exception cref="UpstreamUnavailableException">No replica answers.</exception>
    public async Task<UpstreamResponse> AskAsync(UpstreamRequest request, CancellationToken cancel)
    {
        if (IsSafe(request.Method))
        {
            return await SendAsync(request, ReadAsync, cancel);
        }

        using PaperlessChanges.Change change = changes.Begin();
        return await SendAsync(request, ReadAsync, cancel);
    }

    /// <summary>As <see cref="AskAsync"/>; the caller reads the body.</summary>
    /// <exception cref="UpstreamUnavailableException">No replica answers.</exception>
    public Task<HttpResponseMessage> OpenAsync(UpstreamRequest request, CancellationToken cancel) =>
        SendAsync(request, static (_, response, _) => Task.FromResult(response), cancel);

    private async Task<T> SendAsync<T>(
        UpstreamRequest request,
        Func<UpstreamRequest, HttpResponseMessage, CancellationToken, Task<T>> read,
        CancellationToken cancel)
    {
        DestinationState? failed = null;
        UpstreamUnavailableException unavailable = new($"no replica is available for {AddressOf(request.Path)}", PaperlessFault.NoAnswer, cause: null);
        while (upstreams.TryPick(failed, out DestinationState? destination))
        {
            using Deadline deadline = new(request.Timeout, time, cancel);
            try
            {
                using HttpRequestMessage message = request.CreateMessage is { } create
                    ? await create(destination, deadline.Token)
                    : CreateMessage(destination, request);
                HttpResponseMessage response = await upstreams.Client.SendAsync(message, deadline.Token);
                return await read(request, response, deadline.Token);
            }
            catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
            {
                cancel.ThrowIfCancellationRequested();
                unavailable = Unavailable(error, deadline.HasExpired, AddressAt(destination, request.Path));
                if (IsTooLarge(error))
                {
                    throw unavailable;
                }

                // A timeout does not prove that the replica is unreachable.
                if (!deadline.HasExpired)
                {
                    upstreams.ReportFailure(destination);
                }

                if (failed is not null || !(IsSafe(request.Method) || WasNeverConnected(error)))
                {
                    throw unavailable;
                }

                failed = destination;
            }
        }

        throw unavailable;
    }

    /// <summary>The address of a request, for messages: at the first replica, and without its query.</summary>
    public string AddressOf(string path) => AddressOf(settings.Upstreams[0], path);

    private string AddressAt(DestinationState destination, string path) => AddressOf(new Uri(destination.Model.Config.Address), path);

    private string AddressOf(Uri replica, string path) => PaperlessFailureText.AddressOf(new Uri(replica, settings.ScriptName + path));

    private HttpRequestMessage CreateMessage(DestinationState destination, UpstreamRequest request)
    {
        HttpRequestMessage message = destination.CreateRequest(request.Method, settings, request.Path);
        foreach ((string name, string value) in request.Headers)
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        if (request.Json is { } json)
        {
            // Paperless reads a chunked body as empty; a PATCH would answer 200 and change nothing.
            message.Content = new ByteArrayContent(json) { Headers = { ContentType = new("application/json") } };
        }

        return message;
    }

    private static async Task<UpstreamResponse> ReadAsync(UpstreamRequest request, HttpResponseMessage response, CancellationToken cancel)
    {
        using (response)
        {
            string address = response.RequestMessage?.RequestUri is { } asked ? PaperlessFailureText.AddressOf(asked) : request.Path;
            if (request.MaxResponseBytes is not { } largest)
            {
                return new UpstreamResponse(response.StatusCode, [], address);
            }

            await response.Content.LoadIntoBufferAsync(largest, cancel);
            return new UpstreamResponse(response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancel), address);
        }
    }

    private static bool IsSafe(HttpMethod method) => method == HttpMethod.Get || method == HttpMethod.Head;

    /// <summary>Paperless cannot have processed a request that was never connected.</summary>
    private static bool WasNeverConnected(Exception error) =>
        error is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError,
        }
        || Upstreams.IsConnectTimeout(error);

    private static bool IsTooLarge(Exception error) => error is HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded };

    private static UpstreamUnavailableException Unavailable(Exception error, bool isLate, string asked)
    {
        PaperlessUnavailableException worded = PaperlessFailureText.From(error, isLate, asked);
        return new UpstreamUnavailableException(worded.Message, worded.Fault, error);
    }
}
