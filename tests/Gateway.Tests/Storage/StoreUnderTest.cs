using Gateway.Settings;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Tests.Storage;

/// <summary>A store without a gateway, for the contracts.</summary>
internal abstract class StoreUnderTest : IAsyncDisposable
{
    public abstract ISessionStore Sessions { get; }

    public abstract IReplayCache ReplayCache { get; }

    public abstract ILease Lease { get; }

    public abstract IAccountLinkStore Accounts { get; }

    public abstract IRefusedSignInStore RefusedSignIns { get; }

    public abstract ISecretStore Secrets { get; }

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static GatewaySettings Settings(string? redis) =>
        new GatewaySettingsReader(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["PAPERLESS_URL"] = "http://docs.example.com",
            ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
            [ProvidersSetting.Variable] = ProvidersSetting.Json(
                ProvidersSetting.Of(new Uri("https://authentik.example.com/application/o/paperless/"), "authentik", "paperless", "secret")),
            ["GATEWAY_PAPERLESS_TOKEN"] = "token",
            ["GATEWAY_DATA_DIR"] = Path.Combine(Path.GetTempPath(), "gateway-tests-" + Guid.NewGuid().ToString("N")),
            ["GATEWAY_REDIS_URL"] = redis,
        }).Build()).Read().Settings;

    public abstract ValueTask DisposeAsync();
}

internal sealed class SqliteUnderTest : StoreUnderTest
{
    private readonly GatewaySettings _settings = Settings(redis: null);
    private readonly Database _database;

    public SqliteUnderTest()
    {
        _database = new Database(_settings.Storage);
        _database.Open();
        Sessions = new SqliteSessions(_database);
        ReplayCache = new SqliteReplayCache(_database);
        Lease = new SqliteLease(_database, TimeProvider.System);
        Accounts = new SqliteAccounts(_database);
        RefusedSignIns = new SqliteRefusedSignIns(_database);
        Secrets = new SqliteSecrets(_database);
    }

    public override ISessionStore Sessions { get; }

    public override IReplayCache ReplayCache { get; }

    public override ILease Lease { get; }

    public override IAccountLinkStore Accounts { get; }

    public override IRefusedSignInStore RefusedSignIns { get; }

    public override ISecretStore Secrets { get; }

    public override ValueTask DisposeAsync()
    {
        _database.Dispose();
        Directory.Delete(_settings.DataDirectory, recursive: true);
        return ValueTask.CompletedTask;
    }
}

internal sealed class RedisUnderTest : StoreUnderTest
{
    private readonly GatewaySettings _settings;

    private RedisUnderTest(RedisServer server, RedisConnection connection, GatewaySettings settings)
    {
        Server = server;
        Connection = connection;
        _settings = settings;
        Sessions = AnotherReplica();
        ReplayCache = new RedisReplayCache(connection, TimeProvider.System);
        Lease = new RedisLease(connection);
        Accounts = new RedisAccounts(connection, TimeProvider.System);
        RefusedSignIns = new RedisRefusedSignIns(connection);
        Secrets = new RedisSecrets(connection);
    }

    public RedisServer Server { get; }

    public RedisConnection Connection { get; }

    public override ISessionStore Sessions { get; }

    public override IReplayCache ReplayCache { get; }

    public override ILease Lease { get; }

    public override IAccountLinkStore Accounts { get; }

    public override IRefusedSignInStore RefusedSignIns { get; }

    public override ISecretStore Secrets { get; }

    public static async Task<RedisUnderTest> StartAsync() => await StartAsync(await RedisServer.StartAsync(password: "a secret: @/"));

    public static async Task<RedisUnderTest> StartAsync(RedisServer server)
    {
        GatewaySettings settings = Settings(server.Url);
        RedisConnection connection = new(settings.Storage, TimeProvider.System, NullLogger<RedisConnection>.Instance);
        try
        {
            await connection.OpenAsync();
            return new RedisUnderTest(server, connection, settings);
        }
        catch
        {
            // A test that does not begin is not disposed of.
            await server.DisposeAsync();
            throw;
        }
    }

    public ISessionStore AnotherReplica(TimeProvider? clock = null) => new RedisSessions(Connection, _settings, clock ?? TimeProvider.System);

    public override async ValueTask DisposeAsync()
    {
        Connection.Dispose();
        await Server.DisposeAsync();
    }
}
