using System.Globalization;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>The data-protection keys in Redis, so that each gateway can decrypt what another one encrypted.</summary>
internal sealed class RedisKeyRing(RedisConnection redis) : IXmlRepository
{
    private static readonly RedisKey List = RedisNames.DataProtectionKeys;

    private int _knownLength;

    public IReadOnlyCollection<XElement> GetAllElements()
    {
        RedisValue[] values = redis.Read(
            database => database.ListRange(List, flags: CommandFlags.DemandMaster),
            "list of data-protection keys",
            List,
            absent: []);
        Volatile.Write(ref _knownLength, values.Length);
        return [.. values.Select(Read).OfType<XElement>()];
    }

    /// <remarks>
    /// Gateways that start together on an empty Redis would each create a key and use it for a day, until they read the keys of the others. Therefore
    /// Redis accepts only the first key. Data protection reads the list again after storing a key, and all gateways find the first one.
    /// </remarks>
    public void StoreElement(XElement element, string friendlyName)
    {
        string text = element.ToString(SaveOptions.DisableFormatting);
        if (element.Name.LocalName == "key")
        {
            RedisValue[] values = [Volatile.Read(ref _knownLength), text];
            redis.Execute(database => database.ScriptEvaluate(RedisScripts.AppendIfUnchanged, [List], values, CommandFlags.DemandMaster));
            return;
        }

        redis.Execute(database => database.ListRightPush(List, text, flags: CommandFlags.DemandMaster));
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
