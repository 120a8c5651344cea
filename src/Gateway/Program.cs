using Gateway.Access;
using Gateway.Accounts;
using Gateway.Admin;
using Gateway.Apps;
using Gateway.Checks;
using Gateway.Forwarding;
using Gateway.Groups;
using Gateway.Metrics;
using Gateway.Operations;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.PasswordSessions;
using Gateway.Profile;
using Gateway.Providers;
using Gateway.ReadAhead;
using Gateway.Recheck;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.SignIn;
using Gateway.SignOut;
using Gateway.StaticCache;
using Gateway.Storage;
using Gateway.Tracing;
using Gateway.WebSockets;

namespace Gateway;

/// <summary>The table of contents: the features, and the order in which a request meets them.</summary>
internal sealed class Program
{
    public static Task<int> Main(string[] args) => CommandLine.RunAsync(args, Create);

    /// <param name="serves">False for a command that only uses the parts.</param>
    /// <exception cref="SettingsException">The configuration is not good enough to start with.</exception>
    public static WebApplication Create(string[] args, bool serves = true)
    {
        // The environment is read once: nothing watches files for changes of it.
        // Slim: without IIS and the loggers that Serilog replaces. HTTPS and HTTP/3 are added, which it lacks, too.
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder([.. args, "--hostBuilder:reloadConfigOnChange=false"]);
        builder.WebHost.UseKestrelHttpsConfiguration().UseQuic();
        GatewaySettings settings = builder.AddSettings();
        builder.AddOperations(settings, serves);
        builder.AddGatewayMetrics(settings.Metrics, serves);
        builder.AddTracing(settings.Tracing, serves);
        builder.AddSessions();
        builder.AddPages();
        builder.AddPaperless(settings);
        builder.AddGroups();
        builder.AddPasswordSessions();
        builder.AddWebSocketForwarding();
        builder.AddAccess();
        builder.AddAccounts();
        builder.AddProviders();
        builder.AddProfile();
        builder.AddRecheck();
        builder.AddSignIn(settings);
        builder.AddApps();
        builder.AddStaticCache();
        builder.AddReadAhead();
        builder.AddForwarding();
        builder.AddSignOut();
        builder.AddChecks(settings);
        builder.AddAdmin();
        builder.AddStorage(settings);

        WebApplication app = builder.Build();

        // The request log is outermost: it has an answer for every exception. It brings the host guard and the headers of trusted proxies.
        app.UseOperations(settings);

        // Nothing is decided on a request whose host or path two parsers could read differently.
        app.UseHostAndPathGuard();

        // The session's cookie says who is there. No later step takes a header's word for it.
        app.UseSessions(settings);

        // The access table decides here, and what is Paperless's is forwarded. It denies by default: no route, and no later step, opens a door.
        app.UseForwarding();

        // Only requests for the gateway's own endpoints come this far. The OpenID Connect handler among them answers the provider's callback,
        // which is why authentication comes after forwarding: in front, it would cost every request and run before the guards.
        app.UseSignIn();
        app.MapSignIn();
        app.MapApps(settings);
        app.MapSignOut();
        app.MapChecks();
        app.MapAdmin(settings);
        app.MapPages();
        return app;
    }
}
