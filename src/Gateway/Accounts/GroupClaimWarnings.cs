using System.Collections.Concurrent;

namespace Gateway.Accounts;

/// <summary>
/// The last groups claim of each provider, since the start, that could not be read or was left out as too long; the checks of the configuration show it.
/// </summary>
internal sealed class GroupClaimWarnings(TimeProvider time)
{
    /// <summary>As many as there are providers in the settings.</summary>
    private readonly ConcurrentDictionary<string, GroupClaimWarning> _last = new(StringComparer.Ordinal);

    public void Report(string providerId, string seen) => _last[providerId] = new GroupClaimWarning(seen, time.GetUtcNow());

    /// <returns>Null where every claim could be read.</returns>
    public GroupClaimWarning? Find(string providerId) => _last.GetValueOrDefault(providerId);
}

/// <param name="Seen">What came, as the end of a sentence that begins with the claim.</param>
internal sealed record GroupClaimWarning(string Seen, DateTimeOffset At);
