using System.Collections.Concurrent;
using System.Diagnostics;

namespace Gateway.StaticCache;

/// <summary>The limits of the static file cache; tests set smaller ones.</summary>
/// <param name="MaxFileBytes">Larger files are streamed and not cached.</param>
/// <param name="MaxTotalBytes">Memory of all files with their representations and headers, pending fetches and the current compression.</param>
/// <param name="MaxFiles">The number of files.</param>
/// <param name="FetchTimeout">The limit for a fetch and for a request that waits for the fetch; after the timeout the request is forwarded.</param>
/// <param name="RefreshPeriod">How often the gateway looks for files whose freshness ends soon.</param>
internal sealed record StaticFileLimits(long MaxFileBytes, long MaxTotalBytes, int MaxFiles, TimeSpan FetchTimeout, TimeSpan RefreshPeriod)
{
    public static readonly StaticFileLimits Default = new(4 * 1024 * 1024, 64 * 1024 * 1024, 4096, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(2));
}

/// <summary>The cached files by path, with eviction of the least recently used.</summary>
internal sealed class StaticFileStore(StaticFileLimits limits)
{
    private readonly ConcurrentDictionary<string, CachedStaticFile> _files = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private int _count;
    private long _fileBytes;
    private long _reservedBytes;
    private int _epoch;

    /// <summary>Another number after <see cref="Clear"/>: what was fetched before is not kept any more.</summary>
    public int Epoch => Volatile.Read(ref _epoch);

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
        file.UnusedRefreshes = 0;
        return file;
    }

    /// <summary>Forgets all files.</summary>
    /// <returns>The files until now.</returns>
    public IReadOnlyCollection<CachedStaticFile> Clear()
    {
        lock (_lock)
        {
            IReadOnlyCollection<CachedStaticFile> files = Files;
            _epoch++;
            _files.Clear();
            _count = 0;
            _fileBytes = 0;
            return files;
        }
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
    /// <param name="epoch">As it was when the file was asked for.</param>
    public void Put(CachedStaticFile file, long reserved, int epoch)
    {
        lock (_lock)
        {
            _reservedBytes -= reserved;
            if (epoch == _epoch)
            {
                file.LastUsed = Stopwatch.GetTimestamp();
                Set(file);
            }
        }
    }

    /// <summary>Replaces or removes a file.</summary>
    /// <param name="change">Returns the new file, or null to remove the file.</param>
    public CachedStaticFile? Update(string path, Func<CachedStaticFile, CachedStaticFile?> change)
    {
        lock (_lock)
        {
            if (!_files.TryGetValue(path, out CachedStaticFile? old))
            {
                return null;
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

    /// <summary>As <see cref="Update"/>, also where the file was evicted meanwhile.</summary>
    /// <param name="known">The file as it was when Paperless was asked about it.</param>
    /// <param name="epoch">As it was then.</param>
    public CachedStaticFile? Restore(string path, CachedStaticFile known, int epoch, Func<CachedStaticFile, CachedStaticFile?> change)
    {
        lock (_lock)
        {
            if (epoch != _epoch)
            {
                return null;
            }

            if (!_files.ContainsKey(path))
            {
                Set(known);
            }

            return Update(path, change);
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

/// <summary>Memory that is reserved for one file as it grows, until the file is kept or given up.</summary>
internal sealed class StaticFileMemory(StaticFileStore store) : IDisposable
{
    private long _reserved;

    public bool TryTake(long bytes)
    {
        bool isTaken = store.TryReserve(bytes);
        _reserved += isTaken ? bytes : 0;
        return isTaken;
    }

    /// <param name="epoch">See <see cref="StaticFileStore.Put"/>.</param>
    public void Keep(CachedStaticFile file, int epoch)
    {
        store.Put(file, _reserved, epoch);
        _reserved = 0;
    }

    public void Dispose() => store.Release(_reserved);
}
