namespace Gateway.Apps;

/// <summary>What apps, scanners and programs need instead of a browser's sign-in.</summary>
internal static class AppsFeature
{
    public static void AddApps(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<DevicePasswords>();
        builder.Services.AddSingleton<TokenEndpoint>();
    }
}
