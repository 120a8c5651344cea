using System.Net;

namespace Gateway.Forwarding;

/// <summary>Limits for bodies without a length from somebody whom nobody has verified yet; a record of its own so that tests need not send them all.</summary>
/// <param name="All">Bytes of all such bodies together.</param>
/// <param name="OfOneAddress">Bytes of those from one client address.</param>
/// <param name="AskFrom">Bytes of one body from which on Paperless is asked about the credential that came with it.</param>
/// <param name="Timeout">How long a body may take until it is here or verified.</param>
internal sealed record UnverifiedBodyLimits(long All, long OfOneAddress, long AskFrom, TimeSpan Timeout)
{
    public static readonly UnverifiedBodyLimits Default = new(512L * 1024 * 1024, 64L * 1024 * 1024, 1024 * 1024, TimeSpan.FromSeconds(30));
}

/// <summary>How much of the disk bodies hold that nobody has verified, so that strangers cannot fill it.</summary>
internal sealed class UnverifiedBodies(UnverifiedBodyLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, long> _ofAddress = [];
    private long _all;

    /// <summary>From then on Paperless is asked at once, for everybody.</summary>
    public bool IsHalfUsed(IPAddress address) => Exceeds(address, limits.All / 2, limits.OfOneAddress / 2);

    public bool IsFull(IPAddress address) => Exceeds(address, limits.All, limits.OfOneAddress);

    /// <param name="bytes">Below zero: they are given back.</param>
    public void Add(IPAddress address, long bytes)
    {
        lock (_lock)
        {
            _all += bytes;
            long own = _ofAddress.GetValueOrDefault(address) + bytes;
            if (own == 0)
            {
                _ofAddress.Remove(address);
            }
            else
            {
                _ofAddress[address] = own;
            }
        }
    }

    private bool Exceeds(IPAddress address, long all, long ofAddress)
    {
        lock (_lock)
        {
            return _all > all || _ofAddress.GetValueOrDefault(address) > ofAddress;
        }
    }
}
