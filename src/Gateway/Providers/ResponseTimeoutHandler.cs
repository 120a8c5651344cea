using Gateway.Settings;

namespace Gateway.Providers;

/// <summary>Limits the time and size of each answer including its body. `HttpClient.Timeout` would use the real clock instead of the time provider.</summary>
internal sealed class ResponseTimeoutHandler(HttpMessageHandler inner, TimeSpan timeout, int maxBytes, TimeProvider time) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using Deadline deadline = new(timeout, time, cancellationToken);
        HttpResponseMessage? response = null;
        try
        {
            response = await base.SendAsync(request, deadline.Token);
            await response.Content.LoadIntoBufferAsync(maxBytes, deadline.Token);
            return response;
        }
        catch (Exception error)
        {
            response?.Dispose();
            if (deadline.HasExpired && !cancellationToken.IsCancellationRequested)
            {
                throw new TaskCanceledException($"it did not answer within {timeout.TotalSeconds:0.#} seconds", new TimeoutException(error.Message, error));
            }

            throw;
        }
    }
}
