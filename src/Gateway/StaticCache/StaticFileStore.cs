using System.Collections.Concurrent;
using System.Diagnostics;

namespace Gateway.StaticCache;

/// <summary>The limits of the static file cache; tests set smaller ones.</summary>
/// <param name="MaxFileBytes">Larger files are streamed and not cached.</param>
/// <param name="MaxTotalBytes">Memory of all files with their representations and headers, pending fetches and the current compression.</param>
/// <param name="MaxFiles">The number of files.</param>
/// <param name="FetchTimeout">The limit for a fetch and for a request that waits for the fetch; after the timeout the request is forwarded.</param>
internal sealed record StaticFileLimits(long MaxFileBytes, long MaxTotalBytes, int MaxFiles, TimeSpan FetchTimeout)
{
    public static readonly StaticFileLimits Default = new(4 * 1024 * 1024, 64 * 1024 * 1024, 4096, TimeSpan.FromSeconds(10));
}

/// <summary>The cached files by path, with eviction of the least recently used.</summary>
internal sealed class StaticFileStore(StaticFileLimits limits)
{
    private readonly ConcurrentDictionary<string, CachedStaticFile> _files = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private int _count;
    private long _fileBytes;
    private long _reservedBytes;

    /// <summary>The bytes of the files and of the reservations.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_lock)
            {
                return _fileBytes + _reservedBytes;
            }
        }
    }

    public IReadOnlyCollection<CachedStaticFile> Files => [.. _files.Values];

    public CachedStaticFile? Find(string path)
    {
        if (!_files.TryGetValue(path, out CachedStaticFile? file))
        {
            return null;
        }

        file.LastUsed = Stopwatch.GetTimestamp();
        return file;
    }

    /// <summary>Reserves memory before its allocation; <see cref="Put"/> uses the reservation, <see cref="Release"/> cancels it.</summary>
    /// <returns>False where the reservations would exceed the limit; then no file is evicted.</returns>
    public bool TryReserve(long bytes)
    {
        lock (_lock)
        {
            if (_reservedBytes + bytes > limits.MaxTotalBytes)
            {
                return false;
            }

            _reservedBytes += bytes;
            Evict();
            return true;
        }
    }

    public void Release(long bytes)
    {
        lock (_lock)
        {
            _reservedBytes -= bytes;
        }
    }

    /// <param name="reserved">The bytes that were reserved for the file.</param>
    public void Put(CachedStaticFile file, long reserved)
    {
        lock (_lock)
        {
            _reservedBytes -= reserved;
            file.LastUsed = Stopwatch.GetTimestamp();
            Set(file);
        }
    }

    /// <summary>Replaces or removes a file.</summary>
    /// <param name="change">Returns the new file, or null to remove the file.</param>
    /// <param name="evicted">The previous file, where it may have been evicted meanwhile.</param>
    public CachedStaticFile? Update(string path, Func<CachedStaticFile, CachedStaticFile?> change, CachedStaticFile? evicted = null)
    {
        lock (_lock)
        {
            if (!_files.TryGetValue(path, out CachedStaticFile? old))
            {
                CachedStaticFile? restored = evicted is null ? null : change(evicted);
                if (restored is not null)
                {
                    Set(restored);
                }

                return restored;
            }

            CachedStaticFile? changed = change(old);
            if (changed is null)
            {
                Remove(old);
            }
            else if (changed != old)
            {
                Set(changed);
            }

            return changed;
        }
    }

    private void Set(CachedStaticFile file)
    {
        if (_files.TryGetValue(file.Path, out CachedStaticFile? old))
        {
            _fileBytes -= old.Cost;
            _count--;
        }

        _files[file.Path] = file;
        _fileBytes += file.Cost;
        _count++;
        Evict();
    }

    private void Remove(CachedStaticFile file)
    {
        _files.TryRemove(file.Path, out _);
        _fileBytes -= file.Cost;
        _count--;
    }

    /// <summary>Scans all files, but only when a file is added: that is cheaper than maintaining an order on every hit.</summary>
    private void Evict()
    {
        while (_count > 0 && (_fileBytes + _reservedBytes > limits.MaxTotalBytes || _count > limits.MaxFiles))
        {
            Remove(_files.Values.MinBy(file => file.LastUsed)!);
        }
    }
}
