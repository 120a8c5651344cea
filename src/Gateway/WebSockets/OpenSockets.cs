using System.Collections.Concurrent;
using Gateway.PasswordSessions;
using Gateway.Sessions;
using Microsoft.AspNetCore.Http.Features;

namespace Gateway.WebSockets;

/// <summary>Whose a WebSocket is: a session of the gateway's, or a local one.</summary>
/// <param name="PasswordSessionCookie">Paperless's session cookie, with which a local session is asked about.</param>
internal sealed record SocketOwner(SessionKey Key, Session? Session, string? PasswordSessionCookie)
{
    public static SocketOwner Of(Session session) => new(session.Key, session, PasswordSessionCookie: null);

    public static SocketOwner OfPasswordSession(string cookie) => new(PasswordSessionRegistry.KeyOf(cookie), Session: null, cookie);
}

/// <summary>The forwarded WebSockets that are open: each ends with its session, all of them with the process.</summary>
internal sealed class OpenSockets : IDisposable
{
    /// <summary>RFC 6455, section 7.4.1: the server is going down.</summary>
    private const ushort GoingAway = 1001;

    /// <summary>RFC 6455, section 7.4.1: the policy does not let it go on, here: the session has ended.</summary>
    private const ushort PolicyViolation = 1008;

    private readonly ConcurrentDictionary<SocketStream, SocketOwner> _open = new();
    private readonly SessionRegistry _sessions;
    private readonly Revocations _revocations;
    private readonly PasswordSessionRegistry _locals;
    private readonly TimeProvider _time;
    private readonly CancellationTokenRegistration _stopping;
    private volatile bool _goingAway;

    public OpenSockets(SessionRegistry sessions, Revocations revocations, PasswordSessionRegistry locals, TimeProvider time, IHostApplicationLifetime lifetime)
    {
        _sessions = sessions;
        _revocations = revocations;
        _revocations.Ended += OnSessionEnded;
        _revocations.Dropped += OnSessionDropped;
        _locals = locals;
        _locals.Ended += CloseOf;
        _time = time;
        _stopping = lifetime.ApplicationStopping.Register(() =>
        {
            _goingAway = true;
            Close(_open.Keys, GoingAway);
        });
    }

    public int Count => _open.Count;

    /// <summary>Paperless's session cookies of the local sessions that have one open.</summary>
    public IReadOnlyCollection<string> PasswordSessionCookies => _open.Select(entry => entry.Value.PasswordSessionCookie).OfType<string>().ToHashSet();

    public static bool IsSocketRequest(HttpContext context) =>
        (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } && IsWebSocket(context.Request.Headers.Upgrade))
        || (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect && IsWebSocket(connect.Protocol));

    /// <summary>Lets the forwarder's upgrade come here first, so that the connection can be closed from this side.</summary>
    /// <param name="opened">Called when Paperless has opened the WebSocket.</param>
    public void Follow(HttpContext context, SocketOwner owner, Action opened)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            context.Features.Set<IHttpUpgradeFeature>(new Upgrade(upgrade, stream => Add(stream, owner, opened)));
        }

        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect)
        {
            context.Features.Set<IHttpExtendedConnectFeature>(new ExtendedConnect(connect, stream => Add(stream, owner, opened)));
        }
    }

    public void Dispose()
    {
        _revocations.Ended -= OnSessionEnded;
        _revocations.Dropped -= OnSessionDropped;
        _locals.Ended -= CloseOf;
        _stopping.Dispose();
    }

    private static bool IsWebSocket(string? protocol) => "websocket".Equals(protocol, StringComparison.OrdinalIgnoreCase);

    private SocketStream Add(Stream stream, SocketOwner owner, Action opened)
    {
        opened();
        SocketStream socket = new(stream, _time, Remove);
        owner.Session?.AddSocket();
        _open[socket] = owner;

        // The session, or the process, may have ended while the connection was being made.
        bool over = owner.Session is { } session ? !_sessions.IsKnown(session) : _locals.IsOver(owner.Key);
        if (_goingAway || over)
        {
            Close([socket], _goingAway ? GoingAway : PolicyViolation);
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

    private void OnSessionEnded(Session session, SessionEnd cause) => CloseOf(session.Key);

    private void OnSessionDropped(Session session) => CloseOf(session.Key);

    private void CloseOf(SessionKey key) =>
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
