using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>`Gateway sessions` lists and ends sessions in the store, even while a gateway is running.</summary>
internal sealed class SessionsCommand(SessionList list, Revocations revocations, ISessionStore store)
{
    /// <summary>Printed because a running gateway checks for ended sessions only every <see cref="SessionsFeature.TidyInterval"/>.</summary>
    public const string Notice = "A gateway that is running notices within half a minute.";

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(SessionsArguments arguments)
    {
        try
        {
            IReadOnlyList<ListedSession> all =
                [.. (await list.ListAllAsync(CancellationToken.None)).Where(session => session.Info.DevicePassword is null)];
            return arguments switch
            {
                { Id: { } id } => await EndAsync([.. all.Where(session => session.Id == id)], arguments),
                { Ends: true } => await EndAsync(SessionList.FindAllOfUser(all, arguments.User!), arguments),
                _ => await ListAsync([.. all.Where(session => arguments.User is null || session.Info.Username == arguments.User)], arguments),
            };
        }
        catch (StoreUnavailableException error)
        {
            return await Terminal.FailAsync($"The gateway's store cannot be used: {error.Message}.");
        }
    }

    private static async Task<int> ListAsync(ListedSession[] shown, SessionsArguments arguments)
    {
        await Console.Out.WriteLineAsync(ListText(shown, arguments));
        return 0;
    }

    private static string ListText(ListedSession[] shown, SessionsArguments arguments)
    {
        if (arguments.Json)
        {
            return OpenSession.Json(shown);
        }

        if (shown.Length > 0)
        {
            return OpenSession.Table(shown);
        }

        return Terminal.ReplaceControlCharacters(arguments.User is null ? "Nobody is signed in." : NobodySignedIn(arguments.User));
    }

    private async Task<int> EndAsync(ListedSession[] meant, SessionsArguments arguments)
    {
        if (meant.Length == 0)
        {
            return await Terminal.FailAsync(
                arguments.User is { } user ? NobodySignedIn(user) : $"There is no session {arguments.Id}; \"sessions list\" shows those that there are.");
        }

        if (arguments.User is null)
        {
            foreach (ListedSession session in meant)
            {
                await revocations.EndAsync(session.Stored, SessionEnd.EndedByTheOperator, CancellationToken.None);
                if (await store.FindAsync(session.Stored.Key, CancellationToken.None) is not null)
                {
                    return await Terminal.FailAsync("The gateway's store did not end the session. Run the command again.");
                }
            }
        }
        else
        {
            // Ends sessions by person, which also stops a sign-in that has already begun.
            foreach (byte[] person in meant.Select(session => session.Stored.PersonIndex).DistinctBy(Convert.ToHexStringLower))
            {
                await revocations.EndAllAsync(person, SessionEnd.EndedByTheOperator, CancellationToken.None);
            }
        }

        await Console.Out.WriteLineAsync(arguments.Json ? OpenSession.Json(meant)
            : string.Join('\n', meant.Select(
                session => Terminal.ReplaceControlCharacters($"Ended: {session.Info.Username}, {session.Device}, {session.Info.Address} ({session.Id})."))));
        await Terminal.NoteAsync(Notice);
        return 0;
    }

    private static string NobodySignedIn(string user) => $"Nobody is signed in as {user}: letter case counts, and \"sessions list\" shows who is.";
}
