using System.Net;

namespace Gateway.Forwarding;

/// <summary>Limits for chunked bodies of clients that are not verified yet; tests set smaller limits.</summary>
/// <param name="MaxTotal">Bytes of all unverified bodies.</param>
/// <param name="MaxPerAddress">Bytes of the unverified bodies from one client address.</param>
/// <param name="VerifyAbove">The credential of a body with more bytes is checked.</param>
/// <param name="Timeout">The time until a body must be complete or verified.</param>
internal sealed record UnverifiedBodyLimits(long MaxTotal, long MaxPerAddress, long VerifyAbove, TimeSpan Timeout)
{
    public static readonly UnverifiedBodyLimits Default = new(512L * 1024 * 1024, 64L * 1024 * 1024, 1024 * 1024, TimeSpan.FromSeconds(30));
}

/// <summary>Counts the bytes of unverified bodies, so that unknown clients cannot fill the disk.</summary>
internal sealed class UnverifiedBodies(UnverifiedBodyLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, long> _ofAddress = [];
    private long _total;

    /// <summary>From half of a limit on, every credential is checked at once.</summary>
    public bool IsHalfUsed(IPAddress address) => Exceeds(address, limits.MaxTotal / 2, limits.MaxPerAddress / 2);

    public bool IsFull(IPAddress address) => Exceeds(address, limits.MaxTotal, limits.MaxPerAddress);

    /// <param name="bytes">Negative to release bytes.</param>
    public void Add(IPAddress address, long bytes)
    {
        lock (_lock)
        {
            _total += bytes;
            long ofOneAddress = _ofAddress.GetValueOrDefault(address) + bytes;
            if (ofOneAddress == 0)
            {
                _ofAddress.Remove(address);
            }
            else
            {
                _ofAddress[address] = ofOneAddress;
            }
        }
    }

    private bool Exceeds(IPAddress address, long maxTotal, long maxPerAddress)
    {
        lock (_lock)
        {
            return _total > maxTotal || _ofAddress.GetValueOrDefault(address) > maxPerAddress;
        }
    }
}
