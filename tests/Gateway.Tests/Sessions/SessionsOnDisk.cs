using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace Gateway.Tests.Sessions;

/// <summary>The sessions of a gateway without the gateway: memory, store and clock, for what HTTP is too slow or too polite for.</summary>
internal sealed class SessionsOnDisk : IDisposable
{
    private readonly int _capacity;
    private readonly EphemeralDataProtectionProvider _protection = new();
    private SessionParts _parts = null!;

    public SessionsOnDisk(int capacity = 1000, string idle = "1h", string lifetime = "8h")
    {
        _capacity = capacity;
        Settings = new GatewaySettingsReader(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["PAPERLESS_URL"] = "http://docs.example.com",
            ["PAPERLESS_ENABLE_HTTP_REMOTE_USER"] = "true",
            [ProvidersSetting.Variable] = ProvidersSetting.Json(
                ProvidersSetting.Of(new Uri("https://authentik.example.com/application/o/paperless/"), "authentik", "paperless", "secret")),
            ["GATEWAY_PAPERLESS_TOKEN"] = "token",
            ["GATEWAY_DATA_DIR"] = Path.Combine(Path.GetTempPath(), "gateway-tests-" + Guid.NewGuid().ToString("N")),
            ["GATEWAY_SESSION_IDLE"] = idle,
            ["GATEWAY_SESSION_LIFETIME"] = lifetime,
        }).Build()).Read().Settings;
        Open();
    }

    public GatewaySettings Settings { get; }

    public FakeTimeProvider Clock { get; } = new(DateTimeOffset.UnixEpoch.AddYears(56));

    public Database Database { get; private set; } = null!;

    public ISessionStore Store { get; private set; } = null!;

    public SessionMemory Memory { get; private set; } = null!;

    public Revocations Revocations => _parts.Revocations;

    public SessionRegistry Registry => _parts.Registry;

    public SessionMaintenance Maintenance => _parts.Maintenance;

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static Identity Person(string name)
        => new("authentik", "https://authentik.example.com/", "subject-of-" + name, 7, name, false, null, null, [], "groups");

    public Task<(SessionSecret Secret, Session Session)> BeginAsync(string name = "alice") => BeginAsync(Person(name));

    public async Task<(SessionSecret Secret, Session Session)> BeginAsync(Identity person, string? sid = null) =>
        await Registry.BeginAsync(new NewSession(person, new ProviderTokens("id.token." + person.Username), person.Subject, sid, Clock.GetUtcNow()), Ct)
            ?? throw new InvalidOperationException("It was ended meanwhile.");

    /// <summary>As a request finds its session: memory first, then the store.</summary>
    public async Task<Session?> FindAsync(SessionSecret secret)
        => Registry.TryFind(secret.Key(), out Session? session) ? session : await Registry.LoadAsync(secret, Ct);

    /// <summary>As after a kill -9: what was only in memory is gone.</summary>
    public void Restart()
    {
        Database.Dispose();
        Open();
    }

    public long Rows() => (long)Ask("SELECT COUNT(*) FROM sessions;")!;

    public object? Ask(string sql, params (string Name, object Value)[] parameters)
    {
        using SqliteConnection connection = Database.Connect();
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The tests' own constants.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach ((string name, object value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command.ExecuteScalar();
    }

    public void Dispose()
    {
        Database.Dispose();
        Directory.Delete(Settings.DataDirectory, recursive: true);
    }

    private void Open()
    {
        Database = new Database(Settings.Storage);
        Database.Open();
        Store = new SqliteSessions(Database);
        Memory = new SessionMemory(_capacity);
        _parts = SessionParts.Create(Memory, Store, _protection, Settings, Clock);
    }
}
