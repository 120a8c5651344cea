using System.Net;
using Gateway.Settings;
using Gateway.Storage;

namespace Gateway.Access;

/// <summary>
/// Limits guessing: counts failed credentials by client address and by user name, and refuses the next attempt. The limiters of
/// System.Threading.RateLimiting count requests before they are answered, each process for itself; here only failures count, on all gateways.
/// </summary>
/// <remarks>
/// By address: every attempt waits. By user name: nobody may lock the owner out, so an address where that name succeeded lately does not wait, and
/// every other network has one attempt.
/// </remarks>
internal sealed partial class FailedCredentials(
    GatewaySettings settings,
    CredentialMetrics metrics,
    TimeProvider time,
    ILogger<SecurityLog> logger,
    RedisFailures? shared = null)
{
    /// <summary>How long a person's address is known after a success.</summary>
    public static readonly TimeSpan KnownTtl = TimeSpan.FromDays(7);

    private const int MaxOfEachKind = 10_000;

    /// <summary>The first of <see cref="AllCounters"/>; the last one is of a success.</summary>
    private const int FailureCounters = 3;

    private const int OfAddressAt = 0;

    private const int OfNameAt = 1;

    private const int FailuresHereAt = 2;

    private const int KnownAt = 3;

    /// <summary>Other attempts are under way that would reach the limit if all of them failed.</summary>
    private static readonly TimeSpan PendingWait = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan RedisBackoff = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();

    /// <summary>One memory for each of <see cref="AllCounters"/>: who has many addresses does not evict the counter of a name.</summary>
    private readonly FailureMemory[] _memories = [.. Enumerable.Range(0, FailureCounters + 1).Select(_ => new FailureMemory(MaxOfEachKind, time))];

    private readonly FailureMemory _counted = new(MaxOfEachKind, time);

    /// <summary>By <see cref="CredentialAttempt.Network"/>.</summary>
    private readonly Dictionary<IPAddress, List<CredentialAttempt>> _pending = [];

    private long _redisAskedAgainAt = long.MinValue;

    /// <summary>False where `GATEWAY_FAILED_LOGINS` is `off`: nothing is counted.</summary>
    public bool IsOn => settings.FailedLogins is not null;

    /// <summary>
    /// Call this before the credential is checked. Where <see cref="CredentialAttempt.BlockedFor"/> is set afterwards, answer with
    /// <see cref="AccessRefusals.RefuseBlockedAsync"/> and check nothing; else call <see cref="End"/> when the attempt is over.
    /// </summary>
    public async ValueTask BeginAsync(CredentialAttempt attempt)
    {
        if (settings.FailedLogins is not { } limit)
        {
            return;
        }

        string[] counters = AllCounters(attempt);
        FailureCount[]? ofAll = await AskRedisAsync(redis => redis.ReadAsync(counters));
        lock (_lock)
        {
            attempt.BlockedFor = FindBlock(attempt, Combine(counters, ofAll), limit);
            if (attempt.BlockedFor is null)
            {
                AddPending(attempt);
            }
        }

        if (attempt.BlockedFor is not null)
        {
            metrics.Refused(attempt.Kind);
        }
    }

    /// <summary>
    /// Counts a failure, on this gateway and in Redis; the same credential from the same address once in each time, as far as this gateway remembers.
    /// Call it before the client learns of the failure.
    /// </summary>
    public async Task NoteFailureAsync(CredentialAttempt attempt)
    {
        if (settings.FailedLogins is not { } limit)
        {
            return;
        }

        string[] counters = [.. AllCounters(attempt).Take(FailureCounters)];
        long[] counts;
        lock (_lock)
        {
            RemovePending(attempt);
            string mark = attempt.CountedMark;
            if (_counted.Read(mark).Count > 0)
            {
                return;
            }

            _counted.Set(mark, limit.Window);
            counts = [.. counters.Select((counter, at) => _memories[at].Add(counter, limit.Count, limit.Window))];
        }

        metrics.Failed(attempt.Kind);
        CredentialFailed(attempt.Kind);
        counts = await AskRedisAsync(redis => redis.AddAsync(counters, limit.Count, limit.Window)) ?? counts;

        // Only the failure that reaches the limit logs: one line for each block, on all gateways.
        if (counts[OfAddressAt] == limit.Count)
        {
            AddressBlocked(attempt.Address, limit.Count, limit.Window);
        }

        if (counts.Length > OfNameAt && counts[OfNameAt] == limit.Count)
        {
            string user = attempt.HasSharedName ? "names outside ASCII or unreadable ones" : AccessRefusals.ForLog(attempt.UserName);
            UserNameBlocked(user, attempt.Address, limit.Count, limit.Window);
        }
    }

    /// <summary>
    /// A success clears the failures of this name in this network alone, and none that names share: an attacker with an account of their own gains
    /// nothing by it.
    /// </summary>
    public async Task NoteSuccessAsync(CredentialAttempt attempt)
    {
        End(attempt);
        if (settings.FailedLogins is null || attempt.HasUnreadName || attempt.NameCounters is not { } name)
        {
            return;
        }

        string? cleared = attempt.HasSharedName ? null : name.FailuresHere;
        lock (_lock)
        {
            _memories[KnownAt].Set(name.SuccessHere, KnownTtl);
            if (cleared is not null)
            {
                _memories[FailuresHereAt].Remove(cleared);
            }
        }

        await AskRedisAsync(redis => redis.ReplaceAsync(cleared, name.SuccessHere, KnownTtl));
    }

    /// <summary>Answers a credential that the gateway itself has found wrong: with <paramref name="refuse"/>, or with 429 above the limit.</summary>
    public async Task RefuseWrongAsync(HttpContext context, CredentialAttempt wrong, Func<Task> refuse)
    {
        await BeginAsync(wrong);
        if (wrong.BlockedFor is { } wait)
        {
            await AccessRefusals.RefuseBlockedAsync(context, wait);
            return;
        }

        try
        {
            await NoteFailureAsync(wrong);
            await refuse();
        }
        finally
        {
            End(wrong);
        }
    }

    public void End(CredentialAttempt attempt)
    {
        lock (_lock)
        {
            RemovePending(attempt);
        }
    }

    /// <returns>How long the attempt must wait; null where it may be made.</returns>
    private TimeSpan? FindBlock(CredentialAttempt attempt, FailureCount[] counts, FailedLoginLimit limit)
    {
        CredentialAttempt[] others = FindOthersPending(attempt);
        int othersHere = others.Where(other => other.Address.Equals(attempt.Address)).DistinctBy(other => other.Credential).Count();
        FailureCount ofAddress = counts[OfAddressAt];
        if (ofAddress.Count >= limit.Count)
        {
            return ofAddress.Left;
        }

        if (ofAddress.Count + othersHere >= limit.Count)
        {
            return PendingWait;
        }

        int othersOfName = others.Where(attempt.HasSameName).DistinctBy(other => other.Credential).Count();
        if (counts is not [_, var ofName, var ofNameHere, { Count: 0 }] || ofName.Count + othersOfName < limit.Count)
        {
            return null;
        }

        if (ofName.Count < limit.Count || ofNameHere.Count == 0)
        {
            return othersOfName > 0 ? PendingWait : null;
        }

        // The attempt is free when the first of the two counters ends.
        return ofName.Left < ofNameHere.Left ? ofName.Left : ofNameHere.Left;
    }

    /// <summary>Attempts of the same network with other credentials that nobody has judged yet: all of them may fail.</summary>
    private CredentialAttempt[] FindOthersPending(CredentialAttempt attempt) =>
        _pending.TryGetValue(attempt.Network, out List<CredentialAttempt>? attempts)
            ? [.. attempts.Where(other => other.Credential != attempt.Credential)]
            : [];

    /// <summary>The address, and where there is a user name also its failures, its failures in this network and its success here, in this order.</summary>
    private static string[] AllCounters(CredentialAttempt attempt) => attempt.NameCounters is { } name
        ? [attempt.AddressCounter, name.Failures, name.FailuresHere, name.SuccessHere]
        : [attempt.AddressCounter];

    /// <summary>Redis knows of all gateways; this one knows at once of its own failures.</summary>
    private FailureCount[] Combine(string[] counters, FailureCount[]? ofAll)
    {
        FailureCount[] own = [.. counters.Select((counter, at) => _memories[at].Read(counter))];
        if (ofAll is null)
        {
            return own;
        }

        // Only for the address and the name: a success at another gateway clears the failures here in Redis alone.
        foreach (int at in new[] { OfAddressAt, OfNameAt }.Where(at => at < own.Length))
        {
            if (own[at].Count > ofAll[at].Count)
            {
                ofAll[at] = own[at];
            }
        }

        return ofAll;
    }

    private void AddPending(CredentialAttempt attempt)
    {
        if (!_pending.TryGetValue(attempt.Network, out List<CredentialAttempt>? attempts))
        {
            _pending[attempt.Network] = attempts = [];
        }

        attempts.Add(attempt);
    }

    private void RemovePending(CredentialAttempt attempt)
    {
        if (_pending.TryGetValue(attempt.Network, out List<CredentialAttempt>? attempts) && attempts.Remove(attempt) && attempts.Count == 0)
        {
            _pending.Remove(attempt.Network);
        }
    }

    /// <returns>Null without Redis, and where it does not answer: this gateway then counts alone.</returns>
    private async Task<T[]?> AskRedisAsync<T>(Func<RedisFailures, Task<T[]>> question)
    {
        if (shared is null || time.GetTimestamp() < Volatile.Read(ref _redisAskedAgainAt))
        {
            return null;
        }

        try
        {
            return await question(shared);
        }
        catch (StoreUnavailableException)
        {
            long backoff = (long)(RedisBackoff.TotalSeconds * time.TimestampFrequency);
            Volatile.Write(ref _redisAskedAgainAt, time.GetTimestamp() + backoff);
            return null;
        }
    }

    /// <remarks>Without the user name that was tried: people type their password there, too.</remarks>
    [LoggerMessage(EventId = 8000, EventName = "CredentialFailed", Level = LogLevel.Information, Message = "A credential was wrong: {Kind}")]
    private partial void CredentialFailed(CredentialKind kind);

    [LoggerMessage(
        EventId = 5043,
        EventName = "AddressBlocked",
        Level = LogLevel.Warning,
        Message = "{Failures} passwords or tokens from {Address} were wrong. Further ones from there are refused with 429 for {Time}; sessions, and tokens "
            + "that are in use, go on")]
    private partial void AddressBlocked(IPAddress address, int failures, TimeSpan time);

    [LoggerMessage(
        EventId = 5044,
        EventName = "UserNameBlocked",
        Level = LogLevel.Warning,
        Message = "{Failures} passwords for {User} were wrong, the last one from {Address}. Networks that sent a wrong one are refused with 429 for {Time}; "
            + "the owner can sign in from another network")]
    private partial void UserNameBlocked(string user, IPAddress address, int failures, TimeSpan time);
}
