using System.Text;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>The options of `setup`; null where one is left out.</summary>
/// <param name="NewSecrets">Whether the secrets of existing files are replaced.</param>
/// <param name="Token">Where the API token of authentik is.</param>
internal sealed record SetupArguments(
    string? PublicUrl,
    string? Provider,
    string? ProviderUrl,
    string? PaperlessUrl,
    string? Admin,
    bool IsExisting,
    string Output,
    bool Force,
    bool NewSecrets,
    AuthentikToken Token);

/// <summary>How `setup` asks the person at the terminal.</summary>
/// <param name="Line">A question, with the answer that an empty line means.</param>
/// <param name="Secret">A question whose answer is not shown.</param>
internal sealed record SetupQuestions(Func<string, string, string> Line, Func<string, string> Secret);

/// <summary>`Gateway setup`: writes the files of an installation, then checks it. Nothing existing is overwritten without `--force`.</summary>
/// <param name="ask">Null without a terminal.</param>
/// <param name="check">Runs `check` with variables.</param>
internal sealed class SetupCommand(SetupQuestions? ask, Func<IReadOnlyList<(string Name, string Value)>, Task<int>> check)
{
    /// <returns>The exit code: 0 if the files are written, and authentik has what it should, whatever the check finds.</returns>
    public async Task<int> RunAsync(SetupArguments arguments, CancellationToken cancel = default)
    {
        (SetupAnswers? answers, string error) = Answer(arguments);
        if (answers is null)
        {
            return await Terminal.FailAsync(error, Terminal.BadUsage);
        }

        string[] existing = [.. SetupFiles.Names(answers).Select(name => Path.Combine(arguments.Output, name)).Where(File.Exists)];
        if (existing.Length > 0 && !arguments.Force)
        {
            return await Terminal.FailAsync($"Nothing is written, because these files exist: {string.Join(", ", existing)}. "
                + "Choose another --output, or add --force: it overwrites them and keeps their secrets.");
        }

        if (!arguments.Token.IsAsked)
        {
            return await WriteAsync(arguments, answers, authentik: null, found: null);
        }

        (string? token, error) = answers.IsAuthentik ? arguments.Token.Read(ask?.Secret) : (null, "--authentik-token needs --provider authentik.");
        if (token is null)
        {
            return await Terminal.FailAsync(error, Terminal.BadUsage);
        }

        using AuthentikApi api = new(answers.ProviderUrl, token, cancel);
        AuthentikSetup authentik = new(api);
        AuthentikObjects found;
        try
        {
            found = await authentik.FindAsync();
        }
        catch (AuthentikApiException failed)
        {
            return await Terminal.FailAsync($"Nothing is written. {failed.Message}");
        }

        return found.Existing.Count > 0 && !arguments.Force
            ? await Terminal.FailAsync($"Nothing is written, because authentik has {string.Join(" and ", found.Existing)} already. Add --force: "
                + "it sets them as the blueprint has them, and keeps the client ID and the client secret.")
            : await WriteAsync(arguments, answers, authentik, found);
    }

    /// <param name="found">What authentik has; null without a token.</param>
    private async Task<int> WriteAsync(SetupArguments arguments, SetupAnswers answers, AuthentikSetup? authentik, AuthentikObjects? found)
    {
        SetupSecrets secrets = arguments.NewSecrets
            ? SetupSecrets.New(answers.IsAuthentik)
            : SetupSecrets.Find(arguments.Output, answers).OrClient(found?.Client);
        SetupFiles files = new(answers, secrets);
        try
        {
            Directory.CreateDirectory(arguments.Output);
            IReadOnlyList<(string Name, string Text, bool IsSecret)> all = files.All();
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

        if (secrets.Kept.Count > 0)
        {
            await Console.Out.WriteLineAsync($"Kept {string.Join(", ", secrets.Kept)}; --new-secrets makes new ones.");
        }

        if (authentik is not null)
        {
            try
            {
                await authentik.ApplyAsync(found!, answers, secrets);
            }
            catch (AuthentikApiException failed)
            {
                return await Terminal.FailAsync(
                    $"authentik is not set up to the end. {failed.Message} Then run setup again, with --force: it keeps the secrets.");
            }
        }

        await Console.Out.WriteLineAsync("\nWhat \"check\" says before anything is started:\n");
        await check(files.Settings);
        await Console.Out.WriteLineAsync(NextSteps(answers, secrets, isAuthentikDone: authentik is not null));
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

    private string Ask(string question, string preset) => ask is null ? preset : ask.Line(question, preset);

    /// <summary>An existing file is removed first: it could have other permissions, or be a link.</summary>
    private static void Write(string path, string text, bool isSecret)
    {
        File.Delete(path);
        using FileStream stream = isSecret ? PrivateFile.Open(path, FileMode.CreateNew) : new FileStream(path, FileMode.CreateNew);
        stream.Write(Encoding.UTF8.GetBytes(text));
    }

    private static string NextSteps(SetupAnswers answers, SetupSecrets secrets, bool isAuthentikDone)
    {
        return $"""

            Next:
              1. {ProviderStep(answers, secrets, isAuthentikDone)}
              2. Add the lines of {SetupFiles.PaperlessEnvironment} to Paperless's env file, and remove "ports:" from Paperless.
              3. {CredentialStep(answers, secrets)}
              4. Add the service of {SetupFiles.Compose}, let the proxy in front use the lines of {SetupFiles.Nginx}, and start everything.
              5. Run "check" again: docker compose exec gateway dotnet Gateway.dll check
            """;
    }

    private static string CredentialStep(SetupAnswers answers, SetupSecrets secrets)
    {
        if (!answers.IsExisting)
        {
            return $"The password of {answers.Admin} stands in {SetupFiles.PaperlessEnvironment}.";
        }

        return secrets.Token is null
            ? $"Write the API token of {answers.Admin} (Paperless: My Profile) into {SetupFiles.GatewayEnvironment}."
            : $"The API token of {answers.Admin} stands in {SetupFiles.GatewayEnvironment}.";
    }

    private static string ProviderStep(SetupAnswers answers, SetupSecrets secrets, bool isAuthentikDone)
    {
        if (isAuthentikDone)
        {
            return $"Put people into the group {AuthentikSetup.GroupName} at authentik.";
        }

        return answers.IsAuthentik
            ? $"Copy {SetupFiles.Blueprint} to authentik's worker, below /blueprints/custom, and put people into the group {AuthentikSetup.GroupName}. "
                + "Or run this command again with --force --authentik-token, and it does that at authentik itself."
            : $"""
                Register the client "{secrets.ClientId}" at the provider, and write its ID and its secret into {SetupFiles.GatewayEnvironment}:
                     Redirect URI             {answers.RedirectUri}
                     Logout redirect URI      {answers.LogoutRedirectUri}
                     Back-channel logout URI  {answers.BackChannelLogoutUri}
                """;
    }
}
