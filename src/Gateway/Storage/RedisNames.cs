namespace Gateway.Storage;

/// <summary>Every key and channel of the gateway in Redis. Scripts get the names that they need as arguments.</summary>
internal static class RedisNames
{
    /// <summary>
    /// Every name begins with it. The part in braces is a hash tag: it puts all keys into one slot of a cluster, because a script may only
    /// touch keys of one slot, and ending the sessions of a person touches keys that the script finds in an index.
    /// </summary>
    public const string Prefix = "{pgw}:";

    /// <summary>Hash of one session, by the SHA-256 of its cookie. The 2 leaves out sessions of an older format, whose index lacked the provider.</summary>
    public const string Session = Prefix + "s2:";

    /// <summary>Set of sessions, by the hash of a `sid` or of a person.</summary>
    public const string SessionIndex = Prefix + "i:";

    /// <summary>When a `sid` or a person was signed out, by the same hash.</summary>
    public const string Tombstone = Prefix + "e:";

    /// <summary>A token that counts once, by its hash.</summary>
    public const string UsedToken = Prefix + "t:";

    /// <summary>Which gateway rechecks a session, by the key of the session.</summary>
    public const string Lease = Prefix + "c:";

    /// <summary>Channel of ended sessions; the number of the database follows, because channels are common to all databases.</summary>
    public const string EndedChannel = Prefix + "ended:";

    /// <summary>A random key of the gateway, by its purpose.</summary>
    public const string Secret = Prefix + "secret:";

    /// <summary>List of the data-protection keys.</summary>
    public const string DataProtectionKeys = Prefix + "keys";

    /// <summary>Hash of one account link, by the hash of the person.</summary>
    public const string Link = Prefix + "link:";

    /// <summary>Set of links with one issuer and subject at any provider, by their hash.</summary>
    public const string LinksOfSubject = Prefix + "links-at:";

    /// <summary>Sorted set of the links of one Paperless user, by the user's id.</summary>
    public const string LinksOfUser = Prefix + "links-of:";

    /// <summary>Sorted set of all links.</summary>
    public const string AllLinks = Prefix + "links";

    /// <summary>Counter of links.</summary>
    public const string LastLinkId = Prefix + "last-link";

    /// <summary>Hash of the account that is being made for a person, by the hash of the person.</summary>
    public const string Reservation = Prefix + "reservation:";

    /// <summary>Hash of the people for whom an account of one user name is being made, by the hash of the name.</summary>
    public const string ReservedUsername = Prefix + "reserved-name:";

    /// <summary>Set of the Paperless users that were ever linked: they are never matched by name again.</summary>
    public const string ClaimedUsers = Prefix + "claimed-users";

    /// <summary>Hash from each user name that the user header has carried to the user that it meant.</summary>
    public const string NamedUsers = Prefix + "named-users";
}
