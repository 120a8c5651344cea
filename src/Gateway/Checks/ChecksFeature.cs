using Gateway.Pages;
using Gateway.Providers;
using Gateway.Settings;

namespace Gateway.Checks;

/// <summary>Checks of the configuration against the real servers: the command `check`, the page for superusers, and the log of a start.</summary>
internal static class ChecksFeature
{
    private static readonly string[] ReadMethods = [HttpMethods.Get, HttpMethods.Head];

    public static void MapChecks(this WebApplication app) => app.MapMethods(PagesFeature.CheckPath, ReadMethods, CheckEndpoint.ShowAsync);

    /// <summary>Registers the checks in the order in which a sign-in meets the things.</summary>
    public static void AddChecks(this WebApplicationBuilder builder, GatewaySettings settings)
    {
        builder.Services.AddSingleton<CheckRunner>();
        builder.Services.AddSingleton<LatestReport>();
        builder.Services.AddSingleton<SignInFaults>();
        builder.Services.AddHostedService<StartupChecks>();
        builder.Services.AddSingleton<ICheck, SettingsCheck>();
        foreach (ProviderSettings provider in settings.Providers)
        {
            builder.Services.AddSingleton<ICheck>(services => new ProviderCheck(
                services.GetRequiredService<ProviderRegistry>().Find(provider.Id)!, settings, services.GetRequiredService<TimeProvider>()));
        }

        foreach (Uri upstream in settings.Upstreams)
        {
            builder.Services.AddSingleton<ICheck>(services => ActivatorUtilities.CreateInstance<PaperlessCheck>(services, upstream));
        }

        builder.Services.AddSingleton<ICheck, StoreCheck>();
    }
}
