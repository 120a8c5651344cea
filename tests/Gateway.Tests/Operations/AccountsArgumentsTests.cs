using System.CommandLine;
using Gateway.Operations;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

public sealed class AccountsArgumentsTests
{
    private static readonly Commands Commands = new(_ => throw new InvalidOperationException("Nothing runs here."));

    [Theory]
    [InlineData("list")]
    [InlineData("list --json")]
    [InlineData("unlink --issuer https://auth.example.com --subject 1")]
    [InlineData("unlink --subject=1 --issuer=https://auth.example.com --json")]
    [InlineData("link --issuer https://auth.example.com --subject 1 --user alice")]
    [InlineData("link --user=alice --provider-user alice --provider authentik")]
    [InlineData("unlink --provider-user alice --json")]
    [InlineData("list --refused --json")]
    [InlineData("import - --json")]
    [InlineData("link --user=alice --json --issuer=https://auth.example.com/?a=b --subject 1 --provider authentik")]
    public void A_complete_accounts_command_is_parsed(string line)
    {
        AccountsArguments arguments = Read(line.Split(' '));

        Assert.Equal(line.Contains("--json", StringComparison.Ordinal), arguments.Json);
        Assert.Equal(line.Contains("--subject", StringComparison.Ordinal) ? "1" : "", arguments.Subject);
    }

    [Fact]
    public void A_value_of_an_accounts_option_may_look_like_an_option()
    {
        AccountsArguments arguments = Read("link", "--issuer", "https://a.example/?x=1", "--subject=--json", "--user", "-b=c");

        Assert.Equal(("https://a.example/?x=1", "--json", "-b=c", false), (arguments.Issuer, arguments.Subject, arguments.User, arguments.Json));
    }

    [Theory]
    [InlineData("", "Required command was not provided.")]
    [InlineData("show", "Unrecognized command or argument 'show'.")]
    [InlineData("list all", "Unrecognized command or argument 'all'.")]
    [InlineData("list --issuer https://auth.example.com", "Unrecognized command or argument '--issuer'.")]
    [InlineData("list --GATEWAY_DATA_DIR=/elsewhere", "Unrecognized command or argument '--GATEWAY_DATA_DIR=/elsewhere'.")]
    [InlineData("link --subject 1 --user alice", "Option '--issuer' is required.")]
    [InlineData("link --issuer https://auth.example.com --user alice", "Option '--subject' is required.")]
    [InlineData("link --issuer https://auth.example.com --subject 1", "Option '--user' is required.")]
    [InlineData("link --issuer https://auth.example.com --subject 1 --user", "Required argument missing for option: '--user'.")]
    [InlineData(
        "link --issuer https://auth.example.com --subject 1 --subject 2 --user alice",
        "Option '--subject' expects a single argument but 2 were provided.")]
    [InlineData("link --issuer auth.example.com --subject 1 --user alice", "--issuer is not a full address")]
    [InlineData("link --user alice", "Option '--issuer' is required.")]
    [InlineData("link --user alice --provider-user alice --subject 1", "Give either --provider-user or --issuer and --subject.")]
    [InlineData("link --provider-user alice", "Option '--user' is required.")]
    [InlineData("import", "Required argument missing for command: 'import'.")]
    [InlineData("unlink --refused", "Unrecognized command or argument '--refused'.")]
    [InlineData("unlink --issuer https://auth.example.com", "Option '--subject' is required.")]
    [InlineData("unlink --issuer https://auth.example.com --subject 1 --user alice", "Unrecognized command or argument '--user'.")]
    [InlineData("unlink --issuer ftp://auth.example.com --subject 1", "--issuer is not a full address")]
    public void An_incomplete_accounts_command_names_the_missing_part(string line, string words) =>
        Assert.Contains(Faults(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)), fault => fault.StartsWith(words, StringComparison.Ordinal));

    [Fact]
    public void An_empty_value_of_an_accounts_option_is_refused() =>
        Assert.Contains("--subject has no value.", Faults("link", "--issuer", "https://auth.example.com", "--subject", " ", "--user", "alice"));

    /// <summary>Before anything is read: a slip needs no settings to be told.</summary>
    [Fact]
    [Needs(RealPart.Process)]
    public async Task A_wrong_accounts_command_shows_the_usage()
    {
        (int exitCode, string? output, string? errors) = await ProgramProcess.RunAsync("Gateway", ["accounts", "link", "--issuer", "https://auth.example.com"]);

        Assert.Equal((2, ""), (exitCode, output));
        Assert.StartsWith("Option '--subject' is required.", errors, StringComparison.Ordinal);
        Assert.Contains("Gateway accounts link [options]", errors, StringComparison.Ordinal);
    }

    private static AccountsArguments Read(params string[] words)
    {
        ParseResult parsed = Commands.Root().Parse(["accounts", .. words]);
        Assert.Empty(parsed.Errors);
        AccountsVerb verb = Enum.Parse<AccountsVerb>(words[0], ignoreCase: true);
        return Commands.AccountsArguments(verb, parsed);
    }

    private static string[] Faults(params string[] words) => [.. Commands.Root().Parse(["accounts", .. words]).Errors.Select(error => error.Message)];
}
