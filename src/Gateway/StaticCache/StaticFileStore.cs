using System.Collections.Concurrent;
using System.Diagnostics;

namespace Gateway.StaticCache;

/// <summary>How much of Paperless's static files is kept; a record of its own so that tests need no hundred megabytes.</summary>
/// <param name="File">Bytes of one file; a larger one streams through.</param>
/// <param name="Total">Bytes of all files with their compressed copies and headers, of those on their way, and of the one being compressed.</param>
/// <param name="Files">How many, however small.</param>
/// <param name="Wait">How long a visitor waits for a file that is being fetched, and a fetch may take; after it the request goes on by itself.</param>
internal sealed record StaticFileLimits(long File, long Total, int Files, TimeSpan Wait)
{
    public static readonly StaticFileLimits Default = new(4 * 1024 * 1024, 64 * 1024 * 1024, 4096, TimeSpan.FromSeconds(10));
}

/// <summary>The files in memory, by path. What went unused for longest makes room.</summary>
internal sealed class StaticFileStore(StaticFileLimits limits)
{
    private readonly ConcurrentDictionary<string, StaticFile> _files = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private int _count;
    private long _held;
    private long _reserved;

    /// <summary>Bytes that the files hold, and those that are promised.</summary>
    public long Held
    {
        get
        {
            lock (_lock)
            {
                return _held + _reserved;
            }
        }
    }

    public IReadOnlyCollection<StaticFile> Files => [.. _files.Values];

    public StaticFile? Find(string path)
    {
        if (!_files.TryGetValue(path, out StaticFile? file))
        {
            return null;
        }

        file.LastUsed = Stopwatch.GetTimestamp();
        return file;
    }

    /// <summary>Promises memory before it is taken; to be taken by <see cref="Put"/> or given back by <see cref="Release"/>.</summary>
    /// <returns>False where too much is promised already; then nothing is let go of for it.</returns>
    public bool TryReserve(long bytes)
    {
        lock (_lock)
        {
            if (_reserved + bytes > limits.Total)
            {
                return false;
            }

            _reserved += bytes;
            MakeRoom();
            return true;
        }
    }

    public void Release(long bytes)
    {
        lock (_lock)
        {
            _reserved -= bytes;
        }
    }

    /// <param name="reserved">What was promised for it, and is taken now.</param>
    public void Put(StaticFile file, long reserved)
    {
        lock (_lock)
        {
            _reserved -= reserved;
            file.LastUsed = Stopwatch.GetTimestamp();
            Set(file);
        }
    }

    /// <summary>Another state of a file.</summary>
    /// <param name="change">To the new state, or to null where the file shall go.</param>
    /// <param name="gone">What it was, where it has been let go of meanwhile.</param>
    public StaticFile? Update(string path, Func<StaticFile, StaticFile?> change, StaticFile? gone = null)
    {
        lock (_lock)
        {
            if (!_files.TryGetValue(path, out StaticFile? old))
            {
                StaticFile? again = gone is null ? null : change(gone);
                if (again is not null)
                {
                    Set(again);
                }

                return again;
            }

            StaticFile? changed = change(old);
            if (changed is null)
            {
                Drop(old);
            }
            else if (changed != old)
            {
                Set(changed);
            }

            return changed;
        }
    }

    private void Set(StaticFile file)
    {
        if (_files.TryGetValue(file.Path, out StaticFile? old))
        {
            _held -= old.Cost;
            _count--;
        }

        _files[file.Path] = file;
        _held += file.Cost;
        _count++;
        MakeRoom();
    }

    private void Drop(StaticFile file)
    {
        _files.TryRemove(file.Path, out _);
        _held -= file.Cost;
        _count--;
    }

    /// <summary>Looks at every file, which is cheaper than keeping their order on every hit: it happens only when another file comes.</summary>
    private void MakeRoom()
    {
        while (_count > 0 && (_held + _reserved > limits.Total || _count > limits.Files))
        {
            Drop(_files.Values.MinBy(file => file.LastUsed)!);
        }
    }
}
