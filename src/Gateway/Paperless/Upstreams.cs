using System.Diagnostics.CodeAnalysis;
using Gateway.Settings;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace Gateway.Paperless;

/// <summary>Picks a replica of Paperless for each request; YARP manages the connections and the health of the replicas.</summary>
internal sealed partial class Upstreams(IProxyStateLookup proxy, IDestinationHealthUpdater health, ILogger<Upstreams> logger)
{
    private const string ClusterId = "paperless";

    /// <summary>The time without requests to a replica after a failed connection, where another replica exists.</summary>
    private static readonly TimeSpan FailureBackoff = TimeSpan.FromSeconds(10);

    private ClusterState? _cluster;
    private uint _next;

    public HttpMessageInvoker Client => Cluster.Model.HttpClient;

    /// <summary>The number of available replicas and of all replicas.</summary>
    public (int Available, int All) Count => (Cluster.DestinationsState.AvailableDestinations.Count, Cluster.DestinationsState.AllDestinations.Count);

    private ClusterState Cluster
        => _cluster ??= proxy.TryGetCluster(ClusterId, out ClusterState? cluster) ? cluster : throw new InvalidOperationException("YARP has no cluster yet.");

    public static ClusterConfig Configuration(GatewaySettings settings) => new()
    {
        ClusterId = ClusterId,
        Destinations = settings.Upstreams.ToDictionary(
            url => url.Authority,
            url => new DestinationConfig { Address = url.AbsoluteUri, Host = settings.Public.Authority }),
        HttpClient = new HttpClientConfig
        {
            // Django and Kestrel read header values as Latin-1, so bytes pass unchanged.
            RequestHeaderEncoding = "latin1",
            ResponseHeaderEncoding = "latin1",
        },
        HealthCheck = new HealthCheckConfig
        {
            AvailableDestinationsPolicy = HealthCheckConstants.AvailableDestinations.HealthyOrPanic,
            Active = new ActiveHealthCheckConfig
            {
                Enabled = settings.Upstreams.Length > 1,
                Interval = TimeSpan.FromSeconds(10),
                Timeout = TimeSpan.FromSeconds(5),
                Policy = HealthCheckConstants.ActivePolicy.ConsecutiveFailures,
                Path = settings.ScriptName + "/favicon.ico",
            },
            Passive = new PassiveHealthCheckConfig { Enabled = true },
        },
    };

    /// <summary>Picks the replicas in turn, but never <paramref name="except"/>.</summary>
    public bool TryPick(DestinationState? except, [NotNullWhen(true)] out DestinationState? destination)
    {
        IReadOnlyList<DestinationState> available = Cluster.DestinationsState.AvailableDestinations;
        if (available.Count == 1)
        {
            destination = available[0];
            return destination != except;
        }

        for (int attempt = 0; attempt < available.Count; attempt++)
        {
            destination = available[(int)(Interlocked.Increment(ref _next) % (uint)available.Count)];
            if (destination != except)
            {
                return true;
            }
        }

        destination = null;
        return false;
    }

    /// <summary>Whether the connection timed out; a slow response has another exception.</summary>
    public static bool IsConnectTimeout(Exception? cause) => cause is OperationCanceledException { InnerException: TimeoutException };

    public void ReportFailure(DestinationState destination)
    {
        if (Cluster.DestinationsState.AllDestinations.Count == 1)
        {
            return;
        }

        if (destination.Health.Passive != DestinationHealth.Unhealthy)
        {
            ReplicaLeftAlone(destination.DestinationId, FailureBackoff);
        }

        health.SetPassive(Cluster, destination, DestinationHealth.Unhealthy, FailureBackoff);
    }

    [LoggerMessage(
        EventId = 5040,
        EventName = "ReplicaLeftAlone",
        Level = LogLevel.Warning,
        Message = "The Paperless replica at {Upstream} is unreachable or breaks connections. It gets no requests for {Time}; the other replicas take over")]
    private partial void ReplicaLeftAlone(string upstream, TimeSpan time);
}

internal static class ReplicaRequest
{
    /// <summary>Creates a request of the gateway to the replica, with the public host.</summary>
    /// <param name="path">Below the script name.</param>
    public static HttpRequestMessage CreateRequest(this DestinationState destination, HttpMethod method, GatewaySettings settings, string path)
    {
        HttpRequestMessage request = new(method, new Uri(new Uri(destination.Model.Config.Address), settings.ScriptName + path));
        request.Headers.Host = settings.Public.Authority;
        foreach ((string name, string value) in settings.SchemeHeaders)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }
}
