using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>Ends the sessions and device passwords of a person whose link an operator has removed.</summary>
internal sealed class LinkedSessions(SessionList list, Revocations revocations)
{
    /// <remarks>Sessions are indexed by `sub`, which differs from the subject of the link if `uid_field` is set.</remarks>
    /// <returns>The number of ended sessions and device passwords.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<int> EndAsync(AccountLink link)
    {
        IEnumerable<ListedSession> theirs = (await list.ListAllAsync(CancellationToken.None)).Where(session =>
            session.Info.Provider == link.Provider && session.Info.Issuer == link.Issuer && session.Info.Subject == link.Subject);
        byte[][] persons =
        [
            SessionIndex.ForPerson(link.Person), SessionIndex.ForDevicePasswords(link.Person), .. theirs.Select(session => session.Stored.PersonIndex),
        ];
        int ended = 0;
        foreach (byte[] person in persons.DistinctBy(Convert.ToHexStringLower))
        {
            ended += await revocations.EndAllAsync(person, SessionEnd.EndedByTheOperator, CancellationToken.None);
        }

        return ended;
    }
}
