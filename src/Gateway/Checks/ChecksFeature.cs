using Gateway.Pages;
using Gateway.Providers;
using Gateway.Settings;

namespace Gateway.Checks;

/// <summary>Checks of the configuration against the real servers: the command `check`, the page for superusers, and the log of a start.</summary>
internal static class ChecksFeature
{
    private static readonly string[] ReadMethods = [HttpMethods.Get, HttpMethods.Head];

    private static readonly string[] ProbeMethods = [HttpMethods.Get, HttpMethods.Post];

    public static void MapChecks(this WebApplication app)
    {
        app.UseWhen(context => context.Request.Path == PagesFeature.ProbePath, probe => probe.UseWebSockets());
        app.MapMethods(PagesFeature.CheckPath, ReadMethods, CheckEndpoint.ShowAsync);
        app.MapMethods(PagesFeature.ProbePath, ProbeMethods, context => context.RequestServices.GetRequiredService<ProbeEndpoint>().AnswerAsync(context));
    }

    /// <summary>Registers the checks in the order in which a sign-in meets the things.</summary>
    public static void AddChecks(this WebApplicationBuilder builder, GatewaySettings settings)
    {
        builder.Services.AddSingleton<CheckRunner>();
        builder.Services.AddSingleton<LatestReport>();
        builder.Services.AddSingleton<AccountsCheck>();
        builder.Services.AddSingleton<SignInFaults>();
        builder.Services.AddSingleton<GatewayRun>();
        builder.Services.AddSingleton<ProbeEndpoint>();
        builder.Services.AddHostedService<StartupChecks>();
        builder.Services.AddSingleton<ICheck, SettingsCheck>();
        builder.Services.AddSingleton<ICheck, PublicAddressCheck>();
        foreach (ProviderSettings provider in settings.Providers)
        {
            builder.Services.AddSingleton<ICheck>(services => ActivatorUtilities.CreateInstance<ProviderCheck>(
                services, services.GetRequiredService<ProviderRegistry>().Find(provider.Id)!));
        }

        foreach (Uri upstream in settings.Upstreams)
        {
            builder.Services.AddSingleton<ICheck>(services => ActivatorUtilities.CreateInstance<PaperlessCheck>(services, upstream));
        }

        builder.Services.AddSingleton<ICheck, DirectPaperlessCheck>();
        builder.Services.AddSingleton<ICheck, StoreCheck>();
    }
}
