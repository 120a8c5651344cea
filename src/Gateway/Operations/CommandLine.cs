using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.Connections;

namespace Gateway.Operations;

/// <summary>
/// The program's commands: without one it serves; `health` asks a running gateway, `validate` checks the settings and `settings` lists them,
/// `accounts` is about links, `sessions` about who is signed in, `storage` copies links.
/// </summary>
internal static class CommandLine
{
    private const string Usage = """
        Gateway                  serves, as the environment says
        Gateway health [ready]   asks the running gateway at GATEWAY_MANAGEMENT_URL; exit code 0 if it is live (ready)
        Gateway validate         checks the configuration as a start would, without serving
        Gateway settings         prints every setting with its default and its meaning

        Gateway accounts list [--json]
                                 shows who at a provider is which Paperless user
        Gateway accounts link --issuer URL --subject S --user NAME [--provider ID] [--json]
                                 makes that person that Paperless user; superusers and staff as well
        Gateway accounts unlink --issuer URL --subject S [--json]
                                 takes the link away and ends that person's sessions; the Paperless user stays

        Gateway storage copy --to-redis|--to-sqlite
                                 copies the links between GATEWAY_DATA_DIR and GATEWAY_REDIS_URL; sessions begin anew

        Gateway sessions list [--user NAME] [--json]
                                 shows who is signed in, or where that Paperless user is
        Gateway sessions end --id ID | --user NAME [--json]
                                 ends that session, or all of that user's; a running gateway notices within half a minute
        """;

    /// <param name="create">Makes the application from what is configuration for the host, to serve or for a command.</param>
    public static async Task<int> RunAsync(string[] args, Func<string[], bool, WebApplication> create)
    {
        try
        {
            if (args is ["accounts" or "sessions", .. string[] rest])
            {
                return await (args[0] == "accounts" ? AccountsAsync(rest, create) : SessionsAsync(rest, create));
            }

            if (args is ["storage", "copy", "--to-redis" or "--to-sqlite"])
            {
                await using WebApplication app = create([], false);
                return await StorageCommand.CopyAsync(app, toRedis: args[2] == "--to-redis");
            }

            // What begins with a dash is configuration for the host.
            string[] words = [.. args.TakeWhile(arg => !arg.StartsWith('-'))];
            return words switch
            {
                [] => await ServeAsync(create(args, true)),
                ["health"] => await AskAsync(ManagementServer.LivePath),
                ["health", "ready"] => await AskAsync(ManagementServer.ReadyPath),
                ["settings"] => await ListSettingsAsync(),
                ["validate"] => await ValidateAsync(create([.. args.Skip(1)], false)),
                _ => await SayAsync(Usage, Terminal.BadUsage),
            };
        }
        catch (SettingsException error)
        {
            return await SayAsync(error.Message, SettingsFeature.BadConfigurationExitCode);
        }
        catch (Exception error) when (IsAddressInUse(error))
        {
            string[] busy = [.. error is AggregateException both ? both.InnerExceptions.Select(one => one.Message) : [error.Message]];
            return await SayAsync($"The gateway does not start: {string.Join(' ', busy)} Stop what listens there, or change ASPNETCORE_HTTP_PORTS or GATEWAY_MANAGEMENT_URL.", SettingsFeature.BadConfigurationExitCode);
        }
    }

    /// <summary>At the public address, at that of the management, or at both: the two servers start at once.</summary>
    public static bool IsAddressInUse(Exception? error) =>
        error is IOException { InnerException: AddressInUseException }
        || (error is AggregateException several && several.InnerExceptions.All(one => one is IOException { InnerException: AddressInUseException }));

    private static async Task<int> ServeAsync(WebApplication app)
    {
        await using (app)
        {
            await app.OpenStorageAsync();
            app.ClearSpool();
            await app.RunAsync();
            return 0;
        }
    }

    private static async Task<int> ListSettingsAsync()
    {
        await Console.Out.WriteAsync(SettingsReference.ToMarkdown());
        return 0;
    }

    private static async Task<int> ValidateAsync(WebApplication app)
    {
        await using (app)
        {
            await app.OpenStorageAsync();
            GatewaySettings settings = app.Services.GetRequiredService<GatewaySettings>();
            await Console.Out.WriteLineAsync($"The configuration is good: {settings.Public} in front of {string.Join(", ", settings.Upstreams)}, sign-in at {string.Join(", ", settings.Providers)}.");
            return 0;
        }
    }

    private static async Task<int> AccountsAsync(string[] args, Func<string[], bool, WebApplication> create)
    {
        (AccountsArguments? arguments, string? fault) = AccountsArguments.Parse(args);
        if (arguments is null)
        {
            return await SayAsync($"{fault}\n\n{Usage}", Terminal.BadUsage);
        }

        await using WebApplication app = create([], false);
        await app.OpenStorageAsync();
        return await app.Services.GetRequiredService<AccountsCommand>().RunAsync(arguments);
    }

    private static async Task<int> SessionsAsync(string[] args, Func<string[], bool, WebApplication> create)
    {
        (SessionsArguments? arguments, string? fault) = SessionsArguments.Parse(args);
        if (arguments is null)
        {
            return await SayAsync($"{fault}\n\n{Usage}", Terminal.BadUsage);
        }

        await using WebApplication app = create([], false);
        await app.OpenStorageAsync();
        return await app.Services.GetRequiredService<SessionsCommand>().RunAsync(arguments);
    }

    private static async Task<int> AskAsync(string path)
    {
        Uri management = new GatewaySettingsReader(new ConfigurationBuilder().AddEnvironmentVariables().Build()).ManagementAddress();
        UriBuilder address = new(management) { Path = path, Host = management.Host is "0.0.0.0" or "[::]" ? "127.0.0.1" : management.Host };
        using HttpClient client = new() { Timeout = TimeSpan.FromSeconds(5) };
        try
        {
            using HttpResponseMessage response = await client.GetAsync(address.Uri);
            await Console.Out.WriteLineAsync(await response.Content.ReadAsStringAsync());
            return response.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
        {
            return await SayAsync($"{address.Uri} does not answer.", 1);
        }
    }

    private static async Task<int> SayAsync(string text, int exitCode)
    {
        await Console.Error.WriteLineAsync(text);
        return exitCode;
    }
}
