namespace Gateway.Settings;

/// <summary>Reads the environment once at start.</summary>
internal static partial class SettingsFeature
{
    /// <summary>The exit code if the configuration is invalid.</summary>
    public const int BadConfigurationExitCode = 1;

    /// <exception cref="SettingsException">The configuration is invalid.</exception>
    public static GatewaySettings AddSettings(this WebApplicationBuilder builder)
    {
        (GatewaySettings settings, IReadOnlyList<string> warnings) = new GatewaySettingsReader(builder.Configuration).Read();
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(new SettingsWarnings(warnings));
        builder.Services.AddSingleton(settings.Public);
        builder.Services.AddSingleton(settings.Storage);
        builder.Services.AddSingleton(settings.Session);
        builder.Services.AddSingleton(settings.Identity);
        builder.Services.AddSingleton(settings.Accounts);
        builder.Services.AddSingleton(settings.Paperless);
        builder.Services
            .AddHostedService(services => new StartupMessages(settings.Accounts, warnings, services.GetRequiredService<ILogger<StartupMessages>>()));
        return settings;
    }

    /// <summary>Logs at start each configuration warning and the groups that grant the superuser and staff flags.</summary>
    private sealed partial class StartupMessages(AccountSettings accounts, IReadOnlyList<string> warnings, ILogger<StartupMessages> logger) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            foreach (string warning in warnings)
            {
                SettingsWarning(warning);
            }

            LogFlagGroups("superuser", accounts.SuperuserGroups);
            LogFlagGroups("staff", accounts.StaffGroups);

            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        private void LogFlagGroups(string flag, FlagGroups groups)
        {
            foreach (string provider in groups.Providers)
            {
                string[] names = [.. groups.ForProvider(provider).Order(StringComparer.Ordinal)];
                FlagGranted(provider, names, flag);
            }
        }

        [LoggerMessage(
            EventId = 1002,
            EventName = "FlagGroups",
            Level = LogLevel.Information,
            Message = "Members of the groups {Groups} at the provider {Provider} get the {Flag} flag")]
        private partial void FlagGranted(string provider, string[] groups, string flag);

        [LoggerMessage(EventId = 1001, EventName = "SettingsWarning", Level = LogLevel.Warning, Message = "Configuration: {Warning}")]
        private partial void SettingsWarning(string warning);
    }
}

/// <summary>The warnings of the configuration: the gateway starts, but something will not work as the operator expects.</summary>
internal sealed record SettingsWarnings(IReadOnlyList<string> Texts);
