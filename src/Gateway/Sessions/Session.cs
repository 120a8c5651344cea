using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Claims;
using Gateway.Storage;
using Microsoft.Extensions.Primitives;

namespace Gateway.Sessions;

/// <summary>A valid session in memory. It holds the objects that every request of the session needs.</summary>
internal sealed class Session
{
    private const int BindingKeyBytes = 32;

    /// <summary>The objects, their hashes and the entry in memory, without the texts.</summary>
    private const int EstimatedBytes = 1500;

    private long _usedAt;
    private long _storedUseAt;
    private StrongBox<int> _openSockets = new();
    private long _confirmedAt;
    private long _recheckAt = DateTimeOffset.MaxValue.UtcTicks;
    private long _accountCheckedAt;
    private long _accountCheckAt = DateTimeOffset.MaxValue.UtcTicks;
    private long _roundTripAt = DateTimeOffset.MaxValue.UtcTicks;
    private readonly byte[]? _sidIndex;
    private readonly int _ownBytes;

    public Session(SessionSecret secret, SessionRecord record, StoredSession stored)
    {
        Key = secret.Key();
        Identity = record.Identity;
        DevicePassword = record.DevicePassword;
        SignedInAt = record.SignedInAt;
        CheckedAt = record.CheckedAt;
        RefusedAt = record.RefusedAt;
        SidLostAt = record.SidLostAt;
        RoundTripOpenSince = record.RoundTripOpenSince;
        bool isInDoubt = record.SidLostAt is not null || record.RoundTripOpenSince is not null;
        _roundTripAt = (isInDoubt ? record.NextRoundTrip : DateTimeOffset.MaxValue).UtcTicks;
        NeedsRoundTrip = record.RefusedAt is not null;
        ExpiresAt = stored.ExpiresAt;
        Version = stored.Version;
        _sidIndex = stored.SidIndex;
        PersonIndex = stored.PersonIndex;
        UserHeader = record.Identity.Username;
        BindingKey = new byte[BindingKeyBytes];
        secret.DeriveKey("paperless-gateway cookie binding 1"u8, BindingKey);
        Principal = new SessionPrincipal(this);
        _usedAt = _storedUseAt = stored.UsedAt.UtcTicks;
        _ownBytes = EstimatedBytes + record.Identity.EstimatedBytes;
    }

    public SessionKey Key { get; }

    public Identity Identity { get; }

    /// <summary>Set if an app or scanner sends the secret; null for a browser's session.</summary>
    public DevicePassword? DevicePassword { get; }

    /// <summary>From where a device password was last used. Null before its first use in this process.</summary>
    public IPAddress? UsedFrom { get; set; }

    /// <summary>The part of <see cref="UsedFrom"/> that is stored already.</summary>
    public IPAddress? StoredUsedFrom { get; set; }

    public DateTimeOffset SignedInAt { get; }

    /// <summary>The index that all sessions of the person share.</summary>
    public byte[] PersonIndex { get; }

    /// <summary>When the provider last confirmed the session.</summary>
    public DateTimeOffset CheckedAt { get; }

    /// <summary>When the provider refused a refresh, and nothing has confirmed the person since; null otherwise.</summary>
    public DateTimeOffset? RefusedAt { get; }

    /// <summary>When a refreshed ID token first named no provider session, and no silent authentication has confirmed the person since.</summary>
    public DateTimeOffset? SidLostAt { get; }

    /// <summary>When the first silent authentication began that has not come back: the provider may have shown a denial on a page of its own.</summary>
    public DateTimeOffset? RoundTripOpenSince { get; }

    /// <summary>The version of the stored record from which this object was created.</summary>
    public long Version { get; }

    /// <summary>Absolute expiry; use does not extend it.</summary>
    public DateTimeOffset ExpiresAt { get; }

    public SessionPrincipal Principal { get; }

    /// <summary>The value of the user header.</summary>
    public StringValues UserHeader { get; }

