using System.CommandLine;
using System.CommandLine.Parsing;
using Gateway.Settings;
using Gateway.Storage;
using Microsoft.AspNetCore.Connections;

namespace Gateway.Operations;

/// <summary>Serves, or runs one of the <see cref="Commands"/>; says in a sentence what keeps the program from it.</summary>
internal static class CommandLine
{
    private static readonly string[] AboutTheProgram = ["--help", "-h", "-?", "--version"];

    /// <param name="create">Makes the application from configuration for the host, to serve or for a command.</param>
    /// <returns>The exit code: 0 done, 1 not done or a bad configuration, 2 bad usage.</returns>
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
            const string remedy = "Stop what listens there, or change ASPNETCORE_HTTP_PORTS or GATEWAY_MANAGEMENT_URL.";
            return await WriteResultAsync($"The gateway does not start: {string.Join(' ', busy)} {remedy}", SettingsFeature.BadConfigurationExitCode);
        }
    }

    /// <summary>At the public address, at that of the management, or at both: the two servers start at once.</summary>
    public static bool IsAddressInUse(Exception? error) =>
        error is IOException { InnerException: AddressInUseException }
        || (error is AggregateException several && several.InnerExceptions.All(one => one is IOException { InnerException: AddressInUseException }));

    /// <summary>What begins with a dash is configuration for the host. A start does not load the library for commands.</summary>
    private static bool IsServing(string[] args) => args.Length == 0 || (args[0].StartsWith('-') && !AboutTheProgram.Contains(args[0]));

    private static async Task<int> RunCommandAsync(string[] args, Func<string[], bool, WebApplication> create)
    {
        RootCommand root = new Commands(configuration => create(configuration, false)).Root();
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count == 0)
        {
            // Exceptions are worded by the caller.
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }

        foreach (string error in parsed.Errors.Select(error => error.Message.ReplaceLineEndings(" ").Replace('\t', ' ')).Distinct())
        {
            await Terminal.NoteAsync(error);
        }

        // Standard output gets what was asked for and nothing else.
        await root.Parse([.. CommandPath(parsed.CommandResult), "--help"]).InvokeAsync(new InvocationConfiguration { Output = Console.Error });
        return Terminal.BadUsage;
    }

    /// <summary>The names of a command and of those above it.</summary>
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
