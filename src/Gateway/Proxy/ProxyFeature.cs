namespace Gateway.Proxy;

/// <summary>The way to Paperless: who may reach what, the guards, the headers, the forwarding.</summary>
internal static class ProxyFeature
{
    public static void AddProxy(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(ForwardingTimes.Default);
        builder.Services.AddSingleton<ForwardingToPaperless>();
        builder.Services.AddSingleton(StaticFileLimits.Default);
        builder.Services.AddSingleton<StaticFileStore>();
        builder.Services.AddSingleton<StaticFileCompression>();
        builder.Services.AddHostedService(services => services.GetRequiredService<StaticFileCompression>());
        builder.Services.AddSingleton<StaticFileFetch>();
        builder.Services.AddSingleton<StaticFiles>();
        builder.Services.AddSingleton<RequestHygiene>();
        builder.Services.AddSingleton<PaperlessCookies>();
        builder.Services.AddSingleton<PaperlessSession>();
        builder.Services.AddSingleton<LocalSessionQuestion>();
        builder.Services.AddSingleton<LocalSessions>();
        builder.Services.AddHostedService<LocalSocketChecks>();
        builder.Services.AddSingleton<AccessRefusals>();
        builder.Services.AddSingleton<CredentialCheck>();
        builder.Services.AddSingleton(UnverifiedBodyLimits.Default);
        builder.Services.AddSingleton<UnverifiedBodies>();
        builder.Services.AddSingleton<UnsizedBody>();
        builder.Services.AddSingleton<OpenSockets>();
        builder.Services.AddSingleton<OwnProfile>();
        builder.Services.AddHostedService<LeftPaperlessSessions>();
    }

    public static void UseHostGuard(this WebApplication app) => app.UseMiddleware<HostGuard>();

    public static void UseFrontDoor(this WebApplication app) => app.UseMiddleware<FrontDoor>();

    /// <summary>Answers everything that is Paperless's; only the gateway's own endpoints are behind it.</summary>
    public static void UseForwarding(this WebApplication app)
    {
        app.UseMiddleware<Forwarding>();
        app.UseRouting();
        app.MapReverseProxy();
    }
}
