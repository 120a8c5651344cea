using System.Net;
using Gateway.Background;
using Gateway.Settings;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>The one connection to Redis, which mends itself: made at start, shared by everything that is kept there.</summary>
internal sealed partial class RedisConnection(GatewaySettings settings, TimeProvider time, ILogger<RedisConnection> logger) : IDisposable
{
    /// <summary>A request that waits for Redis does not wait longer than this.</summary>
    private const int TimeoutMilliseconds = 1500;

    /// <summary>What Redis says of a key of another type than the command is for.</summary>
    private const string WrongType = "WRONGTYPE";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan StartBackoff = TimeSpan.FromSeconds(0.2);

    /// <summary>Raised when a connection is back, or leads elsewhere: what was said meanwhile was not heard.</summary>
    public event Action? Restored;

    /// <summary>Entries that nobody can read.</summary>
    public UnreadableEntries Unreadable { get; } = new(logger);

    private readonly Lock _connecting = new();
    private ConnectionMultiplexer? _connection;

    public IDatabase Database => Connection.GetDatabase();

    private ConnectionMultiplexer Connection
    {
        get
        {
            lock (_connecting)
            {
                return _connection ??= Connect();
            }
        }
    }

    /// <exception cref="SettingsException">It does not answer, or does not let the gateway in.</exception>
    public async Task OpenAsync()
    {
        DateTimeOffset until = time.GetUtcNow() + StartTimeout;
        while (true)
        {
            try
            {
                await AskAsync(database => database.PingAsync(), CancellationToken.None);
                await WarnAsync();
                return;
            }
            catch (StoreUnavailableException away) when (time.GetUtcNow() > until)
            {
                throw new SettingsException([new(
                    "GATEWAY_REDIS_URL",
                    $"the Redis at {settings.Redis} does not answer ({away.Message.TrimEnd('.')}).",
                    "Start it, or correct the address, the user or the password.")]);
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(StartBackoff, time);
            }
        }
    }

    /// <summary>What Redis is set up to lose, it loses: sessions and links, and with them the ends of sessions.</summary>
    private async Task WarnAsync()
    {
        try
        {
            foreach (IServer server in Servers())
            {
                string[] lines = ((string?)await server.ExecuteAsync("INFO") ?? "").Split('\n', StringSplitOptions.TrimEntries);
                Dictionary<string, string> facts = lines.Select(line => line.Split(':', 2)).Where(fact => fact.Length == 2).DistinctBy(fact => fact[0])
                    .ToDictionary(fact => fact[0], fact => fact[1]);
                if (facts.GetValueOrDefault("aof_enabled") == "0")
                {
                    Forgets(server.EndPoint);
                }

                if (facts.GetValueOrDefault("maxmemory", "0") != "0" && facts.GetValueOrDefault("maxmemory_policy") is { } policy and not "noeviction")
                {
                    Evicts(server.EndPoint, policy);
                }
            }
        }
        catch (Exception error) when (IsAway(error) || error is RedisCommandException)
        {
            // A user without the right to ask is told nothing.
        }
    }

    private IServer[] Servers()
        => [.. Connection.GetServers().Where(server => server.IsConnected && !server.IsReplica && server.ServerType != ServerType.Sentinel)];

