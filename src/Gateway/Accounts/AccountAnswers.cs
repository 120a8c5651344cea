using Gateway.Pages;
using Gateway.Paperless;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Accounts;

/// <summary>The result of a sign-in: an account, a refusal, a user name to choose, or a question about an account.</summary>
/// <param name="ProposedName">The person has to choose a user name; this one is proposed, and may be empty.</param>
/// <param name="NameError">What is wrong with the name that was chosen, as the end of the sentence "The user name …".</param>
internal sealed record AccountAnswer(Account? Account, Refusal? Refusal, string? ProposedName = null, PageText? NameError = null)
{
    public static AccountAnswer From(Account account) => new(account, null);

    public static AccountAnswer From(Refusal refusal) => new(null, refusal);

    /// <summary>The person has to say whether this account is theirs; null where nobody is asked.</summary>
    public Namesake? Namesake { get; private init; }

    public static AccountAnswer ChooseName(string proposed, PageText? error = null) => new(null, null, proposed, error);

    public static AccountAnswer AskFor(Namesake namesake) => new(null, null) { Namesake = namesake };
}

/// <summary>The refusals for people whom the provider knows and who have no usable Paperless account.</summary>
internal sealed class AccountRefusals(PaperlessSettings settings)
{
    public static Refusal Gone(AccountLink link) =>
        new(403, "account_gone", "This account is gone", "The Paperless account that your sign-in belongs to was deleted.")
        {
            Remedy = "Ask the person who runs Paperless; they can remove the link to the old account, and your next sign-in then gets a new one.",
            ForTheOperator = $"{link.NameForLog}, is linked to user {link.UserId}, which Paperless does not have. Remove the link with "
                + "\"Gateway accounts unlink\".",
        };

    public static Refusal Replaced(AccountLink link, string username) =>
        new(403, "account_replaced", "This account is another one now", "The Paperless account that your sign-in belongs to was deleted, and another "
            + "account has its user id.")
        {
            Remedy = Refusal.AskTheOperator,
            ForTheOperator = $"{link.NameForLog}, is linked to user {link.UserId}, who joined {link.Joined}. {username} has this user id now and joined at "
                + "another time. Remove the link with \"Gateway accounts unlink\".",
        };

    public const string InactiveCode = "account_inactive";

    public static Refusal Inactive(string person, string username) =>
        new(403, InactiveCode, "This account is not active", $"The Paperless account {username} was switched off.")
        {
            Remedy = "Ask the person who runs Paperless to switch it on again (Settings → Users & Groups).",
            ForTheOperator = $"{person}, is {username}.",
        };

    public static Refusal LinkedOtherwise(string person, int userId) =>
        new(403, "account_unlinked", "This account no longer belongs to you", "Your sign-in does not belong to this Paperless account any more.")
        {
            Remedy = "Sign in again.",
            ForTheOperator = $"{person}, is no longer linked to user {userId}.",
        };

    public static Refusal NameCannotBeSent(string person, PaperlessUser user) =>
        new(403, "username_unusable", "This user name does not work", "The name of your Paperless account has characters that the gateway cannot pass on.")
        {
            Remedy = "Ask the person who runs Paperless to rename the account to letters, digits and @ . + - _.",
            ForTheOperator = $"{person}, is user {user.Id}.",
        };

    public static Refusal NotLinked(Person person) =>
        new(403, "program_unlinked", "No Paperless account", "This access token shows no sign-in of a person, and nobody has linked it to a Paperless account.")
        {
            Remedy = "A person signs in in the browser once. For a program, the operator links an account: the command is in the log.",
            ForTheLog = $"{person.NameForLog}, is linked to no account. To link it: {LinkCommand.For(person, "USER")}",
        };

    public const string NoAccountCode = "no_account";

    public Refusal NoAccount(Person person)
    {
        bool passwords = !settings.RegularLoginDisabled;
        PageText detail = "You signed in, but no Paperless account belongs to you, and the gateway is not set up to create one.";
        if (person.Label != person.Subject)
        {
            detail = $"You signed in as {person.Label}, but no Paperless account belongs to you, and the gateway is not set up to create one.";
        }

        return new Refusal(403, NoAccountCode, "No Paperless account yet", detail)
        {
            Remedy = passwords
                ? "If you have one: sign in with your Paperless password once, and choose My Profile → Connect new social account."
                : "Ask the person who runs Paperless to link your account.",
            ForTheOperator = $"{person.Label}, subject {person.Subject} of {person.Issuer}. PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS is off: switch it on, "
                + "or link the person with \"Gateway accounts link\".",
        };
    }
}
