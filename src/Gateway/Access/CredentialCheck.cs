using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gateway.Paperless;

namespace Gateway.Access;

/// <summary>Whether Paperless accepts a request's `Authorization`.</summary>
internal enum CredentialStatus
{
    Accepted,

    Rejected,

    /// <summary>Paperless gave no usable answer.</summary>
    Unknown,

    /// <summary>Too many checks are pending.</summary>
    Busy,
}

/// <summary>
/// Asks Paperless whether it accepts a request's `Authorization`, before the gateway stores a large body for an unknown client. The answer is
/// cached under a hash of the credential. Invalid credentials neither evict valid ones from the cache nor block their checks.
/// </summary>
internal sealed partial class CredentialCheck(UpstreamClient paperless, TimeProvider time, ILogger<CredentialCheck> logger)
{
    public static readonly TimeSpan AcceptedTtl = TimeSpan.FromSeconds(60);

    public static readonly TimeSpan RejectedTtl = TimeSpan.FromSeconds(10);

    /// <summary>Limits pending checks of credentials that were never accepted; <see cref="MaxConcurrent"/> limits those of all addresses.</summary>
    public const int MaxPerAddress = 8;

    public const int MaxConcurrent = 64;

    private const int MaxAccepted = 1024;

    private const int MaxRejected = 4096;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(HMACSHA256.HashSizeInBytes);
    private readonly Lock _lock = new();
    /// <summary>When Paperless accepted each credential.</summary>
    private readonly AnswerCache<string, long> _accepted = new(MaxAccepted);

    /// <summary>When Paperless rejected each credential.</summary>
    private readonly AnswerCache<string, long> _rejected = new(MaxRejected);

    private readonly Dictionary<string, Task<CredentialStatus>> _pending = new(StringComparer.Ordinal);
    private readonly Dictionary<IPAddress, int> _pendingOfAddress = [];
    private int _pendingOfAll;

    /// <summary>The cached status; null where none is cached.</summary>
    public CredentialStatus? FindCached(HttpContext context)
    {
        string key = KeyOf(HeaderOf(context));
        lock (_lock)
        {
            return FindCached(key);
        }
    }

    /// <summary>The status, cached or asked for; concurrent requests with one credential share one check.</summary>
    public Task<CredentialStatus> AskAsync(HttpContext context)
    {
        string credential = HeaderOf(context);
        string key = KeyOf(credential);
        Task<CredentialStatus>? status;
        lock (_lock)
        {
            if (FindCached(key) is { } cached)
            {
                return Task.FromResult(cached);
            }

            if (!_pending.TryGetValue(key, out status))
            {
                IPAddress? address = _accepted.TryFind(key, out _) ? null : ClientAddress.From(context);
                if (address is not null && !TryAcquireSlot(address))
                {
                    return Task.FromResult(CredentialStatus.Busy);
                }

                // Several requests may wait for this check, so the context of the first request stays out of the task.
                using AsyncFlowControl suppressed = ExecutionContext.SuppressFlow();
                status = Task.Run(() => AskAsync(key, credential, address));
                _pending.Add(key, status);
            }
        }

        return status.WaitAsync(context.RequestAborted);
    }

    private async Task<CredentialStatus> AskAsync(string key, string credential, IPAddress? address)
    {
        CredentialStatus status = CredentialStatus.Unknown;
        try
        {
            return status = await AskPaperlessAsync(credential);
        }
        finally
        {
            lock (_lock)
            {
                Cache(key, status);
                _pending.Remove(key);
                if (address is not null)
                {
                    ReleaseSlot(address);
                }
            }
        }
    }

    private async Task<CredentialStatus> AskPaperlessAsync(string credential)
    {
        UpstreamRequest question = new(HttpMethod.Get, PaperlessPaths.Profile, AnswerTimeout)
        {
            Headers = [("Accept", "application/json"), ("Authorization", credential)],
        };
        try
        {
            UpstreamResponse answer = await paperless.AskAsync(question, CancellationToken.None);
            switch (answer.Status)
            {
                case HttpStatusCode.OK:
                    return CredentialStatus.Accepted;

                // 403 with PAPERLESS_ENABLE_HTTP_REMOTE_USER_API.
                case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden:
                    return CredentialStatus.Rejected;

                default:
                    CredentialCheckUnanswered(PaperlessFailureText.Answered(HttpMethod.Get, answer.Address, answer.Status).Message);
                    return CredentialStatus.Unknown;
            }
        }
        catch (UpstreamUnavailableException unavailable)
        {
            CredentialCheckUnanswered(unavailable.Message);
            return CredentialStatus.Unknown;
        }
        catch (Exception error)
        {
            // Several requests may wait for this check: a failure leaves the status unknown for all of them.
            CredentialCheckFailed(error);
            return CredentialStatus.Unknown;
        }
    }

    private CredentialStatus? FindCached(string key)
    {
        if (IsFresh(_accepted, key, AcceptedTtl))
        {
            return CredentialStatus.Accepted;
        }

        return IsFresh(_rejected, key, RejectedTtl) ? CredentialStatus.Rejected : null;
    }

    private void Cache(string key, CredentialStatus status)
    {
        if (status == CredentialStatus.Accepted)
        {
            _accepted.Add(key, time.GetTimestamp());
            _rejected.Remove(key);
        }
        else if (status == CredentialStatus.Rejected)
        {
            _rejected.Add(key, time.GetTimestamp());
            _accepted.Remove(key);
        }
    }

    private bool TryAcquireSlot(IPAddress address)
    {
        int ofAddress = _pendingOfAddress.GetValueOrDefault(address);
        if (ofAddress >= MaxPerAddress || _pendingOfAll >= MaxConcurrent)
        {
            return false;
        }

        _pendingOfAddress[address] = ofAddress + 1;
        _pendingOfAll++;
        return true;
    }

    private void ReleaseSlot(IPAddress address)
    {
        _pendingOfAll--;
        if (--_pendingOfAddress[address] == 0)
        {
            _pendingOfAddress.Remove(address);
        }
    }

    private bool IsFresh(AnswerCache<string, long> answers, string key, TimeSpan ttl) =>
        answers.TryFind(key, out long storedAt) && time.GetElapsedTime(storedAt) < ttl;

    /// <summary>The caller makes sure that there is exactly one header.</summary>
    private static string HeaderOf(HttpContext context) => context.Request.Headers.Authorization.ToString();

    private string KeyOf(string credential) => Convert.ToBase64String(HMACSHA256.HashData(_key, Encoding.Latin1.GetBytes(credential)));

    [LoggerMessage(
        EventId = 5041,
        EventName = "CredentialUnanswered",
        Level = LogLevel.Warning,
        Message = "Paperless did not answer the check of a credential ({Reason}). The request is refused; try again when Paperless answers")]
    private partial void CredentialCheckUnanswered(string reason);

    [LoggerMessage(
        EventId = 5042,
        EventName = "CredentialCheckFailed",
        Level = LogLevel.Error,
        Message = "The check of a credential failed inside the gateway. The requests with the credential are refused; the next request starts a new check")]
    private partial void CredentialCheckFailed(Exception error);
}
