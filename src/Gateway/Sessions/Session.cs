using System.Runtime.CompilerServices;
using System.Security.Claims;
using Gateway.Storage;
using Microsoft.Extensions.Primitives;

namespace Gateway.Sessions;

/// <summary>A live session in memory, with everything that each request needs already made.</summary>
internal sealed class Session
{
    private const int BindingKeyBytes = 32;

    /// <summary>Without its texts: the objects, their hashes, the entry in memory.</summary>
    private const int EstimatedBytes = 1500;

    private long _usedAt;
    private long _notedAt;
    private StrongBox<int> _openSockets = new();
    private long _confirmedAt;
    private long _recheckAt = DateTimeOffset.MaxValue.UtcTicks;
    private long _accountCheckedAt;
    private long _accountCheckAt = DateTimeOffset.MaxValue.UtcTicks;

    private readonly byte[]? _sidIndex;
    private readonly int _ownBytes;

    public Session(SessionSecret secret, SessionRecord record, StoredSession stored)
    {
        Key = secret.Key();
        Identity = record.Identity;
        SignedInAt = record.SignedInAt;
        CheckedAt = record.CheckedAt;
        ExpiresAt = stored.ExpiresAt;
        Version = stored.Version;
        _sidIndex = stored.SidIndex;
        PersonIndex = stored.PersonIndex;
        UserHeader = record.Identity.Username;
        BindingKey = new byte[BindingKeyBytes];
        secret.DeriveKey("paperless-gateway cookie binding 1"u8, BindingKey);
        Principal = new SessionPrincipal(this);
        _usedAt = _notedAt = stored.UsedAt.UtcTicks;
        _ownBytes = EstimatedBytes + record.Identity.EstimatedBytes;
    }

    public SessionKey Key { get; }

    public Identity Identity { get; }

    public DateTimeOffset SignedInAt { get; }

    /// <summary>By which all sessions of the person are found.</summary>
    public byte[] PersonIndex { get; }

    /// <summary>When the provider last said that all is well.</summary>
    public DateTimeOffset CheckedAt { get; }

    /// <summary>The version of the stored record that this was made from.</summary>
    public long Version { get; }

    /// <summary>The end that use does not move.</summary>
    public DateTimeOffset ExpiresAt { get; }

    public SessionPrincipal Principal { get; }

    /// <summary>The one value of the user header.</summary>
    public StringValues UserHeader { get; }

    /// <summary>Binds Paperless's session cookie to this session.</summary>
    public byte[] BindingKey { get; }

    /// <summary>The browser's last `Cookie` header, and what of it goes to Paperless; browsers send the same one again and again.</summary>
    public CookieMemo? LastCookies { get; set; }

    /// <summary>About how much memory it holds.</summary>
    public int Bytes => _ownBytes + (LastCookies?.EstimatedBytes ?? 0);

    public DateTimeOffset UsedAt => new(Volatile.Read(ref _usedAt), TimeSpan.Zero);

    public int OpenSockets => Volatile.Read(ref _openSockets.Value);

    /// <summary>Whether the request that has just used it should see to it that the provider is asked again.</summary>
    public bool IsRecheckDue => Volatile.Read(ref _usedAt) >= Volatile.Read(ref _recheckAt);

    /// <summary>The provider says nothing more by itself: only the browser can ask it, with `prompt=none`.</summary>
    public bool NeedsRoundTrip { get; set; }

    /// <summary>Whether the request that has just used it should see to it that Paperless is asked, although the provider cannot be.</summary>
    public bool IsAccountCheckDue => NeedsRoundTrip && Volatile.Read(ref _usedAt) >= Volatile.Read(ref _accountCheckAt);

    /// <summary>When Paperless last confirmed the user, by what this process knows.</summary>
    public DateTimeOffset AccountCheckedAt => new(Volatile.Read(ref _accountCheckedAt), TimeSpan.Zero);

    public bool IsLive(DateTimeOffset now, TimeSpan idle) =>
        now < ExpiresAt && now.UtcTicks - Volatile.Read(ref _usedAt) < idle.Ticks;

