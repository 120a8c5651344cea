using Gateway.Accounts;
using Gateway.Operations;
using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Proxy;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.SignIn;
using Gateway.SignOut;
using Gateway.Storage;

namespace Gateway;

/// <summary>The table of contents.</summary>
internal sealed class Program
{
    public static Task<int> Main(string[] args) => CommandLine.RunAsync(args, Create);

    /// <param name="serves">False for a command that only uses the parts.</param>
    /// <exception cref="SettingsException">The configuration is not good enough to start with.</exception>
    public static WebApplication Create(string[] args, bool serves = true)
    {
        // The environment is read once: nothing watches files for changes of it.
        WebApplicationBuilder builder = WebApplication.CreateBuilder([.. args, "--hostBuilder:reloadConfigOnChange=false"]);
        GatewaySettings settings = builder.AddSettings();
        builder.AddOperations(settings, serves);
        builder.AddSessions();
        builder.AddPages();
        builder.AddPaperless(settings);
        builder.AddProxy();
        builder.AddAccounts();
        builder.AddSignIn(settings);
        builder.AddSignOut();
        builder.AddStorage(settings);

        WebApplication app = builder.Build();
        app.UseOperations(settings);
        app.UseFrontDoor();
        app.UseSessions();
        app.UseForwarding();
        app.UseSignIn();
        app.MapSignIn();
        app.MapSignOut();
        app.MapPages();
        return app;
    }
}
