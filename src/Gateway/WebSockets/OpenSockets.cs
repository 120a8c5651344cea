using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Gateway.Metrics;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.WebSockets;

/// <summary>The owner of a WebSocket: a session of the gateway or a password session.</summary>
/// <param name="PasswordSessionCookie">Paperless's session cookie, with which a password session is checked; null for a session of the gateway.</param>
internal sealed record SocketOwner(SessionKey Key, Session? Session, string? PasswordSessionCookie)
{
    public static SocketOwner From(Session session) => new(session.Key, session, PasswordSessionCookie: null);

    public static SocketOwner FromPasswordSession(string cookie) => new(PasswordSessionRegistry.KeyOf(cookie), Session: null, cookie);
}

/// <summary>The open forwarded WebSockets: each closes when its session ends, and all close when the process stops.</summary>
internal sealed class OpenSockets : IDisposable
{
    /// <summary>RFC 6455, section 7.4.1: the server is going down.</summary>
    private const ushort GoingAway = 1001;

    /// <summary>RFC 6455, section 7.4.1: a policy forbids the connection; here, the session has ended.</summary>
    private const ushort PolicyViolation = 1008;

    private readonly ConcurrentDictionary<SocketStream, SocketOwner> _open = new();
    private readonly SessionRegistry _sessions;
    private readonly Revocations _revocations;
    private readonly PasswordSessionRegistry _passwordSessions;
    private readonly PaperlessChanges _changes;
    private readonly TimeProvider _time;
    private readonly CancellationTokenRegistration _stopping;
    private volatile bool _isStopping;

    public OpenSockets(
        SessionRegistry sessions,
        Revocations revocations,
        PasswordSessionRegistry passwordSessions,
        PaperlessChanges changes,
        TimeProvider time,
        IHostApplicationLifetime lifetime,
        IMeterFactory meters)
    {
        _sessions = sessions;
        _revocations = revocations;
        _revocations.Ended += OnSessionEnded;
        _revocations.Dropped += OnSessionDropped;
        _passwordSessions = passwordSessions;
        _passwordSessions.Ended += CloseSocketsOf;
        _changes = changes;
        _time = time;
        meters.CreateGatewayMeter().CreateObservableUpDownCounter("gateway.websocket.open", () => Count, "{connection}", "WebSockets that are open.");
        _stopping = lifetime.ApplicationStopping.Register(() =>
        {
            _isStopping = true;
            Close(_open.Keys, GoingAway);
        });
    }

    public int Count => _open.Count;

    /// <summary>Paperless's session cookies of the password sessions with an open WebSocket.</summary>
    public IReadOnlyCollection<string> PasswordSessionCookies => _open.Select(entry => entry.Value.PasswordSessionCookie).OfType<string>().ToHashSet();

    public static bool IsSocketRequest(HttpContext context) =>
        (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } && IsWebSocket(context.Request.Headers.Upgrade))
        || (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect && IsWebSocket(connect.Protocol));

    /// <summary>Wraps the upgrade of the forwarder, so that the gateway can close the connection.</summary>
    /// <param name="onOpened">Called when Paperless has accepted the WebSocket.</param>
    public void Track(HttpContext context, SocketOwner owner, Action onOpened)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            context.Features.Set<IHttpUpgradeFeature>(new Upgrade(upgrade, stream => Add(stream, owner, onOpened)));
        }

        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect)
        {
            context.Features.Set<IHttpExtendedConnectFeature>(new ExtendedConnect(connect, stream => Add(stream, owner, onOpened)));
        }
    }

    public void Dispose()
    {
        _revocations.Ended -= OnSessionEnded;
        _revocations.Dropped -= OnSessionDropped;
        _passwordSessions.Ended -= CloseSocketsOf;
        _stopping.Dispose();
    }

    private static bool IsWebSocket(string? protocol) => "websocket".Equals(protocol, StringComparison.OrdinalIgnoreCase);

    private SocketStream Add(Stream stream, SocketOwner owner, Action onOpened)
    {
        onOpened();
        SocketStream socket = new(stream, _time, _changes.Note, Remove);
        owner.Session?.AddSocket();
        _open[socket] = owner;

        // The session, or the process, may have ended during the upgrade.
        bool isOver = owner.Session is { } session ? !_sessions.IsKnown(session) : _passwordSessions.HasEnded(owner.Key);
        if (_isStopping || isOver)
        {
            Close([socket], _isStopping ? GoingAway : PolicyViolation);
        }

        return socket;
    }

    private void Remove(SocketStream socket)
    {
        if (_open.TryRemove(socket, out SocketOwner? owner))
        {
            owner.Session?.RemoveSocket();
        }
    }

    private void OnSessionEnded(Session session, SessionEnd cause) => CloseSocketsOf(session.Key);

    private void OnSessionDropped(Session session) => CloseSocketsOf(session.Key);

    private void CloseSocketsOf(SessionKey key) =>
        Close(_open.Where(entry => entry.Value.Key == key).Select(entry => entry.Key), PolicyViolation);

    private static void Close(IEnumerable<SocketStream> sockets, ushort status)
    {
        foreach (SocketStream socket in sockets)
        {
            _ = socket.CloseAsync(status);
        }
    }

    private sealed class Upgrade(IHttpUpgradeFeature inner, Func<Stream, Stream> add) : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => inner.IsUpgradableRequest;

        public async Task<Stream> UpgradeAsync() => add(await inner.UpgradeAsync());
    }

    private sealed class ExtendedConnect(IHttpExtendedConnectFeature inner, Func<Stream, Stream> add) : IHttpExtendedConnectFeature
    {
        public bool IsExtendedConnect => inner.IsExtendedConnect;

        public string? Protocol => inner.Protocol;

        public async ValueTask<Stream> AcceptAsync() => add(await inner.AcceptAsync());
    }
}
