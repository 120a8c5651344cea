namespace Gateway.Storage;

/// <summary>The names of all keys and channels of the gateway in Redis. Scripts get names as arguments.</summary>
internal static class RedisNames
{
    /// <summary>
    /// The prefix of every name. The part in braces is a hash tag, which puts all keys into one slot of a cluster. A script may only use keys of one
    /// slot, and the script that ends the sessions of a person uses keys that it finds in an index.
    /// </summary>
    public const string Prefix = "{pgw}:";

    /// <summary>Hash of one session, by its key. The "2" excludes sessions of an older version, whose index lacks the provider.</summary>
    public const string Session = Prefix + "s2:";

    /// <summary>Set of the keys of sessions, by the hash of a `sid` or person.</summary>
    public const string SessionIndex = Prefix + "i:";

    /// <summary>Tombstone: when a `sid` or person was signed out, by the same hash.</summary>
    public const string Tombstone = Prefix + "e:";

    /// <summary>Replay cache: a used token, by its hash.</summary>
    public const string UsedToken = Prefix + "t:";

    /// <summary>Counter of failed credentials: of an address, of a user name, or of both, by the hash of them.</summary>
    public const string FailedCredentials = Prefix + "f:";

    /// <summary>Lease: the gateway that rechecks a session, by the key of the session.</summary>
    public const string Lease = Prefix + "c:";

    /// <summary>Channel of ended sessions. The number of the database follows, because all databases share the channels.</summary>
    public const string EndedChannel = Prefix + "ended:";

    /// <summary>Written to find out whether Redis takes a write.</summary>
    public const string Check = Prefix + "check";

    /// <summary>A secret of the gateway, by its name.</summary>
    public const string Secret = Prefix + "secret:";

    /// <summary>List of the data-protection keys.</summary>
    public const string DataProtectionKeys = Prefix + "keys";

    /// <summary>Hash of one account link, by the hash of the person.</summary>
    public const string Link = Prefix + "link:";

    /// <summary>Set of the links of one issuer and subject at any provider, by the hash of both.</summary>
    public const string LinksOfSubject = Prefix + "links-at:";

    /// <summary>Sorted set of the links of one Paperless user, by the user's id.</summary>
    public const string LinksOfUser = Prefix + "links-of:";

    /// <summary>Sorted set of all links.</summary>
    public const string AllLinks = Prefix + "links";

    /// <summary>Counter: the number of the last link.</summary>
    public const string LastLinkId = Prefix + "last-link";

    /// <summary>Hash of the reservation of an account that is being created, by the hash of the person.</summary>
    public const string Reservation = Prefix + "reservation:";

    /// <summary>Hash of the people who have a reservation for a user name, by the hash of the user name.</summary>
    public const string ReservedUsername = Prefix + "reserved-name:";

    /// <summary>Hash of the pending links, by the hash of the provider and the user name there.</summary>
    public const string PendingLinks = Prefix + "pending-links";

    /// <summary>Hash of the last refusal of each person, by the hash of the person.</summary>
    public const string RefusedSignIns = Prefix + "refused";

    /// <summary>Set of the Paperless users that were ever linked. They are never matched by user name again.</summary>
    public const string ClaimedUsers = Prefix + "claimed-users";

    /// <summary>Hash: each user name that the user header has carried, and the id of the user that it meant.</summary>
    public const string NamedUsers = Prefix + "named-users";
}
