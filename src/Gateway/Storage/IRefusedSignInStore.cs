namespace Gateway.Storage;

/// <summary>A person who was refused lately, and why. It holds no token.</summary>
/// <param name="Label">The name of the person at the provider, for display.</param>
/// <param name="Code">The code of the refusal.</param>
internal sealed record RefusedSignIn(PersonKey Person, string Label, string Code, string Reason, DateTimeOffset RefusedAt);

/// <summary>Stores the last refusal of each person, for a week and for a limited number of people.</summary>
internal interface IRefusedSignInStore
{
    /// <summary>More people than this are not stored: those whose refusal is the longest ago are removed.</summary>
    public const int MaxEntries = 200;

    public static readonly TimeSpan Ttl = TimeSpan.FromDays(7);

    /// <summary>Replaces an earlier refusal of the person.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task SaveAsync(RefusedSignIn refused, CancellationToken cancellationToken);

    /// <summary>The refusals of the last week, newest first.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task<IReadOnlyList<RefusedSignIn>> ListAsync(DateTimeOffset now, CancellationToken cancellationToken);
}
