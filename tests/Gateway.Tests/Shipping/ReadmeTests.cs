using System.Text.RegularExpressions;
using Gateway.Operations;
using Gateway.Settings;
using YamlDotNet.RepresentationModel;

namespace Gateway.Tests.Shipping;

public sealed partial class ReadmeTests
{
    private static readonly string Readme = Shipped.Text("README.md");

    private static readonly string[] NotToBeLeftOut = ["ports", "volumes", "read_only", "tmpfs", "cap_drop", "security_opt", "stop_grace_period"];

    [Fact]
    public void The_table_of_settings_has_each_variable_that_the_gateway_reads_and_no_other()
    {
        string[] listed = [.. SettingsRow().Matches(Readme).Select(row => row.Groups["name"].Value)];
        Assert.Equal(GatewaySettingsReader.Names().Order(), listed.Order());
    }

    [Fact]
    public void The_defaults_in_the_table_are_those_of_the_code()
    {
        Dictionary<string, string> defaults = SettingsRow().Matches(Readme).ToDictionary(row => row.Groups["name"].Value, row => row.Groups["default"].Value.Trim());
        string[] required = [.. defaults.Where(entry => entry.Value == "required").Select(entry => entry.Key)];
        Assert.Equal(Assert.Throws<SettingsException>(() => Shipped.Read([])).Problems.Select(problem => problem.Variable).Order(), required.Order());
        GatewaySettings settings = Shipped.Read(Shipped.GatewayEnvironmentAndSuggestions.Where(variable => required.Contains(variable.Key))).Settings;

        Assert.Equal($"`{settings.Upstreams.Single().OriginalString}`", defaults["GATEWAY_UPSTREAM_URL"]);
        Assert.Equal($"`{settings.ManagementUrl.OriginalString}`", defaults["GATEWAY_MANAGEMENT_URL"]);
        Assert.Equal($"`{Path.GetFileName(settings.DataDirectory)}`", defaults["GATEWAY_DATA_DIR"]);
        Assert.Equal($"`{settings.Identity.UsernameClaim}`", defaults["GATEWAY_USERNAME_CLAIM"]);
        Assert.EndsWith($"else `{settings.Identity.GroupsClaim}`", defaults["GATEWAY_GROUPS_CLAIM"], StringComparison.Ordinal);
        Assert.Equal($"`{settings.Session.Idle.TotalHours}h`", defaults["GATEWAY_SESSION_IDLE"]);
        Assert.Equal($"`{settings.Session.Recheck.TotalMinutes}m`", defaults["GATEWAY_SESSION_RECHECK"]);
        Assert.Equal($"`{settings.Session.Lifetime.TotalSeconds}`", defaults["PAPERLESS_SESSION_COOKIE_AGE"]);
        Assert.Equal("Remote-User", settings.Paperless.UserHeader);
        Assert.False(settings.Paperless.RegularLoginDisabled || settings.Paperless.RedirectLoginToSso || settings.Paperless.AccountSignupsAllowed);
        Assert.StartsWith(settings.Accounts.MatchByUsername ? "`username`" : "`never`", defaults["GATEWAY_MATCH_ACCOUNTS"], StringComparison.Ordinal);
        Assert.Equal($"`{Lower(settings.Accounts.SignupsAllowed)}`", defaults["PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS"]);
        Assert.Equal($"`{Lower(settings.Accounts.AutoSignup)}`", defaults["PAPERLESS_SOCIAL_AUTO_SIGNUP"]);
        Assert.Equal($"`{Lower(settings.Accounts.SyncGroups)}`", defaults["PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS"]);
        Assert.Equal($"`{Lower(settings.Accounts.CreateGroups)}`", defaults["GATEWAY_CREATE_GROUPS"]);
    }

    [Fact]
    public void The_accounts_commands_are_understood()
    {
        string[] commands = [.. AccountsCommand().Matches(Readme.Replace("\\\n", "", StringComparison.Ordinal)).Select(command => command.Groups["words"].Value)];
        Assert.Equal(["list", "link", "unlink"], commands.Select(words => words.Split(' ')[0]));
        Assert.All(commands, words => Assert.Empty(Faults("accounts", words)));
    }