    /// <summary>Binds Paperless's session cookie to this session.</summary>
    public byte[] BindingKey { get; }

    /// <summary>Caches the browser's last `Cookie` header and the cookies in it that are forwarded: browsers repeat the same header.</summary>
    public CookieMemo? LastCookies { get; set; }

    /// <summary>Estimated memory of the session.</summary>
    public int Bytes => _ownBytes + (LastCookies?.EstimatedBytes ?? 0);

    public DateTimeOffset UsedAt => new(Volatile.Read(ref _usedAt), TimeSpan.Zero);

    public int OpenSockets => Volatile.Read(ref _openSockets.Value);

    /// <summary>Whether the current request should start a recheck at the provider.</summary>
    public bool IsRecheckDue => Volatile.Read(ref _usedAt) >= Volatile.Read(ref _recheckAt);

    /// <summary>The refresh token no longer tells whether the person has access. Only silent authentication in the browser (`prompt=none`) does.</summary>
    public bool NeedsRoundTrip { get; set; }

    /// <summary>Whether the next page should make a silent authentication.</summary>
    public bool IsRoundTripDue => (NeedsRoundTrip && IsRecheckDue) || Volatile.Read(ref _usedAt) >= Volatile.Read(ref _roundTripAt);

    /// <summary>Whether only a silent authentication may go on: a refusal, or a silent authentication without an answer, has stood for too long.</summary>
    public bool IsHeldBack => UsedAt >= HeldBackFrom;

    /// <summary>When the session is held back unless the provider confirms it before; the end of time where nothing is open.</summary>
    public DateTimeOffset HeldBackFrom { get; init; } = DateTimeOffset.MaxValue;

    /// <summary>Whether the current request should check the account in Paperless, although the provider cannot be asked.</summary>
    public bool IsAccountCheckDue => NeedsRoundTrip && Volatile.Read(ref _usedAt) >= Volatile.Read(ref _accountCheckAt);

    /// <summary>When Paperless last confirmed the user to this process.</summary>
    public DateTimeOffset AccountCheckedAt => new(Volatile.Read(ref _accountCheckedAt), TimeSpan.Zero);

    /// <summary>When the person was last confirmed by the provider, or by Paperless if the provider can be asked only through the browser.</summary>
    public DateTimeOffset ConfirmedAt => NeedsRoundTrip ? AccountCheckedAt : CheckedAt;

    /// <summary>Whether the last confirmation is older than two intervals of rechecks.</summary>
    public bool IsRecheckOverdue(DateTimeOffset now, TimeSpan interval) => now - ConfirmedAt > interval * 2;

    /// <summary>A device password does not expire for want of use: a scanner may be used once a month.</summary>
    public bool IsLive(DateTimeOffset now, TimeSpan idle) =>
        now < ExpiresAt && (DevicePassword is not null || now.UtcTicks - Volatile.Read(ref _usedAt) < idle.Ticks);

    /// <summary>Whether the session belongs to this `sid` or person; see <see cref="SessionIndex"/>.</summary>
    public bool HasIndex(ReadOnlySpan<byte> index) => index.SequenceEqual(PersonIndex) || (_sidIndex is not null && index.SequenceEqual(_sidIndex));

    public void Use(DateTimeOffset now)
    {
        // Concurrent requests may write times a moment apart. It does not matter which time stays.
        if (now.UtcTicks > Volatile.Read(ref _usedAt))
        {
            Volatile.Write(ref _usedAt, now.UtcTicks);
        }
    }

    /// <summary>Whether the last use in the store is older than the last use here by more than <paramref name="maxLag"/>.</summary>
    public bool HasUnstoredUse(TimeSpan maxLag, out DateTimeOffset usedAt)
    {
        usedAt = UsedAt;
        return usedAt.UtcTicks - Volatile.Read(ref _storedUseAt) > maxLag.Ticks;
    }

