using System.CommandLine;
using System.CommandLine.Parsing;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>The commands of the program and their options. Commands use the settings and the store of the gateway, without serving.</summary>
/// <param name="create">Creates the application from host configuration.</param>
internal sealed class Commands(Func<string[], WebApplication> create)
{
    private readonly Option<string> _issuer = Text("--issuer", "URL", "The provider's issuer, as it stands in its ID tokens (iss).");
    private readonly Option<string> _subject = Text("--subject", "SUBJECT", "The person's subject at that issuer (sub).");
    private readonly Option<string> _linkedUser = Text("--user", "NAME", "The Paperless user's name; letter case counts.");
    private readonly Option<string> _providerUser =
        Text("--provider-user", "NAME", "In place of --issuer and --subject: the user name, as the provider sends it, of somebody who signs in later.");
    private readonly Argument<string> _export = new("file")
    {
        Description = "The output of Paperless's \"manage.py dumpdata socialaccount.socialaccount\", or an export's manifest.json; - reads standard input."
    };
    private readonly Option<bool> _refused = new("--refused") { Description = "Lists who was refused in the last week, and why." };
    private readonly Option<string> _provider = Text("--provider", "ID", "The provider_id; needed where there are several providers.");
    private readonly Option<string> _id = Text("--id", "ID", "The session's id, as \"sessions list\" shows it.");
    private readonly Option<string> _sessionUser = Text("--user", "NAME", "The Paperless user's name; letter case counts.");
    private readonly Argument<string[]> _deviceIds = new("id")
    {
        Arity = ArgumentArity.ZeroOrMore,
        Description = "The ids of device passwords, as \"apps list\" shows them.",
    };
    private readonly Option<bool> _json = new("--json") { Description = "Write JSON, for programs." };

    public RootCommand Root() => new("Paperless Gateway. Without a command it starts the gateway, configured by environment variables.")
    {
        Health(), Validate(), Check(), Setup(), Settings(), Accounts(), Sessions(), Apps(), Storage(), DataCommands.Backup(), DataCommands.Restore(),
    };

    /// <summary>The arguments of `accounts`.</summary>
    public AccountsArguments AccountsArguments(AccountsVerb verb, ParseResult parsed) =>
        new(
            verb,
            parsed.GetValue(_issuer) ?? "",
            parsed.GetValue(_subject) ?? "",
            parsed.GetValue(_linkedUser) ?? "",
            parsed.GetValue(_providerUser) ?? "",
            parsed.GetValue(_provider),
            verb == AccountsVerb.List && parsed.GetValue(_refused),
            verb == AccountsVerb.Import ? parsed.GetValue(_export) ?? "" : "",
            parsed.GetValue(_json));

    /// <summary>The arguments of `sessions`.</summary>
    public SessionsArguments SessionsArguments(bool ends, ParseResult parsed) =>
        new(ends, ends ? parsed.GetValue(_id) : null, parsed.GetValue(_sessionUser), parsed.GetValue(_json));

    /// <summary>The arguments of `apps`.</summary>
    public AppsArguments AppsArguments(bool revokes, ParseResult parsed) =>
        new(revokes, revokes ? parsed.GetValue(_deviceIds) ?? [] : [], parsed.GetValue(_sessionUser), parsed.GetValue(_json));

