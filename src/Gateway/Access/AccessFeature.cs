namespace Gateway.Access;

/// <summary>Who may reach what: the guards of host, path and origin, the access table, and the refusals.</summary>
internal static class AccessFeature
{
    public static void AddAccess(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<AccessRefusals>();
        builder.Services.AddSingleton<CredentialCheck>();
    }

    /// <summary>Refuses a `Host` that is none. It comes before anything reads the host.</summary>
    public static void UseHostGuard(this WebApplication app) => app.UseMiddleware<HostGuard>();

    /// <summary>Refuses what two parsers could read differently, and hosts that the gateway does not answer for.</summary>
    public static void UseHostAndPathGuard(this WebApplication app) => app.UseMiddleware<HostAndPathGuard>();
}
