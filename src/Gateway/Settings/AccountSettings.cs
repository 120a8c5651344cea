using System.Collections.Immutable;

namespace Gateway.Settings;

/// <summary>Who gets a Paperless account, and which of its properties follow the provider.</summary>
internal sealed record AccountSettings
{
    /// <summary>The credential for the API of Paperless.</summary>
    public required ApiCredential Credential
    {
        get => _credential.Value;
        init => _credential = new(value);
    }

    private readonly RotatingSecret<ApiCredential> _credential = new(new ApiCredential(null, null, null));

    /// <summary>Takes over the credential of a later reading.</summary>
    /// <returns>Whether it is another one.</returns>
    public bool Rotate(AccountSettings later)
    {
        if (Credential == later.Credential)
        {
            return false;
        }

        _credential.Value = later.Credential;
        return true;
    }

    /// <summary>`PAPERLESS_SOCIAL_AUTO_SIGNUP`: a new person gets an account without choosing a user name.</summary>
    public required bool AutoSignup { get; init; }

    /// <summary>`PAPERLESS_SOCIALACCOUNT_ALLOW_SIGNUPS`: new people get accounts.</summary>
    public required bool SignupsAllowed { get; init; }

    /// <summary>`GATEWAY_MATCH_ACCOUNTS`: which ordinary account a first sign-in takes over.</summary>
    public required AccountMatch Match { get; init; }

    /// <summary>`PAPERLESS_SOCIAL_ACCOUNT_SYNC_GROUPS`: groups follow the provider at every sign-in.</summary>
    public required bool SyncGroups { get; init; }

    public required bool CreateGroups { get; init; }

    /// <summary>`PAPERLESS_SOCIAL_ACCOUNT_DEFAULT_GROUPS` and `PAPERLESS_ACCOUNT_DEFAULT_GROUPS`: the groups of every new account.</summary>
    public required ImmutableArray<string> DefaultGroups { get; init; }

    /// <summary>If there are none, the gateway does not change the flag.</summary>
    public required FlagGroups SuperuserGroups { get; init; }

    /// <summary>If there are none, the gateway does not change the flag.</summary>
    public required FlagGroups StaffGroups { get; init; }

    /// <summary>Superusers get the staff flag as well: Paperless's own variables of the flags mean that.</summary>
    public bool SuperusersAreStaff { get; init; }
}

/// <summary>Which Paperless account belongs to somebody who signs in for the first time.</summary>
internal enum AccountMatch
{
    /// <summary>None: people connect their account themselves, or an operator links it.</summary>
    Never,

    /// <summary>The account of the same name.</summary>
    Username,

    /// <summary>The account of the same email address, if the provider has verified the address.</summary>
    VerifiedEmail,
}

/// <summary>The API token of a superuser, or the user name and password with which the gateway fetches the token.</summary>
internal sealed record ApiCredential(string? Token, string? User, string? Password)
{
    /// <summary>For logs and debuggers: leaves out the token and the password.</summary>
    public override string ToString() => Token is null ? $"the password of {User}" : "an API token";
}
