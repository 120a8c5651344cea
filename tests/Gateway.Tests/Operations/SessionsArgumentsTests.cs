using System.CommandLine;
using Gateway.Operations;

namespace Gateway.Tests.Operations;

public sealed class SessionsArgumentsTests
{
    private static readonly Commands Commands = new(_ => throw new InvalidOperationException("Nothing runs here."));

    [Theory]
    [InlineData("list", false, null, null, false)]
    [InlineData("list --json", false, null, null, true)]
    [InlineData("list --user alice", false, null, "alice", false)]
    [InlineData("end --id=0123456789abcdef --json", true, "0123456789abcdef", null, true)]
    [InlineData("end --user alice", true, null, "alice", false)]
    public void A_complete_sessions_command_is_parsed(string line, bool ends, string? id, string? user, bool json)
    {
        ParseResult parsed = Commands.Root().Parse(["sessions", .. line.Split(' ')]);

        Assert.Empty(parsed.Errors);
        Assert.Equal(new SessionsArguments(ends, id, user, json), Commands.SessionsArguments(ends, parsed));
    }

    [Theory]
    [InlineData("", "Required command was not provided.")]
    [InlineData("stop", "Unrecognized command or argument 'stop'.")]
    [InlineData("list alice", "Unrecognized command or argument 'alice'.")]
    [InlineData("list --id 0123456789abcdef", "Unrecognized command or argument '--id'.")]
    [InlineData("list --GATEWAY_DATA_DIR=/elsewhere", "Unrecognized command or argument '--GATEWAY_DATA_DIR=/elsewhere'.")]
    [InlineData("end", "Give either --id or --user.")]
    [InlineData("end --id 1 --user alice", "Give either --id or --user.")]
    [InlineData("end --id", "Required argument missing for option: '--id'.")]
    [InlineData("end --user alice --user bob", "Option '--user' expects a single argument but 2 were provided.")]
    public void An_incomplete_sessions_command_names_the_missing_part(string line, string fault) => Assert.Contains(
        fault,
        Commands.Root().Parse(["sessions", .. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)]).Errors.Select(error => error.Message));
}
