using System.CommandLine;
using Gateway.Operations;

namespace Gateway.Tests.Operations;

public sealed class AppsArgumentsTests
{
    private static readonly Commands Commands = new(_ => throw new InvalidOperationException("Nothing runs here."));

    [Theory]
    [InlineData("list", false, "", null, false)]
    [InlineData("list --json", false, "", null, true)]
    [InlineData("list --user alice", false, "", "alice", false)]
    [InlineData("revoke 0123456789abcdef --json", true, "0123456789abcdef", null, true)]
    [InlineData("revoke 0123456789abcdef fedcba9876543210", true, "0123456789abcdef fedcba9876543210", null, false)]
    [InlineData("revoke --user alice", true, "", "alice", false)]
    public void A_complete_apps_command_is_parsed(string line, bool revokes, string ids, string? user, bool json)
    {
        ParseResult parsed = Commands.Root().Parse(["apps", .. line.Split(' ')]);

        Assert.Empty(parsed.Errors);
        AppsArguments arguments = Commands.AppsArguments(revokes, parsed);
        Assert.Equal((revokes, ids, user, json), (arguments.Revokes, string.Join(' ', arguments.Ids), arguments.User, arguments.Json));
    }

    [Theory]
    [InlineData("", "Required command was not provided.")]
    [InlineData("end", "Unrecognized command or argument 'end'.")]
    [InlineData("list 0123456789abcdef", "Unrecognized command or argument '0123456789abcdef'.")]
    [InlineData("revoke", "Give either ids or --user.")]
    [InlineData("revoke 1 --user alice", "Give either ids or --user.")]
    [InlineData("revoke --user", "Required argument missing for option: '--user'.")]
    public void An_incomplete_apps_command_names_the_missing_part(string line, string fault) => Assert.Contains(
        fault,
        Commands.Root().Parse(["apps", .. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)]).Errors.Select(error => error.Message));
}
