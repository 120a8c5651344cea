using System.Runtime.CompilerServices;
using Gateway.Settings;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.Extensions.Options;

namespace Gateway.Storage;

/// <summary>Storage in SQLite or Redis, and the data-protection keys.</summary>
internal static class StorageFeature
{
    public const string KeysDirectory = "keys";

    /// <summary>Directory of chunked request bodies, which are buffered until they are forwarded.</summary>
    public const string SpoolDirectory = "spool";

    /// <remarks>Call this after all other features: sign-in also adds data protection, with the defaults of ASP.NET Core.</remarks>
    public static void AddStorage(this WebApplicationBuilder builder, GatewaySettings settings)
    {
        builder.Services.AddSingleton<StoreMetrics>();
        builder.Services.AddSingleton<DataDirectory>();
        builder.Services.AddSingleton<Database>();
        builder.Services.AddSingleton<SqliteAccounts>();
        builder.Services.AddDataProtection().SetApplicationName("paperless-gateway");
        if (settings.Redis is null)
        {
            builder.Services.AddSingleton<ISessionStore, SqliteSessions>();
            builder.Services.AddSingleton<IReplayCache, SqliteReplayCache>();
            builder.Services.AddSingleton<ILease, SqliteLease>();
            builder.Services.AddSingleton<IAccountLinkStore>(services => services.GetRequiredService<SqliteAccounts>());
            builder.Services.AddSingleton<IRefusedSignInStore, SqliteRefusedSignIns>();
            builder.Services.AddSingleton<ISecretStore, SqliteSecrets>();
            builder.Services.AddSingleton<KeyFiles>();
            KeepKeysIn<KeyFiles>(builder.Services);
            return;
        }

        AddRedis(builder.Services);
    }

    /// <summary>A method of its own, and not inlined: a gateway without Redis does not load the client library for it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddRedis(IServiceCollection services)
    {
        services.AddSingleton<RedisConnection>();
        services.AddSingleton<RedisAccounts>();
        services.AddSingleton<ISessionStore, RedisSessions>();
        services.AddSingleton<IReplayCache, RedisReplayCache>();
        services.AddSingleton<ILease, RedisLease>();
        services.AddSingleton<IAccountLinkStore>(provider => provider.GetRequiredService<RedisAccounts>());
        services.AddSingleton<IRefusedSignInStore, RedisRefusedSignIns>();
        services.AddSingleton<ISecretStore, RedisSecrets>();
        services.AddSingleton<RedisFailures>();
        services.AddSingleton<RedisKeyRing>();
        KeepKeysIn<RedisKeyRing>(services);
    }

    private static void KeepKeysIn<T>(IServiceCollection services)
        where T : IXmlRepository =>
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider =>
            new ConfigureOptions<KeyManagementOptions>(options => options.XmlRepository = provider.GetRequiredService<T>()));

    /// <exception cref="SettingsException">The data directory cannot be used, or Redis does not answer.</exception>
    public static async Task OpenStorageAsync(this WebApplication app)
    {
        // First, so that it is released last.
        app.Services.GetRequiredService<DataDirectory>().Occupy();
        if (app.Services.GetService<RedisConnection>() is { } redis)
        {
            await redis.OpenAsync();
            await ((RedisSecrets)app.Services.GetRequiredService<ISecretStore>()).GetOrCreateAsync(
                ISecretStore.PasswordSessionBinding,
                ISecretStore.PasswordSessionBindingBytes);
            return;
        }

        app.Services.GetRequiredService<Database>().Open();
    }

    /// <summary>As <see cref="OpenStorageAsync"/>, for a command beside a running gateway: it creates nothing and does not migrate the database.</summary>
    /// <exception cref="SettingsException">There is no database, another version of the gateway wrote it, or Redis does not answer.</exception>
    public static async Task OpenExistingStorageAsync(this WebApplication app)
    {
        if (app.Services.GetService<RedisConnection>() is { } redis)
        {
            await redis.OpenAsync();
            return;
        }

        Database database = app.Services.GetRequiredService<Database>();
        database.OpenExisting();
        app.Services.GetRequiredService<DataDirectory>().Occupy();
    }

    /// <summary>As <see cref="OpenExistingStorageAsync"/>, for a command that only reads: it also reads the database of an older gateway.</summary>
    /// <returns>The schema of an older gateway's database; null where this version wrote it, and with Redis.</returns>
    /// <exception cref="SettingsException">There is no database, a newer version of the gateway wrote it, or Redis does not answer.</exception>
    public static async Task<long?> OpenStorageForReadingAsync(this WebApplication app)
    {
        if (app.Services.GetService<RedisConnection>() is { } redis)
        {
            await redis.OpenAsync();
            return null;
        }

        long schema = app.Services.GetRequiredService<Database>().OpenForReading();
        return schema < DatabaseSchema.Current ? schema : null;
    }

    /// <exception cref="SettingsException">The data directory or a file in it is not readable.</exception>
    public static void ProtectDataDirectory(this WebApplication app) => app.Services.GetRequiredService<DataDirectory>().Protect();

    /// <summary>Deletes buffered bodies that a killed process left behind. Call it before the gateway serves requests.</summary>
    public static void ClearSpool(this WebApplication app)
    {
        string spool = Path.Combine(app.Services.GetRequiredService<GatewaySettings>().DataDirectory, SpoolDirectory);
        if (Directory.Exists(spool))
        {
            Directory.Delete(spool, recursive: true);
        }

        PrivateDirectory.Create(spool);
    }
}
