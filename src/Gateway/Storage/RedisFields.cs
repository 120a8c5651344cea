using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Reads the fields of a Redis hash without trusting them: a missing or invalid field is null.</summary>
internal sealed class RedisFields
{
    /// <summary>The field that is 0 for a device password; sessions of an older version have none.</summary>
    public const string HasIdleTimeout = "has_idle_timeout";

    private readonly Dictionary<RedisValue, RedisValue> _values = [];

    public RedisFields(HashEntry[] entries)
    {
        foreach (HashEntry entry in entries)
        {
            _values[entry.Name] = entry.Value;
        }
    }

    public string? Text(string name) => (string?)_values.GetValueOrDefault(name);

    public byte[]? Bytes(string name) => (byte[]?)_values.GetValueOrDefault(name);

    public long? Integer(string name) => _values.TryGetValue(name, out RedisValue value) && value.TryParse(out long number) ? number : null;

    public DateTimeOffset? Seconds(string name) => Integer(name) is { } seconds ? StoredTime.FromSeconds(seconds) : null;

    public DateTimeOffset? Milliseconds(string name) => Integer(name) is { } milliseconds ? StoredTime.FromMilliseconds(milliseconds) : null;

    /// <summary>The fields as a session; null if a field is missing or invalid.</summary>
    public StoredSession? Session(byte[] key)
    {
        string? sid = Text("sid");
        byte[]? sidIndex = Hash(sid);
        if ((sidIndex is not null || sid is "")
            && Hash(Text("person")) is { } person
            && Milliseconds("used") is { } usedAt
            && Milliseconds("expires") is { } expiresAt
            && Bytes("record") is { } record
            && Bytes("info") is { } info
            && Integer("version") is { } version and >= 1 and < long.MaxValue)
        {
            return new StoredSession(key, sidIndex, person, usedAt, expiresAt, record, info, version) { HasIdleTimeout = Integer(HasIdleTimeout) != 0 };
        }

        return null;
    }

    /// <summary>The fields as an account link; null if a field is missing or invalid.</summary>
    public AccountLink? Link()
    {
        if (Integer("id") is { } id
            && Text("issuer") is { } issuer
            && Text("subject") is { } subject
            && Text("provider") is { } provider
            && Text("label") is { } label
            && Integer("user_id") is { } user and > 0 and <= int.MaxValue
            && Text("joined") is { } joined
            && Seconds("linked_at") is { } linkedAt
            && Milliseconds("heard_at") is { } assertedAt)
        {
            return new AccountLink(id, issuer, subject, provider, label, (int)user, joined, linkedAt, assertedAt);
        }

        return null;
    }

    /// <summary>Parses a SHA-256 in lower-case hexadecimal digits; null if the text is none.</summary>
    public static byte[]? Hash(string? name) =>
        name is { Length: 64 } && name.All(char.IsAsciiHexDigitLower) ? Convert.FromHexString(name) : null;
}
