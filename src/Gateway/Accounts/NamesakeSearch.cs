using Gateway.Paperless;
using Gateway.Settings;

namespace Gateway.Accounts;

/// <summary>A Paperless account that has a person's user name, and that the rules do not give to anybody by its name.</summary>
/// <param name="Reason">For the log: the end of the sentence "It is not found by its name, because …".</param>
internal sealed record Namesake(int UserId, string Reason);

/// <summary>Finds the account that a person may think of as their own. Nothing is linked because of it: the person is asked.</summary>
internal sealed class NamesakeSearch(PaperlessApi api, AccountSettings settings)
{
    /// <summary>The account of the person's user name, in any letter case if nobody has it in the same one.</summary>
    /// <returns>Null where there is none, or several, or one that nobody can sign in to.</returns>
    public async Task<Namesake?> FindAsync(Person person, CancellationToken cancellationToken)
    {
        if (person.Username is not { } name)
        {
            return null;
        }

        PaperlessUser[] found = [.. (await api.FindUsersAsync(name, cancellationToken))
            .Where(user => string.Equals(user.Username, name, StringComparison.OrdinalIgnoreCase))];
        PaperlessUser? user = found.FirstOrDefault(user => user.Username == name) ?? (found is [var only] ? only : null);
        return user is { IsActive: true } && Username.CanBeSent(user.Username) ? new Namesake(user.Id, ReasonFor(user, name)) : null;
    }

    private string ReasonFor(PaperlessUser user, string name)
    {
        if (user.IsSuperuser)
        {
            return "it is a superuser";
        }

        if (user.IsStaff)
        {
            return "it is staff";
        }

        if (settings.Match != AccountMatch.Username)
        {
            return "GATEWAY_MATCH_ACCOUNTS is not username";
        }

        return user.Username == name ? "somebody has or had it" : "the letter case differs";
    }
}
