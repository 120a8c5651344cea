using Gateway.Operations;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Operations;

public sealed class AccountsArgumentsTests
{
    [Theory]
    [InlineData("list")]
    [InlineData("list --json")]
    [InlineData("unlink --issuer https://auth.example.com --subject 1")]
    [InlineData("unlink --subject=1 --issuer=https://auth.example.com --json")]
    [InlineData("link --issuer https://auth.example.com --subject 1 --user alice")]
    [InlineData("link --user=alice --json --issuer=https://auth.example.com/?a=b --subject 1 --provider authentik")]
    public void What_is_complete_is_understood(string line)
    {
        (AccountsArguments? arguments, string? fault) = AccountsArguments.Parse(line.Split(' '));

        Assert.Null(fault);
        Assert.Equal(line.Contains("--json", StringComparison.Ordinal), arguments!.Json);
        Assert.Equal(line.Contains("--subject", StringComparison.Ordinal) ? "1" : "", arguments.Subject);
    }

    [Fact]
    public void A_value_may_hold_what_else_has_a_meaning()
    {
        AccountsArguments arguments = AccountsArguments.Parse(["link", "--issuer", "https://a.example/?x=1", "--subject=--json", "--user", "-b=c"]).Arguments!;

        Assert.Equal(("https://a.example/?x=1", "--json", "-b=c", false), (arguments.Issuer, arguments.Subject, arguments.User, arguments.Json));
    }

    [Theory]
    [InlineData("", "say list, link or unlink")]
    [InlineData("show", "say list, link or unlink")]
    [InlineData("--json list", "say list, link or unlink")]
    [InlineData("list all", "\"all\" is not understood")]
    [InlineData("list --issuer https://auth.example.com", "is not understood")]
    [InlineData("list --GATEWAY_DATA_DIR=/elsewhere", "is not understood")]
    [InlineData("list --json=true", "is not understood")]
    [InlineData("link --subject 1 --user alice", "--issuer is missing")]
    [InlineData("link --issuer https://auth.example.com --user alice", "--subject is missing")]
    [InlineData("link --issuer https://auth.example.com --subject 1", "--user is missing")]
    [InlineData("link --issuer https://auth.example.com --subject 1 --user", "--user has no value")]
    [InlineData("link --issuer https://auth.example.com --subject= --user alice", "--subject has no value")]
    [InlineData("link --issuer https://auth.example.com --subject 1 --subject 2 --user alice", "--subject is there twice")]
    [InlineData("link --issuer auth.example.com --subject 1 --user alice", "--issuer is not a full address")]
    [InlineData("unlink --issuer https://auth.example.com --subject 1 --user alice", "is not understood")]
    [InlineData("unlink --issuer ftp://auth.example.com --subject 1", "--issuer is not a full address")]
    public void What_is_not_is_said(string line, string words)
    {
        (AccountsArguments? arguments, string? fault) = AccountsArguments.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Null(arguments);
        Assert.Contains(words, fault, StringComparison.Ordinal);
    }

    /// <summary>Before anything is read: a slip needs no settings to be told.</summary>
    [Fact]
    public async Task Bad_usage_shows_the_usage()
    {
        var (exitCode, output, errors) = await ProgramProcess.RunAsync("Gateway", ["accounts", "link", "--issuer", "https://auth.example.com"]);

        Assert.Equal((2, ""), (exitCode, output));
        Assert.StartsWith("accounts link: --subject is missing.", errors, StringComparison.Ordinal);
        Assert.Contains("Gateway accounts unlink --issuer URL --subject S [--provider ID] [--json]", errors, StringComparison.Ordinal);
    }
}
