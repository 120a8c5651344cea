using Gateway.Metrics;

namespace Gateway.Access;

/// <summary>Access control: the guards of host, path and origin, the access table, and the refusals.</summary>
internal static class AccessFeature
{
    public static void AddAccess(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<AccessRefusals>();
        builder.Services.AddSingleton<PublicHostRedirect>();
        builder.Services.AddSingleton<CredentialCheck>();
        builder.Services.AddCounters<CredentialMetrics>();
        builder.Services.AddSingleton<FailedCredentials>();
        builder.Services.AddSingleton<VerifiedCredentials>();
    }

    /// <summary>Refuses a malformed `Host`. This middleware runs before anything reads the host.</summary>
    public static void UseHostGuard(this WebApplication app) => app.UseMiddleware<HostGuard>();

    /// <summary>Leads plain requests to https if this process has an https port.</summary>
    public static void UseHttpsRedirect(this WebApplication app) => app.UseMiddleware<HttpsRedirect>();

    /// <summary>Refuses ambiguous request targets and hosts that the gateway does not serve.</summary>
    public static void UseHostAndPathGuard(this WebApplication app) => app.UseMiddleware<HostAndPathGuard>();
}
