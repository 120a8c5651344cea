namespace Gateway.Operations;

/// <summary>What stands behind `Gateway sessions` on the command line.</summary>
/// <param name="Ends">To end those that are meant, and not only to list them.</param>
/// <param name="Id">As the list shows it; null where it is not by id.</param>
/// <param name="User">The Paperless user's name; null where it is not by user.</param>
internal sealed record SessionsArguments(bool Ends, string? Id, string? User, bool Json)
{
    /// <param name="args">What comes after the word `sessions`.</param>
    /// <returns>The arguments, or what is wrong with them.</returns>
    public static (SessionsArguments? Arguments, string? Fault) Parse(ReadOnlySpan<string> args)
    {
        if (args is not ["list" or "end", .. ReadOnlySpan<string> rest])
        {
            return (null, "sessions: say list or end.");
        }

        bool ends = args[0] == "end";
        (CommandOptions? options, string? fault) = CommandOptions.Parse($"sessions {args[0]}", rest, required: [], optional: ends ? ["--id", "--user"] : ["--user"]);
        if (options is null)
        {
            return (null, fault);
        }

        return ends && options["--id"] is null == options["--user"] is null
            ? (null, "sessions end: say either --id or --user.")
            : (new SessionsArguments(ends, options["--id"], options["--user"], options.Json), null);
    }
}
