using System.Diagnostics;
using System.Globalization;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Gateway.Benchmarks;

/// <summary>The sessions of a gateway in this process, without the gateway.</summary>
internal sealed class StoreInHand : IDisposable
{
    private const int AtOnce = 16;
    private const string Issuer = "https://authentik.example.com/";

    private readonly Database? _database;
    private readonly RedisConnection? _redis;
    private readonly ISessionStore _store;
    private readonly SessionMemory _memory = new(SessionsFeature.MemoryCapacity);
    private readonly SessionRegistry _registry;
    private readonly Revocations _revocations;
    private readonly SessionMaintenance _maintenance;
    private readonly GatewaySettings _settings;

    public StoreInHand(IReadOnlyDictionary<string, string> environment)
    {
        ConfigurationManager configuration = new();
        foreach ((string name, string value) in environment)
        {
            configuration[name] = value;
        }

        _settings = new GatewaySettingsReader(configuration).Read().Settings;
        if (_settings.Redis is null)
        {
            _database = new Database(_settings.Storage);
            _database.Open();
            _store = new SqliteSessions(_database);
        }
        else
        {
            _redis = new RedisConnection(_settings.Storage, TimeProvider.System, NullLogger<RedisConnection>.Instance);
            _store = new RedisSessions(_redis, _settings, TimeProvider.System);
        }

        IDataProtectionBuilder protection = new ServiceCollection().AddDataProtection().SetApplicationName("paperless-gateway");
        if (_redis is { } redis)
        {
            protection.Services
                .Configure<Microsoft.AspNetCore.DataProtection.KeyManagement.KeyManagementOptions>(options => options.XmlRepository = new RedisKeyRing(redis));
        }
        else
        {
            protection.PersistKeysToFileSystem(new DirectoryInfo(Path.Combine(_settings.DataDirectory, StorageFeature.KeysDirectory)));
        }

        SessionInfoProtector infos = new(protection.Services.BuildServiceProvider().GetRequiredService<IDataProtectionProvider>());
        PendingRevocations pending = new(_memory, _store, _settings.Storage, TimeProvider.System, NullLogger<SecurityLog>.Instance);
        _revocations = new Revocations(_memory, _store, infos, pending, TimeProvider.System, NullLogger<SecurityLog>.Instance);
        _registry = new SessionRegistry(
            _memory,
            _store,
            infos,
            _revocations,
            pending,
            _settings.Session,
            TimeProvider.System,
            NullLogger<SecurityLog>.Instance);
        _maintenance = new SessionMaintenance(
            _memory,
            _store,
            _registry,
            _revocations,
            pending,
            infos,
            _settings.Session,
            TimeProvider.System,
            NullLogger<SessionMaintenance>.Instance);
    }

    public async Task<List<(string, string)>> MeasureAsync(int sessions, int eachPerson, int lookUps, int ends)
    {
        if (_redis is not null)
        {
            await _redis.OpenAsync();
        }

        SessionSecret[] secrets = new SessionSecret[sessions];

        // The first one alone: it reads the data-protection keys, which the gateway does before it listens.
        secrets[0] = (await _registry.BeginAsync(New(0, 0), default))!.Value.Secret;
        long began = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(1, sessions, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (number, cancel) =>
            secrets[number] = (await _registry.BeginAsync(New(number / eachPerson, number), cancel))!.Value.Secret);
        double filled = Stopwatch.GetElapsedTime(began).TotalSeconds;
        return
        [
            ($"begin a session, {AtOnce} at once", Text($"{filled * 1000 / sessions:0.00} ms ({sessions / filled:0} a second)")),
            .. await LookUpAsync(secrets, lookUps),
            ("end one person's " + eachPerson, await EndAsync(ends)),
            ($"maintenance, with {SessionsFeature.MemoryCapacity.ToString("N0", CultureInfo.InvariantCulture)} in memory", await TidyAsync()),
            ("sweep of the store alone", await SweepAsync()),
        ];
    }

    public void Dispose()
    {
        _database?.Dispose();
        _redis?.Dispose();
    }

    private async Task<List<(string, string)>> LookUpAsync(SessionSecret[] secrets, int lookUps)
    {
        List<double> found = [];
        for (int turn = 0; turn < lookUps; turn++)
        {
            byte[] key = secrets[Random.Shared.Next(secrets.Length)].Key().ToBytes();
            long began = Stopwatch.GetTimestamp();
            if (await _store.FindAsync(key, default) is null)
            {
                throw new InvalidOperationException("A session is gone.");
            }

            found.Add(Stopwatch.GetElapsedTime(began).TotalMicroseconds);
        }

        SessionKey[] inMemory = [.. _memory.All.Select(session => session.Key)];
        long start = Stopwatch.GetTimestamp();
        int misses = 0;
        const int Turns = 1_000_000;
        for (int turn = 0; turn < Turns; turn++)
        {
            misses += _memory.TryGet(inMemory[turn % inMemory.Length], out _) ? 0 : 1;
        }

        double nanoseconds = Stopwatch.GetElapsedTime(start).TotalNanoseconds / Turns;
        return
        [
            ("find a session in the store: median, p99", Percentiles(found, "µs")),
            ($"find a session in memory, among {inMemory.Length.ToString("N0", CultureInfo.InvariantCulture)}", Text(
                $"{nanoseconds:0} ns{(misses > 0 ? $", {misses} misses" : "")}")),
        ];
    }

    private async Task<string> EndAsync(int ends)
    {
        List<double> times = [];
        for (int person = 0; person < ends; person++)
        {
            byte[] index = SessionIndex.ForPerson(new PersonKey("a", Issuer, Subject(person)));
            long began = Stopwatch.GetTimestamp();
            if (await _revocations.EndAllAsync(index, SessionEnd.EndedByTheOperator, default) != 10)
            {
                throw new InvalidOperationException("Not all of them ended.");
            }

            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        return Percentiles(times, "ms");
    }

    private async Task<string> TidyAsync()
    {
        await _maintenance.TidyAsync(default);
        long began = Stopwatch.GetTimestamp();
        await _maintenance.TidyAsync(default);
        return Text($"{Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms");
    }

    private async Task<string> SweepAsync()
    {
        if (_store.IsShared)
        {
            return "Redis expires keys by itself";
        }

        long began = Stopwatch.GetTimestamp();
        await _store.SweepAsync(DateTimeOffset.UtcNow, TimeSpan.FromHours(24), default);
        return Text($"{Stopwatch.GetElapsedTime(began).TotalMilliseconds:0.0} ms");
    }

    private static NewSession New(int person, int number)
    {
        Identity identity = new(
            "a",
            Issuer,
            Subject(person),
            person + 1,
            $"person{person}",
            false,
            $"Person {person}",
            $"person{person}@example.com",
            ["paperless-users", "family"],
            "groups");
        return new NewSession(
            identity,
            new ProviderTokens(new string('t', 1200)),
            Subject(person),
            $"sid-{number}",
            DateTimeOffset.UtcNow,
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "192.0.2.7");
    }

    private static string Subject(int person) => person.ToString("x64", CultureInfo.InvariantCulture);

    private static string Percentiles(List<double> times, string unit)
    {
        times.Sort();
        return Text($"{times[times.Count / 2]:0.0} {unit}, {times[times.Count * 99 / 100]:0.0} {unit}");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
