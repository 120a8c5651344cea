using System.Collections.Concurrent;

namespace Gateway.Benchmarks;

/// <summary>What the people of a soak counted together.</summary>
internal sealed class SoakTally
{
    private const int WrongAnswersShown = 5;

    private readonly ConcurrentQueue<string> _shown = new();
    private int _requests;
    private int _signIns;
    private int _signOuts;
    private int _uploads;
    private int _messages;
    private int _refused;
    private int _wrong;

    /// <summary>Set while Redis is away, and until the gateway has had the time to find it again.</summary>
    public bool IsRedisAway { get; set; }

    public int Requests => _requests;

    public int SignIns => _signIns;

    public int SignOuts => _signOuts;

    public int Uploads => _uploads;

    /// <summary>That went through a WebSocket and came back.</summary>
    public int Messages => _messages;

    /// <summary>Refusals and lost connections while Redis was away.</summary>
    public int Refused => _refused;

    public int Wrong => _wrong;

    /// <summary>The first wrong answers, in words.</summary>
    public IEnumerable<string> WrongAnswers => _shown.Take(WrongAnswersShown);

    public void CountRequest() => Interlocked.Increment(ref _requests);

    public void CountSignIn() => Interlocked.Increment(ref _signIns);

    public void CountSignOut() => Interlocked.Increment(ref _signOuts);

    public void CountUpload() => Interlocked.Increment(ref _uploads);

    public void CountMessage() => Interlocked.Increment(ref _messages);

    public void CountRefused() => Interlocked.Increment(ref _refused);

    public void CountWrong(string what)
    {
        if (Interlocked.Increment(ref _wrong) <= WrongAnswersShown)
        {
            _shown.Enqueue(what);
        }
    }
}
