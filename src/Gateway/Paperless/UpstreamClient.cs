using Gateway.Settings;
using Yarp.ReverseProxy.Model;

namespace Gateway.Paperless;

/// <summary>
/// Carries what the gateway itself asks of Paperless: to one replica, and to a second one where the first cannot be reached, breaks off or
/// takes too long. What may change something goes to a second one only where the first was never connected.
/// </summary>
internal sealed class UpstreamClient(GatewaySettings settings, Upstreams upstreams, TimeProvider time)
{
    /// <exception cref="UpstreamUnavailableException">There is no answer.</exception>
    public Task<UpstreamAnswer> AskAsync(UpstreamQuestion question, CancellationToken cancel) => SendAsync(question, ReadAsync, cancel);

    /// <summary>As <see cref="AskAsync"/>; the body of the answer is still to be read.</summary>
    /// <exception cref="UpstreamUnavailableException">There is no answer.</exception>
    public Task<HttpResponseMessage> OpenAsync(UpstreamQuestion question, CancellationToken cancel) =>
        SendAsync(question, static (_, response, _) => Task.FromResult(response), cancel);

    private async Task<T> SendAsync<T>(
        UpstreamQuestion question,
        Func<UpstreamQuestion, HttpResponseMessage, CancellationToken, Task<T>> read,
        CancellationToken cancel)
    {
        DestinationState? failed = null;
        UpstreamUnavailableException unavailable = new("no replica is there", cause: null);
        while (upstreams.TryPick(failed, out DestinationState? destination))
        {
            using Deadline deadline = new(question.Timeout, time, cancel);
            try
            {
                using HttpRequestMessage request = question.Make is { } make ? await make(destination, deadline.Token) : Request(destination, question);
                HttpResponseMessage response = await upstreams.Client.SendAsync(request, deadline.Token);
                return await read(question, response, deadline.Token);
            }
            catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException)
            {
                cancel.ThrowIfCancellationRequested();
                unavailable = Unavailable(error, deadline.HasExpired);
                if (IsTooLarge(error))
                {
                    throw unavailable;
                }

                // An answer that takes too long is no sign that the replica takes nothing.
                if (!deadline.HasExpired)
                {
                    upstreams.ReportFailure(destination);
                }

                if (failed is not null || !(IsReading(question.Method) || WasNeverConnected(error)))
                {
                    throw unavailable;
                }

                failed = destination;
            }
        }

        throw unavailable;
    }

    private HttpRequestMessage Request(DestinationState destination, UpstreamQuestion question)
    {
        HttpRequestMessage request = destination.Request(question.Method, settings, question.Path);
        foreach ((string name, string value) in question.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (question.Json is { } json)
        {
            // With its length: a chunked body is read as empty, and a PATCH then answers 200 and changes nothing.
            request.Content = new ByteArrayContent(json) { Headers = { ContentType = new("application/json") } };
        }

        return request;
    }

    private static async Task<UpstreamAnswer> ReadAsync(UpstreamQuestion question, HttpResponseMessage response, CancellationToken cancel)
    {
        using (response)
        {
            if (question.LargestAnswer is not { } largest)
            {
                return new UpstreamAnswer(response.StatusCode, []);
            }

            await response.Content.LoadIntoBufferAsync(largest, cancel);
            return new UpstreamAnswer(response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancel));
        }
    }

    private static bool IsReading(HttpMethod method) => method == HttpMethod.Get || method == HttpMethod.Head;

    /// <summary>Then nothing of the request can have been carried out.</summary>
    private static bool WasNeverConnected(Exception error) =>
        error is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError,
        }
        || Upstreams.IsConnectTimeout(error);

    private static bool IsTooLarge(Exception error) => error is HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded };

    private static UpstreamUnavailableException Unavailable(Exception error, bool isLate)
    {
        if (IsTooLarge(error))
        {
            return new UpstreamUnavailableException("its answer is too large", error);
        }

        return new UpstreamUnavailableException(isLate ? "it takes too long" : $"it does not answer: {error.Message}", error);
    }
}
