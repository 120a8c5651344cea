using Gateway.Operations;

namespace Gateway.Tests.Operations;

public sealed class SessionsArgumentsTests
{
    [Theory]
    [InlineData("list", false, null, null, false)]
    [InlineData("list --json", false, null, null, true)]
    [InlineData("list --user alice", false, null, "alice", false)]
    [InlineData("end --id=0123456789abcdef --json", true, "0123456789abcdef", null, true)]
    [InlineData("end --user alice", true, null, "alice", false)]
    public void What_is_complete_is_understood(string line, bool ends, string? id, string? user, bool json)
    {
        (SessionsArguments? arguments, string? fault) = SessionsArguments.Parse(line.Split(' '));

        Assert.Null(fault);
        Assert.Equal(new SessionsArguments(ends, id, user, json), arguments);
    }

    [Theory]
    [InlineData("", "say list or end")]
    [InlineData("stop", "say list or end")]
    [InlineData("--json list", "say list or end")]
    [InlineData("list alice", "\"alice\" is not understood")]
    [InlineData("list --id 0123456789abcdef", "is not understood")]
    [InlineData("list --GATEWAY_DATA_DIR=/elsewhere", "is not understood")]
    [InlineData("end", "say either --id or --user")]
    [InlineData("end --id 1 --user alice", "say either --id or --user")]
    [InlineData("end --id", "--id has no value")]
    [InlineData("end --user=", "--user has no value")]
    [InlineData("end --user alice --user bob", "--user is there twice")]
    public void What_is_not_is_said(string line, string fault)
    {
        (SessionsArguments? arguments, string? said) = SessionsArguments.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Null(arguments);
        Assert.StartsWith("sessions", said, StringComparison.Ordinal);
        Assert.Contains(fault, said, StringComparison.Ordinal);
    }
}
