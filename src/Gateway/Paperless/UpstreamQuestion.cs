using System.Net;
using Yarp.ReverseProxy.Model;

namespace Gateway.Paperless;

/// <summary>A request of the gateway's own to Paperless.</summary>
/// <param name="Path">Below the script name.</param>
/// <param name="Timeout">How long one replica may take, the body of its answer included.</param>
internal sealed record UpstreamQuestion(HttpMethod Method, string Path, TimeSpan Timeout)
{
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>The body; null for none.</summary>
    public byte[]? Json { get; init; }

    /// <summary>Bytes of an answer's body; null where nobody reads it.</summary>
    public int? LargestAnswer { get; init; }

    /// <summary>Makes the request where it is not the gateway's own identity that asks; once for each replica.</summary>
    public Func<DestinationState, CancellationToken, ValueTask<HttpRequestMessage>>? Make { get; init; }
}

/// <summary>An answer of Paperless, whole.</summary>
/// <param name="Body">Empty where nobody reads it.</param>
internal sealed record UpstreamAnswer(HttpStatusCode Status, byte[] Body);

/// <summary>There is no answer: no replica can be reached, all of them break off or take too long. The message says which.</summary>
internal sealed class UpstreamUnavailableException(string message, Exception? cause) : Exception(message, cause);
