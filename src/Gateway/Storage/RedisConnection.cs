using System.Net;
using Gateway.Background;
using Gateway.Settings;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>The connection to Redis. It is opened at start, shared by all stores, and reconnects by itself.</summary>
internal sealed partial class RedisConnection(
    StorageSettings settings,
    TimeProvider time,
    ILogger<RedisConnection> logger,
    StoreMetrics? metrics = null) : IDisposable
{
    /// <summary>A request does not wait for Redis longer than this.</summary>
    private const int TimeoutMilliseconds = 1500;

    /// <summary>The error of Redis if a key has another type than the command expects.</summary>
    private const string WrongType = "WRONGTYPE";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan StartBackoff = TimeSpan.FromSeconds(0.2);

    /// <summary>The connection is back, or leads to another server. Messages in between are lost.</summary>
    public event Action? Restored;

    /// <summary>Reports entries that cannot be read.</summary>
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

    /// <exception cref="SettingsException">Redis does not answer, or refuses the user or the password.</exception>
    public async Task OpenAsync()
    {
        DateTimeOffset until = time.GetUtcNow() + StartTimeout;
        while (true)
        {
            try
            {
                await ExecuteAsync(database => database.PingAsync(), CancellationToken.None);
                await WarnOfDataLossAsync();
                return;
            }
            catch (StoreUnavailableException unavailable) when (time.GetUtcNow() > until)
            {
                throw new SettingsException([new(
                    "GATEWAY_REDIS_URL",
                    $"{unavailable.Message.TrimEnd('.')}.",
                    "Start Redis, or correct the address, the user or the password.")]);
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(StartBackoff, time);
            }
        }
    }

    private async Task WarnOfDataLossAsync()
    {
        foreach (RedisRisk risk in await FindRisksAsync())
        {
            if (risk.EvictionPolicy is { } policy)
            {
                EvictsKeys(risk.Server, policy);
            }
            else
            {
                NoAppendOnlyFile(risk.Server);
            }
        }
    }

    /// <summary>Settings of Redis that lose data: sessions, account links and sign-outs.</summary>
    public async Task<IReadOnlyList<RedisRisk>> FindRisksAsync()
    {
        List<RedisRisk> risks = [];
        try
        {
            foreach (IServer server in Servers())
            {
                string[] lines = ((string?)await server.ExecuteAsync("INFO") ?? "").Split('\n', StringSplitOptions.TrimEntries);
                Dictionary<string, string> facts = lines.Select(line => line.Split(':', 2)).Where(fact => fact.Length == 2).DistinctBy(fact => fact[0])
                    .ToDictionary(fact => fact[0], fact => fact[1]);
                if (facts.GetValueOrDefault("aof_enabled") == "0")
                {
                    risks.Add(new RedisRisk(server.EndPoint, EvictionPolicy: null));
                }

                if (facts.GetValueOrDefault("maxmemory", "0") != "0" && facts.GetValueOrDefault("maxmemory_policy") is { } policy and not "noeviction")
                {
                    risks.Add(new RedisRisk(server.EndPoint, policy));
                }
            }
        }
        catch (Exception error) when (IsUnavailable(error) || error is RedisCommandException)
        {
            // The Redis user may lack the permission for INFO.
        }

        return risks;
    }

    private IServer[] Servers()
        => [.. Connection.GetServers().Where(server => server.IsConnected && !server.IsReplica && server.ServerType != ServerType.Sentinel)];

    /// <exception cref="StoreUnavailableException">Redis does not answer, or refuses.</exception>
    public async Task<T> ExecuteAsync<T>(Func<IDatabase, Task<T>> command, CancellationToken cancellationToken)
    {
        long begun = metrics?.Begin() ?? 0;
        try
        {
            T result = await command(Database).WaitAsync(cancellationToken);
            metrics?.Answered(begun);
            return result;
        }
        catch (Exception error) when (IsUnavailable(error))
        {
            metrics?.Failed(begun);
            throw Unavailable(error, settings);
        }
    }

    /// <exception cref="StoreUnavailableException">Redis does not answer, or refuses.</exception>
    public T Execute<T>(Func<IDatabase, T> command)
    {
        long begun = metrics?.Begin() ?? 0;
        try
        {
            T result = command(Database);
            metrics?.Answered(begun);
            return result;
        }
        catch (Exception error) when (IsUnavailable(error))
        {
            metrics?.Failed(begun);
            throw Unavailable(error, settings);
        }
    }

    /// <summary>As <see cref="ExecuteAsync"/>, for one key. A key of the wrong type is reported and counts as absent.</summary>
    /// <exception cref="StoreUnavailableException">Redis does not answer, or refuses.</exception>
    public async Task<T> ReadAsync<T>(Func<IDatabase, Task<T>> command, string kind, RedisKey key, T absent, CancellationToken cancellationToken)
    {
        try
        {
            return await ExecuteAsync(command, cancellationToken);
        }
        catch (StoreUnavailableException refused) when (IsWrongType(refused))
        {
            Unreadable.Report(kind, key.ToString());
            return absent;
        }
    }

    /// <inheritdoc cref="ReadAsync"/>
    public T Read<T>(Func<IDatabase, T> command, string kind, RedisKey key, T absent)
    {
        try
        {
            return Execute(command);
        }
        catch (StoreUnavailableException refused) when (IsWrongType(refused))
        {
            Unreadable.Report(kind, key.ToString());
            return absent;
        }
    }

    /// <summary>The keys that match a pattern, from all servers of a cluster.</summary>
    public IAsyncEnumerable<RedisKey> KeysAsync(string pattern)
    {
        IServer[] servers = Servers();
        return servers.Length == 0
            ? throw new StoreUnavailableException($"there is no connection to Redis at {settings.Redis}")
            : servers.ToAsyncEnumerable().SelectMany(server => server.KeysAsync(Database.Database, pattern, pageSize: 1000));
    }

    /// <summary>Subscribes to a channel. The subscription survives a lost connection. All databases share the channels, so the name of a channel must
    /// contain the number of the database.</summary>
    public void Listen(string channel, Action<string> onMessage) => Connection.GetSubscriber().Subscribe(
        RedisChannel.Literal(channel),
        (_, message) => Raise(onMessage, subscriber => subscriber(message.ToString()), "a message of another gateway"),
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

        // Without a connection, requests fail at once: known sessions stay valid without Redis, and all other requests get an error immediately.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        ConnectionMultiplexer connection = ConnectionMultiplexer.Connect(options);
        connection.ConnectionFailed += (_, failed) => ConnectionLost(failed.EndPoint, failed.ConnectionType, failed.FailureType);
        connection.ConnectionRestored += (_, restored) =>
        {
            ConnectionIsBack(restored.EndPoint, restored.ConnectionType);
            RaiseRestored();
        };
        connection.ConfigurationChanged += (_, _) => RaiseRestored();
        return connection;
    }

    /// <inheritdoc cref="Subscribers.Raise"/>
    public void Raise<T>(T? subscribers, Action<T> call, string name)
        where T : Delegate =>
        Subscribers.Raise(subscribers, call, name, logger);

    private void RaiseRestored() => Raise(Restored, subscriber => subscriber(), "the restored connection to Redis");

    private static bool IsWrongType(StoreUnavailableException refused) =>
        refused.InnerException is RedisServerException server && server.Message.Contains(WrongType, StringComparison.Ordinal);

    private static bool IsUnavailable(Exception error) => error is RedisException or RedisTimeoutException or ObjectDisposedException;

    /// <summary>The messages of the client library contain a paragraph of counters. They stay in the inner exception.</summary>
    private static StoreUnavailableException Unavailable(Exception error, StorageSettings settings) => new(
        error switch
        {
            RedisTimeoutException => $"Redis at {settings.Redis} does not answer in time",
            RedisServerException refused => $"Redis at {settings.Redis} refuses the command: {refused.Message}",
            RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } => $"Redis at {settings.Redis} refuses the user or the "
                + "password",
            _ => $"there is no connection to Redis at {settings.Redis}",
        },
        error);

    [LoggerMessage(
        EventId = 1100,
        EventName = "RedisLost",
        Level = LogLevel.Warning,
        Message = "The connection to Redis at {EndPoint} ({Connection}) is lost: {Failure}. The gateway reconnects as soon as Redis answers.")]
    private partial void ConnectionLost(EndPoint? endPoint, ConnectionType connection, ConnectionFailureType failure);

    [LoggerMessage(
        EventId = 1102,
        EventName = "RedisForgets",
        Level = LogLevel.Warning,
        Message = "The Redis at {EndPoint} has no append-only file: a restart of Redis can lose sign-outs, sessions and account links. Set \"appendonly "
            + "yes\" in the Redis configuration.")]
    private partial void NoAppendOnlyFile(EndPoint endPoint);

    [LoggerMessage(
        EventId = 1103,
        EventName = "RedisEvicts",
        Level = LogLevel.Warning,
        Message = "The Redis at {EndPoint} evicts keys when its memory is full ({Policy}): sessions, account links and sign-outs can be lost. Set "
            + "\"maxmemory-policy noeviction\" in the Redis configuration.")]
    private partial void EvictsKeys(EndPoint endPoint, string policy);

    [LoggerMessage(
        EventId = 1101,
        EventName = "RedisRestored",
        Level = LogLevel.Information,
        Message = "The connection to Redis at {EndPoint} ({Connection}) is back")]
    private partial void ConnectionIsBack(EndPoint? endPoint, ConnectionType connection);
}

/// <summary>A setting of a Redis server that loses data.</summary>
/// <param name="EvictionPolicy">The policy by which Redis removes keys when its memory is full; null: there is no append-only file.</param>
internal sealed record RedisRisk(EndPoint Server, string? EvictionPolicy);