    private static Command Health()
    {
        Argument<string> ready = new("ready")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "Asks whether the gateway can do its work. Left out: whether it is live."
        };
        ready.AcceptOnlyFromAmong("ready");
        Command health = new("health", "Asks the running gateway at GATEWAY_MANAGEMENT_URL; the exit code is 0 if it is live, or ready.") { ready };
        health.SetAction(
            (parsed, cancel) => HealthCommand.CheckAsync(parsed.GetValue(ready) is null ? ManagementServer.LivePath : ManagementServer.ReadyPath, cancel));
        return health;
    }

    private Command Validate()
    {
        Argument<string[]> configuration = new("configuration")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = "Further configuration, such as --PAPERLESS_URL=https://docs.example.com."
        };
        configuration.Validators.Add(result =>
        {
            foreach (Token token in result.Tokens.Where(token => !token.Value.StartsWith('-')))
            {
                result.AddError($"\"{token.Value}\" is not understood.");
            }
        });
        Command validate = new("validate", "Checks the configuration alone, as a start would. The command check also asks the servers.") { configuration };
        validate.SetAction(async (parsed, _) =>
        {
            await using WebApplication app = create(parsed.GetValue(configuration) ?? []);
            GatewaySettings settings = app.Services.GetRequiredService<GatewaySettings>();
            await Console.Out.WriteLineAsync($"The configuration is good: {settings.Public} in front of {string.Join(", ", settings.Upstreams)}, "
                + $"sign-in at {string.Join(", ", settings.Providers)}. No server was asked: \"check\" asks them.");
            return 0;
        });
        return validate;
    }

    private Command Check()
    {
        Option<TimeSpan?> wait = new("--wait")
        {
            HelpName = "TIME",
            Description = "Repeats the checks until nothing is wrong, for this long at most, such as 60s.",
            CustomParser = result => Variables.TryReadDuration(result.Tokens[0].Value, out TimeSpan time) ? time : NoDuration(result),
        };
        Option<bool> accounts = new("--accounts") { Description = "Also says of each Paperless user who becomes it at a first sign-in." };
        Command check = new("check", "Checks the configuration against the provider, Paperless and the store. It changes nothing.") { accounts, _json, wait };
        check.SetAction((parsed, cancel) =>
            CheckCommand.RunAsync(() => create([]), Console.Out, parsed.GetValue(_json), parsed.GetValue(accounts), parsed.GetValue(wait), cancel));
        return check;
    }

    private Command Setup()
    {
        Option<string> publicUrl = Text("--public-url", "URL", "The address that people type for Paperless.");
        Option<string> provider = Text("--provider", "KIND", "authentik or other.");
        Option<string> providerUrl = Text("--provider-url", "URL", "authentik's address, or the other provider's issuer.");
        Option<string> paperlessUrl = Text("--paperless-url", "URL", "Paperless's address, as the gateway reaches it.");
        Option<string> admin = Text("--admin", "NAME", "The superuser of Paperless as whom the gateway manages accounts.");
        Option<bool> existing = new("--existing") { Description = "Paperless exists: the gateway needs an API token of its superuser." };
        Option<string> output = Text("--output", "DIR", "The directory for the files; the current one if left out.");
        Option<bool> force = new("--force") { Description = "Overwrites what exists, and keeps its secrets." };
        Option<bool> newSecrets = new("--new-secrets") { Description = "With --force: makes new secrets. The provider and Paperless must get them, too." };
        Option<bool> token = new("--authentik-token")
        {
            Description = $"Makes provider and application at authentik, with the API token of {AuthentikToken.Variable}; else it asks for the token.",
            Arity = ArgumentArity.Zero,
        };
        Option<string> tokenFile = Text("--authentik-token-file", "FILE", "The same, with the API token in a file.");
        Command setup = new("setup", "Writes the files of an installation, and checks it. It asks for what is left out.")
        {
            publicUrl, provider, providerUrl, paperlessUrl, admin, existing, output, force, newSecrets, token, tokenFile,
        };
        setup.SetAction((parsed, cancel) =>
        {
            SetupArguments arguments = new(
                parsed.GetValue(publicUrl),
                parsed.GetValue(provider),
                parsed.GetValue(providerUrl),
                parsed.GetValue(paperlessUrl),
                parsed.GetValue(admin),
                parsed.GetValue(existing),
                parsed.GetValue(output) ?? ".",
                parsed.GetValue(force),
                parsed.GetValue(newSecrets),
                new AuthentikToken(parsed.GetValue(token), parsed.GetValue(tokenFile)));
            SetupQuestions? questions = Console.IsInputRedirected ? null : new(Terminal.Ask, Terminal.AskSecret);
            return new SetupCommand(questions, CheckAsync).RunAsync(arguments, cancel);

            Task<int> CheckAsync(IReadOnlyList<(string Name, string Value)> settings) => CheckCommand.RunAsync(
                () => create([.. settings.Select(setting => $"--{setting.Name}={setting.Value}")]),
                Console.Out,
                json: false,
                accounts: false,
                wait: null,
                cancel);
        });
        return setup;
    }

    private static TimeSpan? NoDuration(ArgumentResult result)
    {
        result.AddError($"\"{result.Tokens[0].Value}\" is no time; write for example 60s or 2m.");
        return null;
    }

    private static Command Settings()
    {
        Command settings = new("settings", "Prints every setting with its default and its meaning, as Markdown.");
        settings.SetAction((_, cancel) => Console.Out.WriteAsync(SettingsReference.ToMarkdown().AsMemory(), cancel));
        return settings;
    }

    private Command Accounts()
    {
        Command list = new("list", "Lists the account links: which person at a provider is which Paperless user.") { _refused, _json };
        Command link = new("link", "Links a person to a Paperless user, superusers and staff as well.") {
            _issuer,
            _subject,
            _providerUser,
            Required(_linkedUser),
            _provider,
            _json };
        Command unlink = new("unlink", "Removes the link and ends that person's sessions. The Paperless user stays.") {
            _issuer,
            _subject,
            _providerUser,
            _provider,
            _json };
        Command import = new("import", "Takes over the links that Paperless's own single sign-on made.") { _export, _json };
        link.Validators.Add(MustNameAPerson);
        unlink.Validators.Add(MustNameAPerson);
        _issuer.Validators.Add(MustBeAddress);
        (Command Command, AccountsVerb Verb)[] all =
        [
            (list, AccountsVerb.List), (link, AccountsVerb.Link), (unlink, AccountsVerb.Unlink), (import, AccountsVerb.Import),
        ];
        foreach ((Command command, AccountsVerb verb) in all)
        {
            command.SetAction((parsed, _) => WithStoreAsync(
                app => app.Services.GetRequiredService<AccountsCommand>().RunAsync(AccountsArguments(verb, parsed)),
                reads: verb == AccountsVerb.List));
        }

        return Group("accounts", "Lists, adds and removes account links.", list, link, unlink, import);
    }

    private Command Sessions()
    {
        Command list = new("list", "Shows who is signed in, or where one Paperless user is.") { _sessionUser, _json };
        Command end = new("end", "Ends one session, or all sessions of a Paperless user. A running gateway notices within half a minute.") {
            _id,
            _sessionUser,
            _json };
        end.Validators.Add(result =>
        {
            if (result.GetResult(_id) is null == result.GetResult(_sessionUser) is null)
            {
                result.AddError("Give either --id or --user.");
            }
        });
        list.SetAction((parsed, _) => WithStoreAsync(
            app => app.Services.GetRequiredService<SessionsCommand>().RunAsync(SessionsArguments(ends: false, parsed)),
            reads: true));
        end.SetAction((parsed, _) => WithStoreAsync(app => app.Services.GetRequiredService<SessionsCommand>().RunAsync(SessionsArguments(ends: true, parsed))));
        return Group("sessions", "Shows who is signed in, and ends sessions.", list, end);
    }

    private Command Apps()
    {
        Command list = new("list", "Shows the device passwords of apps and scanners, or those of one Paperless user.") { _sessionUser, _json };
        Command revoke = new("revoke", "Ends device passwords, or all of a Paperless user. A running gateway notices within half a minute.") {
            _deviceIds,
            _sessionUser,
            _json };
        revoke.Validators.Add(result =>
        {
            if (result.GetResult(_deviceIds) is not { Tokens.Count: > 0 } == result.GetResult(_sessionUser) is null)
            {
                result.AddError("Give either ids or --user.");
            }
        });
        list.SetAction((parsed, _) => WithStoreAsync(app => app.Services.GetRequiredService<AppsCommand>().RunAsync(AppsArguments(revokes: false, parsed))));
        revoke.SetAction((parsed, _) => WithStoreAsync(app => app.Services.GetRequiredService<AppsCommand>().RunAsync(AppsArguments(revokes: true, parsed))));
        return Group("apps", "Shows the device passwords of apps and scanners, and ends them.", list, revoke);
    }

    private Command Storage()
    {
        Option<bool> toRedis = new("--to-redis") { Description = "From GATEWAY_DATA_DIR to GATEWAY_REDIS_URL." };
        Option<bool> toSqlite = new("--to-sqlite") { Description = "From GATEWAY_REDIS_URL to GATEWAY_DATA_DIR." };
        Command copy = new("copy", "Copies the account links between the two stores. Sessions are not copied: people sign in again.") { toRedis, toSqlite };
        copy.Validators.Add(result =>
        {
            if (result.GetValue(toRedis) == result.GetValue(toSqlite))
            {
                result.AddError("Give either --to-redis or --to-sqlite.");
            }
        });
        copy.SetAction(async (parsed, _) =>
        {
            await using WebApplication app = create([]);
            return await StorageCommand.CopyAsync(app, parsed.GetValue(toRedis));
        });
        return Group("storage", "Moves the gateway's data between its stores.", copy);
    }

    /// <param name="reads">Whether the command only reads, which it also does beside an older gateway.</param>
    private async Task<int> WithStoreAsync(Func<WebApplication, Task<int>> run, bool reads = false)
    {
        await using WebApplication app = create([]);
        if (!reads)
        {
            await app.OpenExistingStorageAsync();
        }
        else if (await app.OpenStorageForReadingAsync() is { } older)
        {
            await Terminal.NoteAsync($"An older gateway wrote the database (schema {older}). It stays as it is; the list shows what this version makes of it.");
        }

        return await run(app);
    }

    private static Command Group(string name, string description, params Command[] commands)
    {
        Command group = new(name, description);
        foreach (Command command in commands)
        {
            group.Add(command);
        }

        return group;
    }

    private static Option<string> Text(string name, string value, string description)
    {
        Option<string> option = new(name) { HelpName = value, Description = description, Arity = ArgumentArity.ExactlyOne };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && string.IsNullOrWhiteSpace(text))
            {
                result.AddError($"{name} has no value.");
            }
        });
        return option;
    }

    private static Option<string> Required(Option<string> option)
    {
        option.Required = true;
        return option;
    }

    /// <summary>By issuer and subject; or by the user name at the provider, before the first sign-in.</summary>
    private void MustNameAPerson(CommandResult result)
    {
        Option<string>[] key = [_issuer, _subject];
        if (result.GetResult(_providerUser) is null)
        {
            foreach (Option<string> missing in key.Where(option => result.GetResult(option) is null))
            {
                result.AddError($"Option '{missing.Name}' is required.");
            }
        }
        else if (key.Any(option => result.GetResult(option) is not null))
        {
            result.AddError("Give either --provider-user or --issuer and --subject.");
        }
    }

    private static void MustBeAddress(OptionResult result)
    {
        if (result.Tokens is [{ Value: var text }] && !(Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"))
        {
            result.AddError(
                "--issuer is not a full address; it is what the provider writes into \"iss\", such as https://auth.example.com/application/o/paperless/.");
        }
    }
}
