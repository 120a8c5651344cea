using System.Globalization;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>The data-protection keys in Redis, so that what one replica protected another can read.</summary>
internal sealed class RedisKeyRing(RedisConnection redis) : IXmlRepository
{
    private static readonly RedisKey List = RedisNames.DataProtectionKeys;

    private int _seen;

    public IReadOnlyCollection<XElement> GetAllElements()
    {
        RedisValue[] values = redis.Read(
            database => database.ListRange(List, flags: CommandFlags.DemandMaster),
            "list of data-protection keys",
            List,
            absent: []);
        Volatile.Write(ref _seen, values.Length);
        return [.. values.Select(Read).OfType<XElement>()];
    }

    /// <remarks>
    /// Replicas that start together on an empty Redis would each make a key, and each use its own for a day, until it reads the others'.
    /// So only the first is taken: whoever makes one reads the list again right after it, and finds that one.
    /// </remarks>
    public void StoreElement(XElement element, string friendlyName)
    {
        string text = element.ToString(SaveOptions.DisableFormatting);
        _ = element.Name.LocalName == "key"
            ? redis.Ask(
                database => (long)database.ScriptEvaluate(RedisScripts.AppendUnlessGrown, [List], [Volatile.Read(ref _seen), text], CommandFlags.DemandMaster))
            : redis.Ask(database => database.ListRightPush(List, text, flags: CommandFlags.DemandMaster));
    }

    private XElement? Read(RedisValue value, int place)
    {
        using StringReader text = new(value.ToString());
        XElement? element = KeyElement.TryRead(text);
        if (element is null)
        {
            redis.Unreadable.Report("data-protection key", place.ToString(CultureInfo.InvariantCulture));
        }

        return element;
    }
}