    public void MarkUseStored(DateTimeOffset usedAt) => Volatile.Write(ref _storedUseAt, usedAt.UtcTicks);

    /// <summary>Remembers that the store had the session at this time.</summary>
    public void Confirm(DateTimeOffset at) => Volatile.Write(ref _confirmedAt, Math.Max(at.UtcTicks, Volatile.Read(ref _confirmedAt)));

    /// <summary>Whether the store's last confirmation is not older than <paramref name="within"/>.</summary>
    public bool IsConfirmed(DateTimeOffset now, TimeSpan within) => now.UtcTicks - Volatile.Read(ref _confirmedAt) <= within.Ticks;

    /// <summary>Copies the state that only memory has from an earlier version of the same session.</summary>
    public void CopyStateFrom(Session before)
    {
        _openSockets = before._openSockets;
        UsedFrom = before.UsedFrom;
        StoredUsedFrom = before.StoredUsedFrom;
        LastCookies = before.LastCookies;
        Confirm(new DateTimeOffset(Volatile.Read(ref before._confirmedAt), TimeSpan.Zero));
        Use(before.UsedAt);
        _accountCheckedAt = Math.Max(_accountCheckedAt, Volatile.Read(ref before._accountCheckedAt));
        _accountCheckAt = Math.Max(_accountCheckAt, Volatile.Read(ref before._accountCheckAt));
    }

    /// <summary>Makes <see cref="IsRecheckDue"/> true from this time on.</summary>
    public void ScheduleRecheck(DateTimeOffset at) => Volatile.Write(ref _recheckAt, at.UtcTicks);

    /// <summary>Makes <see cref="IsRoundTripDue"/> true from this time on. Rechecks by refresh token or at userinfo keep their own time.</summary>
    public void ScheduleRoundTrip(DateTimeOffset at)
    {
        if (NeedsRoundTrip)
        {
            ScheduleRecheck(at);
        }

        if (Volatile.Read(ref _roundTripAt) != DateTimeOffset.MaxValue.UtcTicks)
        {
            Volatile.Write(ref _roundTripAt, at.UtcTicks);
        }
    }

    /// <summary>Remembers that Paperless has confirmed the user. The next check is due after <paramref name="interval"/>.</summary>
    public void MarkAccountChecked(DateTimeOffset at, TimeSpan interval)
    {
        Volatile.Write(ref _accountCheckedAt, at.UtcTicks);
        ScheduleAccountCheck(at + interval);
    }

    /// <summary>Makes <see cref="IsAccountCheckDue"/> true from this time on.</summary>
    public void ScheduleAccountCheck(DateTimeOffset at) => Volatile.Write(ref _accountCheckAt, at.UtcTicks);

    public void AddSocket() => Interlocked.Increment(ref _openSockets.Value);

    public void RemoveSocket() => Interlocked.Decrement(ref _openSockets.Value);
}

/// <summary>A `Cookie` header and the part that is forwarded: <paramref name="ForPaperless"/> is null if no cookie is for Paperless.</summary>
internal sealed record CookieMemo(string Raw, string? ForPaperless)
{
    public int EstimatedBytes => 100 + (2 * (Raw.Length + (ForPaperless?.Length ?? 0)));
}

/// <summary>The user of a request with a session. Each session has one.</summary>
/// <remarks>It has no claims of the groups: nothing asks the principal for them, and they would be a third of the session's memory.</remarks>
internal sealed class SessionPrincipal(Session session) : ClaimsPrincipal(new ClaimsIdentity(
    [
        new Claim("preferred_username", session.Identity.Username),
        new Claim("sub", session.Identity.Subject, ClaimValueTypes.String, session.Identity.Issuer),
    ],
    "Session",
    "preferred_username",
    roleType: null))
{
    public Session Session { get; } = session;
}

internal static class SessionOfRequest
{
    /// <summary>The request's session, or null for an anonymous one.</summary>
    public static Session? Session(this HttpContext context) => (context.User as SessionPrincipal)?.Session;
}
