using System.CommandLine;
using System.CommandLine.Parsing;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.Connections;

namespace Gateway.Operations;

/// <summary>Starts the gateway or runs one of the <see cref="Commands"/>. Known errors are reported in a sentence.</summary>
internal static class CommandLine
{
    private static readonly string[] HelpOptions = ["--help", "-h", "-?", "--version"];

    /// <param name="create">Creates the application from host configuration, for serving (true) or for a command (false).</param>
    /// <returns>The exit code: 0 success, 1 failure or invalid configuration, 2 wrong usage.</returns>
    public static async Task<int> RunAsync(string[] args, Func<string[], bool, WebApplication> create)
    {
        try
        {
            return IsServing(args) ? await ServeAsync(create(args, true)) : await RunCommandAsync(args, create);
        }
        catch (SettingsException error)
        {
            return await WriteResultAsync(error.Message, SettingsFeature.BadConfigurationExitCode);
        }
        catch (Exception error) when (IsAddressInUse(error))
        {
            string[] busy = [.. error is AggregateException both ? both.InnerExceptions.Select(one => one.Message) : [error.Message]];
            const string remedy = "Stop the program that listens there, or change ASPNETCORE_HTTP_PORTS or GATEWAY_MANAGEMENT_URL.";
            return await WriteResultAsync($"The gateway does not start: {string.Join(' ', busy)} {remedy}", SettingsFeature.BadConfigurationExitCode);
        }
    }

    /// <summary>Whether the public address, the management address or both are in use. The two servers start concurrently.</summary>
    public static bool IsAddressInUse(Exception? error) =>
        error is IOException { InnerException: AddressInUseException }
        || (error is AggregateException several && several.InnerExceptions.All(one => one is IOException { InnerException: AddressInUseException }));

    /// <summary>Arguments that begin with a dash are host configuration. Serving does not load the library for commands.</summary>
    private static bool IsServing(string[] args) => args.Length == 0 || (args[0].StartsWith('-') && !HelpOptions.Contains(args[0]));

    private static async Task<int> RunCommandAsync(string[] args, Func<string[], bool, WebApplication> create)
    {
        RootCommand root = new Commands(configuration => create(configuration, false)).Root();
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count == 0)
        {
            // The caller reports exceptions.
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }

        foreach (string error in parsed.Errors.Select(error => error.Message.ReplaceLineEndings(" ").Replace('\t', ' ')).Distinct())
        {
            await Terminal.NoteAsync(error);
        }

        // Help after an error goes to standard error, because standard output is for requested output only.
        await root.Parse([.. CommandPath(parsed.CommandResult), "--help"]).InvokeAsync(new InvocationConfiguration { Output = Console.Error });
        return Terminal.BadUsage;
    }

    /// <summary>The names of a command and its parents.</summary>
    private static IEnumerable<string> CommandPath(SymbolResult? result) =>
        result is CommandResult { Command: not RootCommand } command ? [.. CommandPath(command.Parent), command.Command.Name] : [];

    private static async Task<int> ServeAsync(WebApplication app)
    {
        await using (app)
        {
            await app.OpenStorageAsync();
            app.ProtectDataDirectory();
            app.ClearSpool();
            await app.RunAsync();
            return 0;
        }
    }

    private static async Task<int> WriteResultAsync(string text, int exitCode)
    {
        await Console.Error.WriteLineAsync(text);
        return exitCode;
    }
}
