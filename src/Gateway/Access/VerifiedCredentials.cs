using System.Collections.Concurrent;

namespace Gateway.Access;

/// <summary>
/// The credentials that Paperless accepted lately: failures of others do not hold them up. This is no permission: Paperless checks a credential
/// with each request, whether it is here or not.
/// </summary>
internal sealed class VerifiedCredentials(TimeProvider time)
{
    /// <summary>A credential that is not used is forgotten after one to two times this time.</summary>
    public static readonly TimeSpan Generation = TimeSpan.FromHours(12);

    public const int MaxPerGeneration = 4096;

    private readonly Lock _changing = new();
    private volatile ConcurrentDictionary<CredentialKey, bool> _older = [];
    private volatile ConcurrentDictionary<CredentialKey, bool> _newer = [];
    private long _since = time.GetTimestamp();
    private int _added;

    public bool Contains(CredentialKey credential)
    {
        if (time.GetElapsedTime(Volatile.Read(ref _since)) < Generation && _newer.ContainsKey(credential))
        {
            return true;
        }

        lock (_changing)
        {
            StartGenerationIfDue();
        }

        if (_newer.ContainsKey(credential))
        {
            return true;
        }

        if (!_older.ContainsKey(credential))
        {
            return false;
        }

        Add(credential);
        return true;
    }

    public void Add(CredentialKey credential)
    {
        lock (_changing)
        {
            StartGenerationIfDue();
            if (_newer.TryAdd(credential, true))
            {
                _added++;
            }
        }
    }

    public void Remove(CredentialKey credential)
    {
        lock (_changing)
        {
            _newer.TryRemove(credential, out _);
            _older.TryRemove(credential, out _);
        }
    }

    private void StartGenerationIfDue()
    {
        TimeSpan age = time.GetElapsedTime(_since);
        if (age < Generation && _added < MaxPerGeneration)
        {
            return;
        }

        _older = age < Generation * 2 ? _newer : [];
        _newer = [];
        _added = 0;
        Volatile.Write(ref _since, time.GetTimestamp());
    }
}
