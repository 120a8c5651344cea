using System.Net;
using System.Net.Http.Headers;
using Gateway.Settings;

namespace Gateway.Checks;

/// <summary>
/// Whether Paperless can be reached around the gateway, at the addresses that one can guess: the public host, at Paperless's ports. Whoever reaches
/// Paperless there can send the user header, and is anybody.
/// </summary>
internal sealed class DirectPaperlessCheck(GatewaySettings settings, Outbound outbound, TimeProvider time) : ICheck
{
    private const int PaperlessPort = 8000;

    private const int MaxAnswerBytes = 64 * 1024;

    /// <summary>A firewall drops most of these requests.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    public string Subject => "Paperless around the gateway";

    private bool IsAsked => !Probe(settings.Public.Port).IsLoopback && !ExampleHost.IsExample(settings.Public.Hostname);

    /// <returns>No finding where nothing can be said: the connection was refused, or the network does not lead there.</returns>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken cancel)
    {
        if (!IsAsked)
        {
            return [];
        }

        using HttpClient client = new(outbound.CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MaxAnswerBytes };
        IEnumerable<int> ports = settings.Upstreams.Select(upstream => upstream.Port).Append(PaperlessPort).Distinct()
            .Where(port => port != settings.Public.Port);
        Finding?[] findings = await Task.WhenAll(ports.Select(port => CheckAsync(client, Probe(port), cancel)));
        return [.. findings.OfType<Finding>()];
    }

    /// <summary>Paperless answers 405 to a GET of its token endpoint; a gateway answers 421, because the host has another port.</summary>
    private async Task<Finding?> CheckAsync(HttpClient client, Uri probe, CancellationToken cancel)
    {
        try
        {
            using Deadline deadline = new(AnswerTimeout, time, cancel);
            using HttpRequestMessage request = new(HttpMethod.Get, probe);
            request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse("application/json; version=9"));
            using HttpResponseMessage response = await client.SendAsync(request, deadline.Token);
            return response.StatusCode == HttpStatusCode.MethodNotAllowed && response.Content.Headers.Allow.Contains("POST")
                ? Finding.Warning(
                    Subject,
                    $"Paperless answers at {probe.GetLeftPart(UriPartial.Authority)}: whoever reaches it there can send the user header and be anybody",
                    "Remove \"ports:\" from Paperless, or close the port: only the gateway may reach Paperless")
                : null;
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }

    private Uri Probe(int port) => new($"http://{settings.Public.Hostname}:{port}{settings.ScriptName}/api/token/");
}
