using Gateway.Sessions;
using Gateway.Storage;

namespace Gateway.Apps;

/// <summary>A device password that was just made.</summary>
/// <param name="Secret">Shown once. Only its hash is stored.</param>
/// <param name="ExpiresAt">When it ends.</param>
/// <param name="IsRechecked">Whether the provider can be asked about it. If not, `GATEWAY_APP_LIFETIME` ends it.</param>
internal sealed record MadeDevicePassword(string Secret, SessionKey Key, DateTimeOffset ExpiresAt, bool IsRechecked)
{
    /// <summary>For logs and debuggers: leaves out the secret.</summary>
    public override string ToString() => Key.ToString();
}

/// <summary>What the person wants.</summary>
/// <param name="ExpiresAt">Null for no end of its own.</param>
/// <param name="UserAgent">Of the browser or app that makes it.</param>
/// <param name="Address">The IP address that makes it.</param>
internal sealed record WantedDevicePassword(string Name, DeviceScope Scope, DateTimeOffset? ExpiresAt, string UserAgent, string Address)
{
    /// <summary>Whether an app gets it by its own single sign-on: more than <see cref="DevicePasswords.MaxPerApp"/> of one name replace each other.</summary>
    public bool IsOfAppSignIn { get; init; }
}

/// <summary>Makes, lists and revokes device passwords. They are stored as sessions without a browser.</summary>
internal sealed class DevicePasswords(SessionRegistry sessions, SessionList list, Revocations revocations)
{
    public const int MaxNameLength = 80;

    /// <summary>More devices than anybody has.</summary>
    public const int MaxPerPerson = 50;

    /// <summary>As many devices on which somebody uses the same app. Each sign-in of an app gets a device password of its own.</summary>
    public const int MaxPerApp = 5;

    /// <param name="identity">The person, signed in just now or confirmed by the provider.</param>
    /// <param name="tokens">Of this device password alone: a refresh token that a session uses, too, would be used up by either.</param>
    /// <param name="sub">The `sub` of the ID token.</param>
    /// <param name="assertedAt">When the provider said it.</param>
    /// <param name="wanted">Its name, scope and end.</param>
    /// <param name="cancellationToken">Cancels the look-up.</param>
    /// <returns>Null if the person was denied access meanwhile, or has <see cref="MaxPerPerson"/> already.</returns>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<MadeDevicePassword?> MakeAsync(
        Identity identity,
        ProviderTokens tokens,
        string sub,
        DateTimeOffset assertedAt,
        WantedDevicePassword wanted,
        CancellationToken cancellationToken)
    {
        DevicePassword device = new(CleanName(wanted.Name), wanted.Scope, wanted.IsOfAppSignIn);
        IReadOnlyList<ListedSession> all = await FindByPersonAsync(identity.Person, cancellationToken);
        ListedSession[] replaced = device.IsOfAppSignIn
            ? [.. all.Where(one => one.Info.DevicePassword == device).OrderByDescending(one => one.UsedAt).Skip(MaxPerApp - 1)]
            : [];
        if (all.Count - replaced.Length >= MaxPerPerson)
        {
            return null;
        }

        foreach (ListedSession old in replaced)
        {
            await RevokeAsync(old, SessionEnd.Replaced, cancellationToken);
        }

        NewSession made = new(identity, tokens, sub, Sid: null, assertedAt, wanted.UserAgent, wanted.Address)
        {
            DevicePassword = device,
            ExpiresAt = wanted.ExpiresAt,
        };
        return await sessions.BeginAsync(made, cancellationToken) is var (secret, session)
            ? new MadeDevicePassword(DeviceCredential.Format(secret), session.Key, session.ExpiresAt, tokens.RefreshToken is not null)
            : null;
    }

    /// <summary>The device passwords of one person, most recently used first.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task<IReadOnlyList<ListedSession>> FindByPersonAsync(PersonKey person, CancellationToken cancellationToken) =>
        list.FindByPersonAsync(SessionIndex.ForDevicePasswords(person), cancellationToken);

    /// <summary>The device passwords of everybody, most recently used first.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public async Task<IReadOnlyList<ListedSession>> ListAllAsync(CancellationToken cancellationToken) =>
        [.. (await list.ListAllAsync(cancellationToken)).Where(session => session.Info.DevicePassword is not null)];

    /// <summary>Revokes one, for all gateways.</summary>
    public Task RevokeAsync(ListedSession device, SessionEnd cause, CancellationToken cancellationToken) =>
        revocations.EndAsync(device.Stored, cause, cancellationToken);

    /// <summary>One line, without control characters, of limited length.</summary>
    public static string CleanName(string name)
    {
        string clean = new([.. name.Where(letter => !char.IsControl(letter)).Take(MaxNameLength)]);
        return clean.Trim() is { Length: > 0 } text ? text : "A device";
    }
}
