using System.Diagnostics.CodeAnalysis;
using Gateway.Settings;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace Gateway.Paperless;

/// <summary>Paperless's replicas: YARP keeps their connections and watches their health, this picks the one for a request.</summary>
internal sealed partial class Upstreams(IProxyStateLookup proxy, IDestinationHealthUpdater health, ILogger<Upstreams> logger)
{
    private const string ClusterId = "paperless";

    /// <summary>After a failed connection a replica is left alone for this long, if another is there.</summary>
    private static readonly TimeSpan LeftAloneFor = TimeSpan.FromSeconds(10);

    private ClusterState? _cluster;
    private uint _turn;

    public HttpMessageInvoker Client => Cluster.Model.HttpClient;

    /// <summary>Names of the replicas that are in use and of all.</summary>
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
            // Bytes for bytes: Django reads header values as Latin-1, and Kestrel is told to as well.
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

    /// <summary>The next replica in turn; not <paramref name="except"/> where there is another.</summary>
    public bool TryPick(DestinationState? except, [NotNullWhen(true)] out DestinationState? destination)
    {
        IReadOnlyList<DestinationState> available = Cluster.DestinationsState.AvailableDestinations;
        if (available.Count == 1)
        {
            destination = available[0];
            return destination != except;
        }

        for (int tries = 0; tries < available.Count; tries++)
        {
            destination = available[(int)(Interlocked.Increment(ref _turn) % (uint)available.Count)];
            if (destination != except)
            {
                return true;
            }
        }

        destination = null;
        return false;
    }

    /// <summary>A host that does not even refuse the connection; an answer that takes too long looks different.</summary>
    public static bool IsConnectTimeout(Exception? cause) => cause is OperationCanceledException { InnerException: TimeoutException };

    public void ReportFailure(DestinationState destination)
    {
        if (Cluster.DestinationsState.AllDestinations.Count == 1)
        {
            return;
        }

        if (destination.Health.Passive != DestinationHealth.Unhealthy)
        {
            LeftAlone(destination.DestinationId, LeftAloneFor);
        }

        health.SetPassive(Cluster, destination, DestinationHealth.Unhealthy, LeftAloneFor);
    }

    [LoggerMessage(
        EventId = 5040,
        EventName = "ReplicaLeftAlone",
        Level = LogLevel.Warning,
        Message = "The Paperless at {Upstream} cannot be reached, or breaks connections: the other replicas do its work for {Time}")]
    private partial void LeftAlone(string upstream, TimeSpan time);
}

internal static class RequestToReplica
{
    /// <summary>A request of the gateway's own, as from the public address.</summary>
    /// <param name="path">Below the script name.</param>
    public static HttpRequestMessage Request(this DestinationState destination, HttpMethod method, GatewaySettings settings, string path)
    {
        HttpRequestMessage request = new(method, new Uri(new Uri(destination.Model.Config.Address), settings.ScriptName + path));
        request.Headers.Host = settings.Public.Authority;
        request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", settings.Public.Scheme);
        return request;
    }
}