    /// <exception cref="StoreUnavailableException">Redis does not answer, or refuses.</exception>
    public async Task<T> AskAsync<T>(Func<IDatabase, Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask(Database).WaitAsync(cancellationToken);
        }
        catch (Exception error) when (IsAway(error))
        {
            throw Away(error);
        }
    }

    /// <exception cref="StoreUnavailableException">Redis does not answer, or refuses.</exception>
    public T Ask<T>(Func<IDatabase, T> ask)
    {
        try
        {
            return ask(Database);
        }
        catch (Exception error) when (IsAway(error))
        {
            throw Away(error);
        }
    }

    /// <summary>As <see cref="AskAsync"/>, for one key: what has another type than the gateway gives it cannot be read, and counts as absent.</summary>
    /// <exception cref="StoreUnavailableException">Redis does not answer, or refuses.</exception>
    public async Task<T> ReadAsync<T>(Func<IDatabase, Task<T>> ask, string kind, RedisKey key, T absent, CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync(ask, cancellationToken);
        }
        catch (StoreUnavailableException refused) when (IsWrongType(refused))
        {
            Unreadable.Report(kind, key.ToString());
            return absent;
        }
    }

    /// <inheritdoc cref="ReadAsync"/>
    public T Read<T>(Func<IDatabase, T> ask, string kind, RedisKey key, T absent)
    {
        try
        {
            return Ask(ask);
        }
        catch (StoreUnavailableException refused) when (IsWrongType(refused))
        {
            Unreadable.Report(kind, key.ToString());
            return absent;
        }
    }

    /// <summary>The keys of a pattern, from all servers of a cluster.</summary>
    public IAsyncEnumerable<RedisKey> KeysAsync(string pattern)
    {
        IServer[] servers = Servers();
        return servers.Length == 0
            ? throw new StoreUnavailableException("Redis does not answer")
            : servers.ToAsyncEnumerable().SelectMany(server => server.KeysAsync(Database.Database, pattern, pageSize: 1000));
    }

    /// <summary>Listens from now on, through every loss of the connection. Channels know no databases: the name carries its number.</summary>
    public void Listen(string channel, Action<string> heard) => Connection.GetSubscriber().Subscribe(
        RedisChannel.Literal(channel),
        (_, message) => Raise(heard, one => one(message.ToString()), "a message of another replica"),
        CommandFlags.FireAndForget);

    public void Dispose() => _connection?.Dispose();

    private ConnectionMultiplexer Connect()
    {
        ConfigurationOptions options = settings.Redis!.Options();
        options.AbortOnConnectFail = false;
        options.ConnectTimeout = options.SyncTimeout = options.AsyncTimeout = TimeoutMilliseconds;
        options.ConnectRetry = 1;
        options.KeepAlive = 5;
        options.HeartbeatInterval = TimeSpan.FromSeconds(0.5);
        options.ReconnectRetryPolicy = new LinearRetry(500);
        options.ClientName = "paperless-gateway";

        // Without a connection there is nothing to wait for: whoever is known goes on, and all others are told at once.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        ConnectionMultiplexer connection = ConnectionMultiplexer.Connect(options);
        connection.ConnectionFailed += (_, failed) => Lost(failed.EndPoint, failed.ConnectionType, failed.FailureType);
        connection.ConnectionRestored += (_, restored) =>
        {
            Back(restored.EndPoint, restored.ConnectionType);
            RaiseRestored();
        };
        connection.ConfigurationChanged += (_, _) => RaiseRestored();
        return connection;
    }

    /// <inheritdoc cref="Subscribers.Raise"/>
    public void Raise<T>(T? subscribers, Action<T> call, string name)
        where T : Delegate =>
        Subscribers.Raise(subscribers, call, name, logger);

    private void RaiseRestored() => Raise(Restored, heard => heard(), "the return of Redis");

    private static bool IsWrongType(StoreUnavailableException refused) =>
        refused.InnerException is RedisServerException server && server.Message.Contains(WrongType, StringComparison.Ordinal);

    private static bool IsAway(Exception error) => error is RedisException or RedisTimeoutException or ObjectDisposedException;

    /// <summary>The library's own words run to a paragraph of counters: they stay in the inner exception.</summary>
    private static StoreUnavailableException Away(Exception error) => new(
        error switch
        {
            RedisTimeoutException => "Redis does not answer in time",
            RedisServerException refused => $"Redis refuses: {refused.Message}",
            RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } => "Redis does not take the user or the password",
            _ => "there is no connection to Redis",
        },
        error);

    [LoggerMessage(
        EventId = 1100,
        EventName = "RedisLost",
        Level = LogLevel.Warning,
        Message = "The connection to Redis at {EndPoint} ({Connection}) is lost: {Failure}; it is made again as soon as Redis answers")]
    private partial void Lost(EndPoint? endPoint, ConnectionType connection, ConnectionFailureType failure);

    [LoggerMessage(
        EventId = 1102,
        EventName = "RedisForgets",
        Level = LogLevel.Warning,
        Message = "The Redis at {EndPoint} has no append-only file: what it was told last, sign-outs too, may be gone when it starts again, and links with "
            + "it; set \"appendonly yes\"")]
    private partial void Forgets(EndPoint endPoint);

    [LoggerMessage(
        EventId = 1103,
        EventName = "RedisEvicts",
        Level = LogLevel.Warning,
        Message = "The Redis at {EndPoint} throws keys away when it is full ({Policy}): sessions, links and the ends of sessions go unseen; set "
            + "\"maxmemory-policy noeviction\"")]
    private partial void Evicts(EndPoint endPoint, string policy);

    [LoggerMessage(
        EventId = 1101,
        EventName = "RedisRestored",
        Level = LogLevel.Information,
        Message = "The connection to Redis at {EndPoint} ({Connection}) is back")]
    private partial void Back(EndPoint? endPoint, ConnectionType connection);
}
