using System.Text;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>The options of `setup`; null where one is left out.</summary>
internal sealed record SetupArguments(
    string? PublicUrl, string? Provider, string? ProviderUrl, string? PaperlessUrl, string? Admin, bool IsExisting, string Output, bool Force);

/// <summary>`Gateway setup`: writes the files of an installation, then checks it. Nothing existing is overwritten without `--force`.</summary>
/// <param name="ask">Asks the person at the terminal a question, with the answer that an empty line means; null without a terminal.</param>
/// <param name="check">Runs `check` with variables.</param>
internal sealed class SetupCommand(Func<string, string, string>? ask, Func<IReadOnlyList<(string Name, string Value)>, Task<int>> check)
{
    /// <returns>The exit code: 0 if the files are written, whatever the check finds.</returns>
    public async Task<int> RunAsync(SetupArguments arguments)
    {
        (SetupAnswers? answers, string error) = Answer(arguments);
        if (answers is null)
        {
            return await Terminal.FailAsync(error, Terminal.BadUsage);
        }

        SetupFiles files = new(answers);
        IReadOnlyList<(string Name, string Text, bool IsSecret)> all = files.All();
        string[] existing = [.. all.Select(file => Path.Combine(arguments.Output, file.Name)).Where(File.Exists)];
        if (existing.Length > 0 && !arguments.Force)
        {
            return await Terminal.FailAsync($"Nothing is written, because these files exist: {string.Join(", ", existing)}. "
                + "Choose another --output, or add --force: it overwrites them, with new secrets, which a "
                + "provider or a Paperless that runs already does not know.");
        }

        try
        {
            Directory.CreateDirectory(arguments.Output);
            foreach ((string name, string text, bool isSecret) in all)
            {
                Write(Path.Combine(arguments.Output, name), text, isSecret);
                await Console.Out.WriteLineAsync($"Wrote {Path.Combine(arguments.Output, name)}");
            }
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            return await Terminal.FailAsync($"The files cannot be written: {failed.Message}");
        }

        await Console.Out.WriteLineAsync("\nWhat \"check\" says before anything is started:\n");
        await check(files.Settings);
        await Console.Out.WriteLineAsync(NextSteps(answers));
        return 0;
    }

    private (SetupAnswers? Answers, string Error) Answer(SetupArguments arguments)
    {
        string publicText = arguments.PublicUrl ?? Ask("The address that people type for Paperless", "");
        string provider = arguments.Provider ?? Ask("The provider: authentik or other", "authentik");
        bool isAuthentik = provider == "authentik";
        string providerText = arguments.ProviderUrl ?? Ask(isAuthentik ? "authentik's address" : "The provider's issuer", "");
        string paperlessText = arguments.PaperlessUrl ?? Ask("Paperless's address, as the gateway reaches it", "http://paperless:8000");
        bool isExisting = arguments.IsExisting
            || (arguments.Admin is null && Ask("Is it a new Paperless? yes or no", "yes").StartsWith("n", StringComparison.OrdinalIgnoreCase));
        string admin = arguments.Admin ?? Ask("The superuser of Paperless as whom the gateway manages accounts", "admin");
        if (SetupAnswers.Address(publicText, mayHavePath: false) is not { } publicUrl)
        {
            return (null, "--public-url must be an address without a path, such as https://docs.example.com.");
        }

        if (provider is not ("authentik" or "other"))
        {
            return (null, "--provider must be authentik or other.");
        }

        if (SetupAnswers.Address(providerText, mayHavePath: !isAuthentik) is not { } providerUrl)
        {
            return (null, isAuthentik
                ? "--provider-url must be authentik's address without a path, such as https://auth.example.com."
                : "--provider-url must be the provider's issuer, such as https://id.example.com.");
        }

        if (SetupAnswers.Address(paperlessText, mayHavePath: false) is not { } paperless)
        {
            return (null, "--paperless-url must be an address without a path, such as http://paperless:8000.");
        }

        return SetupAnswers.IsPlainName(admin)
            ? (new SetupAnswers(new PublicOrigin(publicUrl), isAuthentik, providerUrl, paperless, isExisting, admin), "")
            : (null, "--admin must be a user name of letters, digits and . @ + - _.");
    }

    private string Ask(string question, string preset) => ask is null ? preset : ask(question, preset);

    /// <summary>An existing file is removed first: it could have other permissions, or be a link.</summary>
    private static void Write(string path, string text, bool isSecret)
    {
        File.Delete(path);
        using FileStream stream = isSecret ? PrivateFile.Open(path, FileMode.CreateNew) : new FileStream(path, FileMode.CreateNew);
        stream.Write(Encoding.UTF8.GetBytes(text));
    }

    private static string NextSteps(SetupAnswers answers)
    {
        string provider = answers.IsAuthentik
            ? $"Copy {SetupFiles.Blueprint} to authentik's worker, below /blueprints/custom, and put people into the group paperless-users."
            : $"Register the addresses above at the provider, with the client ID \"{SetupAnswers.ClientId}\", and write its client secret into "
                + $"{SetupFiles.GatewayEnvironment}.";
        string token = answers.IsExisting
            ? $"\n  3. Write the API token of {answers.Admin} (Paperless: My Profile) into {SetupFiles.GatewayEnvironment}."
            : $"\n  3. The password of {answers.Admin} stands in {SetupFiles.PaperlessEnvironment}.";
        return $"""

            Next:
              1. {provider}
              2. Add the lines of {SetupFiles.PaperlessEnvironment} to Paperless's env file, and remove "ports:" from Paperless.{token}
              4. Add the service of {SetupFiles.Compose}, let the proxy in front use the lines of {SetupFiles.Nginx}, and start everything.
              5. Run "check" again: docker compose exec gateway dotnet Gateway.dll check
            """;
    }
}