    /// <summary>Whether it is one of a `sid`, or of a person; see <see cref="SessionIndex"/>.</summary>
    public bool IsOf(ReadOnlySpan<byte> index) => index.SequenceEqual(PersonIndex) || (_sidIndex is not null && index.SequenceEqual(_sidIndex));

    public void Use(DateTimeOffset now)
    {
        // Other requests may write a moment earlier or later: it does not matter which one stays.
        if (now.UtcTicks > Volatile.Read(ref _usedAt))
        {
            Volatile.Write(ref _usedAt, now.UtcTicks);
        }
    }

    /// <summary>Whether the store's note of the last use lags by more than <paramref name="most"/>.</summary>
    public bool HasUnnotedUse(TimeSpan most, out DateTimeOffset usedAt)
    {
        usedAt = UsedAt;
        return usedAt.UtcTicks - Volatile.Read(ref _notedAt) > most.Ticks;
    }

    /// <summary>The store has the note of this use.</summary>
    public void UseWasNoted(DateTimeOffset usedAt) => Volatile.Write(ref _notedAt, usedAt.UtcTicks);

    /// <summary>Notes that the store said, at this time or later, that the session is there.</summary>
    public void Confirm(DateTimeOffset at) => Volatile.Write(ref _confirmedAt, Math.Max(at.UtcTicks, Volatile.Read(ref _confirmedAt)));

    /// <summary>Whether the store's word that the session is there is no older than this.</summary>
    public bool IsConfirmed(DateTimeOffset now, TimeSpan within) => now.UtcTicks - Volatile.Read(ref _confirmedAt) <= within.Ticks;

    /// <summary>Goes on where the same session, read from the store before, was.</summary>
    public void GoOnFrom(Session before)
    {
        _openSockets = before._openSockets;
        LastCookies = before.LastCookies;
        Confirm(new DateTimeOffset(Volatile.Read(ref before._confirmedAt), TimeSpan.Zero));
        Use(before.UsedAt);
        _accountCheckedAt = Math.Max(_accountCheckedAt, Volatile.Read(ref before._accountCheckedAt));
        _accountCheckAt = Math.Max(_accountCheckAt, Volatile.Read(ref before._accountCheckAt));
    }

    /// <summary>From this time on <see cref="IsRecheckDue"/>.</summary>
    public void RecheckAfter(DateTimeOffset at) => Volatile.Write(ref _recheckAt, at.UtcTicks);

    /// <summary>Paperless has confirmed the user; the next question is due after <paramref name="interval"/>.</summary>
    public void AccountChecked(DateTimeOffset at, TimeSpan interval)
    {
        Volatile.Write(ref _accountCheckedAt, at.UtcTicks);
        CheckAccountAfter(at + interval);
    }

    /// <summary>From this time on <see cref="IsAccountCheckDue"/>.</summary>
    public void CheckAccountAfter(DateTimeOffset at) => Volatile.Write(ref _accountCheckAt, at.UtcTicks);

    public void SocketOpened() => Interlocked.Increment(ref _openSockets.Value);

    public void SocketClosed() => Interlocked.Decrement(ref _openSockets.Value);
}

/// <summary>What one `Cookie` header comes to: <paramref name="ForPaperless"/> is null where nothing of it is for Paperless.</summary>
internal sealed record CookieMemo(string Raw, string? ForPaperless)
{
    public int EstimatedBytes => 100 + (2 * (Raw.Length + (ForPaperless?.Length ?? 0)));
}

/// <summary>The user of a request with a session; made once for each session.</summary>
internal sealed class SessionPrincipal(Session session) : ClaimsPrincipal(new ClaimsIdentity(
    [
        new Claim("preferred_username", session.Identity.Username),
        new Claim("sub", session.Identity.Subject, ClaimValueTypes.String, session.Identity.Issuer),
        .. (session.Identity.Groups ?? []).Select(group => new Claim("groups", group)),
    ],
    "Session",
    "preferred_username",
    "groups"))
{
    public Session Session { get; } = session;
}

internal static class SessionOfRequest
{
    /// <summary>The request's session, or null for an anonymous one.</summary>
    public static Session? Session(this HttpContext context) => (context.User as SessionPrincipal)?.Session;
}
