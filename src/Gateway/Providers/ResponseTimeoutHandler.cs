using Gateway.Settings;

namespace Gateway.Providers;

/// <summary>Bounds each answer of a provider in time and size, its body included; `HttpClient.Timeout` knows the real clock only.</summary>
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
            if (deadline.HasPassed && !cancellationToken.IsCancellationRequested)
            {
                throw new TaskCanceledException($"it did not answer within {timeout.TotalSeconds:0.#} seconds", new TimeoutException(error.Message, error));
            }

            throw;
        }
    }
}
