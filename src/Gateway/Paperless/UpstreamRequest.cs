using System.Net;
using Yarp.ReverseProxy.Model;

namespace Gateway.Paperless;

/// <summary>A request of the gateway to Paperless.</summary>
/// <param name="Path">Below the script name.</param>
/// <param name="Timeout">The limit for one replica, including the body of its response.</param>
internal sealed record UpstreamRequest(HttpMethod Method, string Path, TimeSpan Timeout)
{
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>The body; null for none.</summary>
    public byte[]? Json { get; init; }

    /// <summary>The limit of the response's body; null where the body is not read.</summary>
    public int? MaxResponseBytes { get; init; }

    /// <summary>Creates the message where the request carries a user's identity; called once for each replica.</summary>
    public Func<DestinationState, CancellationToken, ValueTask<HttpRequestMessage>>? CreateMessage { get; init; }
}

/// <summary>A complete response of Paperless.</summary>
/// <param name="Body">Empty where the body is not read.</param>
/// <param name="Address">The address that was asked, without its query.</param>
internal sealed record UpstreamResponse(HttpStatusCode Status, byte[] Body, string Address);

/// <summary>No replica answers: all are unreachable, break the connection or take too long. The message names the address and
/// the reason.</summary>
internal sealed class UpstreamUnavailableException(string message, PaperlessFault fault, Exception? cause) : Exception(message, cause)
{
    public PaperlessFault Fault { get; } = fault;
}
