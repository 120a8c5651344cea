using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>Ends the sessions and device passwords of a person whose link an operator has removed.</summary>
internal sealed class LinkedSessions(SessionList list, Revocations revocations)
{
    /// <remarks>
    /// Sessions are indexed by `sub`, which differs from the subject of the link if `uid_field` is set: only the list finds those. The others end
    /// first: in memory at once, and in the store as soon as it answers.
    /// </remarks>
    /// <returns>The number of ended sessions and device passwords.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<int> EndAsync(AccountLink link)
    {
        byte[][] known = [SessionIndex.ForPerson(link.Person), SessionIndex.ForDevicePasswords(link.Person)];
        int ended = await EndAsync(known);
        IEnumerable<ListedSession> theirs = (await list.ListAllAsync(CancellationToken.None)).Where(session =>
            session.Info.Provider == link.Provider && session.Info.Issuer == link.Issuer && session.Info.Subject == link.Subject);
        IEnumerable<byte[]> others = theirs.Select(session => session.Stored.PersonIndex)
            .ExceptBy(known.Select(Convert.ToHexStringLower), Convert.ToHexStringLower);
        return ended + await EndAsync(others);
    }

    /// <summary>Each of them, also if the store does not answer for one.</summary>
    private async Task<int> EndAsync(IEnumerable<byte[]> persons)
    {
        int ended = 0;
        StoreUnavailableException? away = null;
        foreach (byte[] person in persons)
        {
            try
            {
                ended += await revocations.EndAllAsync(person, SessionEnd.EndedByTheOperator, CancellationToken.None);
            }
            catch (StoreUnavailableException error)
            {
                away = error;
            }
        }

        return away is null ? ended : throw away;
    }
}
