using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Operations;

/// <summary>`Gateway apps` lists and ends device passwords in the store, even while a gateway is running.</summary>
internal sealed class AppsCommand(SessionList list, Revocations revocations, ISessionStore store)
{
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(AppsArguments arguments)
    {
        try
        {
            IReadOnlyList<ListedSession> all =
                [.. (await list.ListAllAsync(CancellationToken.None)).Where(session => session.Info.DevicePassword is not null)];
            if (!arguments.Revokes)
            {
                return await ListAsync([.. all.Where(device => arguments.User is null || device.Info.Username == arguments.User)], arguments);
            }

            return arguments.User is { } user ? await RevokeAllAsync(all, user, arguments) : await RevokeAsync(all, arguments);
        }
        catch (StoreUnavailableException error)
        {
            return await Terminal.FailAsync($"The gateway's store does not answer: {error.Message}");
        }
    }

    private static async Task<int> ListAsync(ListedSession[] shown, AppsArguments arguments)
    {
        await Console.Out.WriteLineAsync(ListText(shown, arguments));
        return 0;
    }

    private static string ListText(ListedSession[] shown, AppsArguments arguments)
    {
        if (arguments.Json)
        {
            return DevicePasswordText.Json(shown);
        }

        if (shown.Length > 0)
        {
            return DevicePasswordText.Table(shown);
        }

        return Terminal.ReplaceControlCharacters(arguments.User is { } user ? NoneOf(user) : "There are no device passwords.");
    }

    private async Task<int> RevokeAsync(IReadOnlyList<ListedSession> all, AppsArguments arguments)
    {
        if (arguments.Ids.FirstOrDefault(id => all.All(device => device.Id != id)) is { } unknown)
        {
            return await Terminal.FailAsync($"There is no device password {unknown}, so none was ended; \"apps list\" shows those that there are.");
        }

        ListedSession[] meant = [.. all.Where(device => arguments.Ids.Contains(device.Id))];
        foreach (ListedSession device in meant)
        {
            await revocations.EndAsync(device.Stored, SessionEnd.EndedByTheOperator, CancellationToken.None);
            if (await store.FindAsync(device.Stored.Key, CancellationToken.None) is not null)
            {
                return await Terminal.FailAsync("The gateway's store did not end the device password. Run the command again.");
            }
        }

        return await WriteEndedAsync(meant, arguments);
    }

    /// <summary>By person, which also stops a device password that is just being made.</summary>
    private async Task<int> RevokeAllAsync(IReadOnlyList<ListedSession> all, string user, AppsArguments arguments)
    {
        ListedSession[] meant = SessionList.FindAllOfUser(all, user);
        if (meant.Length == 0)
        {
            return await Terminal.FailAsync(NoneOf(user));
        }

        foreach (byte[] person in meant.Select(device => device.Stored.PersonIndex).DistinctBy(Convert.ToHexStringLower))
        {
            await revocations.EndAllAsync(person, SessionEnd.EndedByTheOperator, CancellationToken.None);
        }

        return await WriteEndedAsync(meant, arguments);
    }

    private static async Task<int> WriteEndedAsync(ListedSession[] ended, AppsArguments arguments)
    {
        await Console.Out.WriteLineAsync(arguments.Json
            ? DevicePasswordText.Json(ended)
            : string.Join('\n', ended.Select(device =>
                Terminal.ReplaceControlCharacters($"Ended: {device.Info.Username}, {device.Info.DevicePassword!.Name} ({device.Id})."))));
        await Terminal.NoteAsync(SessionsCommand.Notice);
        return 0;
    }

    private static string NoneOf(string user) => $"{user} has no device password: letter case counts, and \"apps list\" shows who has one.";
}
