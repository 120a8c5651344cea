namespace Gateway.Settings;

/// <summary>The environment, read once at start.</summary>
internal static partial class SettingsFeature
{
    /// <summary>The exit code of a start that the configuration stopped.</summary>
    public const int BadConfigurationExitCode = 1;

    /// <exception cref="SettingsException">The configuration is not good enough to start with.</exception>
    public static GatewaySettings AddSettings(this WebApplicationBuilder builder)
    {
        (GatewaySettings settings, IReadOnlyList<string> warnings) = new GatewaySettingsReader(builder.Configuration).Read();
        builder.Services.AddSingleton(settings);
        builder.Services.AddHostedService(services => new WarningsAtStart(warnings, services.GetRequiredService<ILogger<WarningsAtStart>>()));
        return settings;
    }

    /// <summary>Says each warning of the configuration once, in the log.</summary>
    private sealed partial class WarningsAtStart(IReadOnlyList<string> warnings, ILogger<WarningsAtStart> logger) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            foreach (string warning in warnings)
            {
                SettingsWarning(warning);
            }

            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        [LoggerMessage(EventId = 1001, EventName = "SettingsWarning", Level = LogLevel.Warning, Message = "Configuration: {Warning}")]
        private partial void SettingsWarning(string warning);
    }
}
