using Gateway.Accounts;
using Gateway.Paperless;

namespace Gateway.Operations;

/// <summary>The Paperless users that an operator names in a command.</summary>
internal sealed class NamedUsers(PaperlessApi api)
{
    /// <returns>The user, or why there is none.</returns>
    public async Task<(PaperlessUser? User, string? Mistake)> FindAsync(string name)
    {
        IReadOnlyList<PaperlessUser> named = await api.FindUsersAsync(name, CancellationToken.None);
        PaperlessUser[] exactMatches = [.. named.Where(user => user.Username == name)];
        return exactMatches is [PaperlessUser user] ? (user, null) : (null, DescribeNoExactMatch(name, exactMatches.Length, named));
    }

    /// <summary>Warns if nobody can sign in with a link to this user.</summary>
    public static async Task WarnOfUselessAsync(PaperlessUser user)
    {
        if (!user.IsActive)
        {
            await Terminal.NoteAsync($"{user.Username} is not active in Paperless: nobody can sign in with this link until it is.");
        }

        if (!Username.CanBeSent(user.Username))
        {
            await Terminal.NoteAsync(
                $"The name {user.Username} cannot be sent in the user header: nobody can sign in with this link until the user is renamed.");
        }
    }

    private static string DescribeNoExactMatch(string? wanted, int exactMatches, IReadOnlyList<PaperlessUser> named)
    {
        if (exactMatches > 1)
        {
            return $"Paperless has {exactMatches} users \"{wanted}\".";
        }

        string others = string.Join(" and ", named.Select(other => $"\"{other.Username}\""));
        return named.Count > 0 ? $"Paperless has no user \"{wanted}\" but {others}: letter case counts." : $"Paperless has no user \"{wanted}\".";
    }
}
