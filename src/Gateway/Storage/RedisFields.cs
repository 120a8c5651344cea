using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>The fields of a hash in Redis, read without believing that they are what a gateway wrote: what is missing or something else is null.</summary>
internal sealed class RedisFields
{
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

    public DateTimeOffset? Seconds(string name) => Integer(name) is { } seconds ? StoredTime.OfSeconds(seconds) : null;

    public DateTimeOffset? Milliseconds(string name) => Integer(name) is { } milliseconds ? StoredTime.OfMilliseconds(milliseconds) : null;

    /// <summary>A SHA-256 as the gateway writes it.</summary>
    public static byte[]? Hash(string? name) =>
        name is { Length: 64 } && name.All(char.IsAsciiHexDigitLower) ? Convert.FromHexString(name) : null;
}
