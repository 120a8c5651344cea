namespace Gateway.Storage;

/// <summary>The messages of other gateways about sessions that they ended.</summary>
/// <param name="replica">The name of this gateway, whose own messages do not count.</param>
internal sealed class RedisEndedSessions(RedisConnection redis, string channel, string replica)
{
    private readonly Lock _listening = new();
    private Action<IReadOnlyList<byte[]>>? _received;
    private bool _isListening;

    /// <summary>The keys of the sessions. The gateway listens from the first subscriber on.</summary>
    public event Action<IReadOnlyList<byte[]>>? Received
    {
        add
        {
            lock (_listening)
            {
                _received += value;
                if (!_isListening)
                {
                    redis.Listen(channel, OnMessage);
                    _isListening = true;
                }
            }
        }

        remove
        {
            lock (_listening)
            {
                _received -= value;
            }
        }
    }

    private void OnMessage(string message)
    {
        string[] words = message.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2 || words[0] == replica || words.Skip(1).Any(word => RedisFields.Hash(word) is null))
        {
            return;
        }

        byte[][] keys = [.. words.Skip(1).Select(Convert.FromHexString)];
        redis.Raise(_received, subscriber => subscriber(keys), "sessions that another gateway ended");
    }
}
