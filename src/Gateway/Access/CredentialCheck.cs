using System.Net;
using System.Security.Cryptography;
using System.Text;
using Gateway.Paperless;

namespace Gateway.Access;

/// <summary>What is known of a request's `Authorization`.</summary>
internal enum CredentialAnswer
{
    /// <summary>Paperless takes it.</summary>
    Taken,

    NotTaken,

    /// <summary>Paperless did not say.</summary>
    Unknown,

    /// <summary>Too many credentials are being asked about already.</summary>
    Busy,
}

/// <summary>
/// Asks Paperless whether it takes a request's `Authorization`, where the gateway would otherwise do much for somebody unknown. Answers are
/// kept for a moment, without the credential. Made-up credentials never push out good ones, nor keep those from being asked about.
/// </summary>
internal sealed partial class CredentialCheck(UpstreamClient paperless, TimeProvider time, ILogger<CredentialCheck> logger)
{
    public static readonly TimeSpan TakenTtl = TimeSpan.FromSeconds(60);

    public static readonly TimeSpan NotTakenTtl = TimeSpan.FromSeconds(10);

    /// <summary>Questions under way about credentials that were never taken before: of one client address, and of all.</summary>
    public const int MostOfOneAddress = 8;

    public const int MostAtOnce = 64;

    private const int MostTaken = 1024;

    private const int MostNotTaken = 4096;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(HMACSHA256.HashSizeInBytes);
    private readonly Lock _lock = new();
    private readonly Memory _taken = new(MostTaken);
    private readonly Memory _notTaken = new(MostNotTaken);
    private readonly Dictionary<string, Task<CredentialAnswer>> _underWay = new(StringComparer.Ordinal);
    private readonly Dictionary<IPAddress, int> _ofAddress = [];
    private int _ofStrangers;

    /// <summary>The answer that is known without asking; null where there is none.</summary>
    public CredentialAnswer? Known(HttpContext context)
    {
        string key = KeyOf(CredentialOf(context));
        lock (_lock)
        {
            return Known(key);
        }
    }

    /// <summary>The answer, kept or asked for; equal credentials are asked about once at a time.</summary>
    public Task<CredentialAnswer> AskAsync(HttpContext context)
    {
        string credential = CredentialOf(context);
        string key = KeyOf(credential);
        Task<CredentialAnswer>? answer;
        lock (_lock)
        {
            if (Known(key) is { } known)
            {
                return Task.FromResult(known);
            }

            if (!_underWay.TryGetValue(key, out answer))
            {
                IPAddress? stranger = _taken.Has(key) ? null : ClientAddress.Of(context);
                if (stranger is not null && !TryCount(stranger))
                {
                    return Task.FromResult(CredentialAnswer.Busy);
                }

                // Nothing of the request that begins it goes with it: others may wait for the same answer.
                using AsyncFlowControl own = ExecutionContext.SuppressFlow();
                answer = Task.Run(() => AskAsync(key, credential, stranger));
                _underWay.Add(key, answer);
            }
        }

        return answer.WaitAsync(context.RequestAborted);
    }

    private async Task<CredentialAnswer> AskAsync(string key, string credential, IPAddress? stranger)
    {
        CredentialAnswer answer = CredentialAnswer.Unknown;
        try
        {
            return answer = await QuestionAsync(credential);
        }
        finally
        {
            lock (_lock)
            {
                Keep(key, answer);
                _underWay.Remove(key);
                if (stranger is not null)
                {
                    Uncount(stranger);
                }
            }
        }
    }

    private async Task<CredentialAnswer> QuestionAsync(string credential)
    {
        UpstreamQuestion question = new(HttpMethod.Get, PaperlessPaths.Profile, AnswerTimeout)
        {
            Headers = [("Accept", "application/json"), ("Authorization", credential)],
        };
        try
        {
            UpstreamAnswer answer = await paperless.AskAsync(question, CancellationToken.None);
            switch (answer.Status)
            {
                case HttpStatusCode.OK:
                    return CredentialAnswer.Taken;

                // The second where its API knows the user header, too.
                case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden:
                    return CredentialAnswer.NotTaken;

                default:
                    Unanswered($"it answers {(int)answer.Status}");
                    return CredentialAnswer.Unknown;
            }
        }
        catch (UpstreamUnavailableException unavailable)
        {
            Unanswered(unavailable.Message);
            return CredentialAnswer.Unknown;
        }
        catch (Exception error)
        {
            // Many may wait for this one answer: whatever goes wrong is no answer for them, and nothing worse.
            CheckFailed(error);
            return CredentialAnswer.Unknown;
        }
    }

    private CredentialAnswer? Known(string key)
    {
        if (_taken.Has(key, time.GetTimestamp() - Ticks(TakenTtl)))
        {
            return CredentialAnswer.Taken;
        }

        return _notTaken.Has(key, time.GetTimestamp() - Ticks(NotTakenTtl)) ? CredentialAnswer.NotTaken : null;
    }

    private void Keep(string key, CredentialAnswer answer)
    {
        if (answer == CredentialAnswer.Taken)
        {
            _taken.Add(key, time.GetTimestamp());
            _notTaken.Remove(key);
        }
        else if (answer == CredentialAnswer.NotTaken)
        {
            _notTaken.Add(key, time.GetTimestamp());
            _taken.Remove(key);
        }
    }

    private bool TryCount(IPAddress stranger)
    {
        int own = _ofAddress.GetValueOrDefault(stranger);
        if (own >= MostOfOneAddress || _ofStrangers >= MostAtOnce)
        {
            return false;
        }

        _ofAddress[stranger] = own + 1;
        _ofStrangers++;
        return true;
    }

    private void Uncount(IPAddress stranger)
    {
        _ofStrangers--;
        if (--_ofAddress[stranger] == 0)
        {
            _ofAddress.Remove(stranger);
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    /// <summary>Exactly one header: two are no credential.</summary>
    private static string CredentialOf(HttpContext context) => context.Request.Headers.Authorization.ToString();

    private string KeyOf(string credential) => Convert.ToBase64String(HMACSHA256.HashData(_key, Encoding.Latin1.GetBytes(credential)));

    /// <summary>The last answers of one kind, and when they came; the longest unused ones give way.</summary>
    private sealed class Memory(int capacity)
    {
        private readonly Dictionary<string, (long Number, long At)> _entries = new(StringComparer.Ordinal);
        private readonly Queue<(string Key, long Number)> _order = [];
        private long _number;

        public bool Has(string key, long since = long.MinValue) => _entries.TryGetValue(key, out (long Number, long At) entry) && entry.At > since;

        public void Add(string key, long at)
        {
            _entries[key] = (++_number, at);
            _order.Enqueue((key, _number));
            while (_order.Count > capacity)
            {
                (string oldest, long number) = _order.Dequeue();
                if (_entries.TryGetValue(oldest, out (long Number, long At) entry) && entry.Number == number)
                {
                    _entries.Remove(oldest);
                }
            }
        }

        public void Remove(string key) => _entries.Remove(key);
    }

    [LoggerMessage(
        EventId = 5041,
        EventName = "CredentialUnanswered",
        Level = LogLevel.Warning,
        Message = "Paperless was asked whether it takes a credential, and did not say ({Reason}): the request that brought it is refused")]
    private partial void Unanswered(string reason);

    [LoggerMessage(
        EventId = 5042,
        EventName = "CredentialCheckFailed",
        Level = LogLevel.Error,
        Message = "The check of a credential failed inside the gateway: the requests that brought it are refused, and the next one is checked again")]
    private partial void CheckFailed(Exception error);
}