    [Fact]
    public void The_sessions_commands_are_understood()
    {
        string[] commands = [.. SessionsCommand().Matches(Readme).Select(command => command.Groups["words"].Value)];
        Assert.Equal(["list", "end"], commands.Select(words => words.Split(' ')[0]));
        Assert.All(commands, words => Assert.Empty(Faults("sessions", words)));
    }

    [Fact]
    public void Each_page_that_help_is_offered_for_is_one_that_there_is()
    {
        string source = string.Join('\n', Directory.EnumerateFiles(Path.Combine(Repository.Root, "src/Gateway"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        string[] titles = [.. Readme.Split('\n').Where(line => line.StartsWith("| \"", StringComparison.Ordinal)).SelectMany(line => QuotedText().Matches(line.Split('|')[1]).Select(quoted => quoted.Value))];
        Assert.True(titles.Length > 5);
        Assert.All(titles.Except(["\"Error loading settings\""]), title => Assert.Contains(title, source, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("CHANGELOG.md")]
    public void Every_variable_that_is_spoken_of_exists(string path) =>
        Assert.Empty(Variable().Matches(Shipped.Text(path)).Select(name => name.Value)
            .Except(GatewaySettingsReader.Names()).Except(Shipped.PaperlessOwn));

    [Fact]
    public void Every_file_that_is_linked_exists() =>
        Assert.All(Link().Matches(Readme), link => Assert.True(Path.Exists(Path.Combine(Repository.Root, link.Groups["path"].Value)), link.Value));

    [Fact]
    public void The_service_to_copy_is_the_one_of_the_Compose_file()
    {
        YamlNode copied = Shipped.Yaml(CodeBlock("yaml"))["services"]["gateway"];
        YamlNode shipped = Shipped.Services["gateway"];
        foreach (string key in copied.Keys().Where(key => key != "env_file"))
        {
            Assert.Equal(shipped[key], copied[key]);
        }

        Assert.Empty(NotToBeLeftOut.Except(copied.Keys()));
    }

    [Fact]
    public void The_redirect_addresses_are_those_of_the_blueprint()
    {
        foreach (YamlNode uri in Shipped.Blueprint.AllNodes.Where(node => !node.Tag.IsEmpty && node.Tag.Value == "!Format").Distinct())
        {
            Assert.Contains($"`{Shipped.GatewayEnvironment["PAPERLESS_URL"]}{uri[0].Text()[2..]}`", Readme, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_sandbox_is_where_the_command_looks_for_it()
    {
        string project = Assert.Single(Readme.Split('\n'), line => line.StartsWith("dotnet run --project ", StringComparison.Ordinal)).Split(' ')[^1];
        Assert.True(File.Exists(Path.Combine(Repository.Root, project, Path.GetFileName(project) + ".csproj")));
        Assert.True(File.Exists(Path.Combine(Repository.Root, "tests/run")));
    }

    private static string[] Faults(string group, string words) =>
        [.. new Commands(_ => throw new InvalidOperationException()).Root().Parse([group, .. words.Split(' ', StringSplitOptions.RemoveEmptyEntries)]).Errors.Select(error => error.Message)];

    private static string CodeBlock(string language)
    {
        string block = Assert.Single(Readme.Split("```" + language + "\n").Skip(1)).Split("```")[0];
        return string.Join('\n', block.Split('\n').Select(line => line.StartsWith("   ", StringComparison.Ordinal) ? line[3..] : line));
    }

    private static string Lower(bool flag) => flag ? "true" : "false";

    [GeneratedRegex(@"Gateway\.dll accounts (?<words>.+)")]
    private static partial Regex AccountsCommand();

    [GeneratedRegex(@"Gateway\.dll sessions (?<words>.+)")]
    private static partial Regex SessionsCommand();

    [GeneratedRegex("\"[^\"]+\"")]
    private static partial Regex QuotedText();

    [GeneratedRegex(@"^\| `(?<name>[A-Z][A-Z_]+)` \|(?<default>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex SettingsRow();

    [GeneratedRegex(@"\b(PAPERLESS|GATEWAY)_[A-Z_]*[A-Z]\b")]
    private static partial Regex Variable();

    [GeneratedRegex(@"(?<!!)\[[^\]]*\]\((?<path>[^):#]+)\)")]
    private static partial Regex Link();
}
