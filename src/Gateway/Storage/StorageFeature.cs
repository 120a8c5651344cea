using Gateway.Settings;
using Microsoft.AspNetCore.DataProtection;

namespace Gateway.Storage;

/// <summary>What outlives the process: the database, and the keys that protect a sign-in's round trip.</summary>
internal static class StorageFeature
{
    public const string KeysDirectory = "keys";

    /// <summary>Bodies that came without a length are kept here until they are sent on.</summary>
    public const string SpoolDirectory = "spool";

    public static void AddStorage(this WebApplicationBuilder builder, GatewaySettings settings)
    {
        builder.Services.AddSingleton<Database>();
        builder.Services.AddSingleton<ISessionStore, SqliteSessions>();
        builder.Services.AddSingleton<StoredAccounts>();
        builder.Services.AddSingleton<StoredSecrets>();
        builder.Services.AddDataProtection()
            .SetApplicationName("paperless-gateway")
            .PersistKeysToFileSystem(new DirectoryInfo(Path.Combine(settings.DataDirectory, KeysDirectory)));
    }

    /// <exception cref="SettingsException">The data directory cannot be used.</exception>
    public static void OpenStorage(this WebApplication app) => app.Services.GetRequiredService<Database>().Open();

    /// <summary>Takes away the bodies that a killed process left behind; only before this one serves.</summary>
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
