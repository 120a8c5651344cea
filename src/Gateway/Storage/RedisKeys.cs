using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.StackExchangeRedis;

namespace Gateway.Storage;

/// <summary>The data-protection keys in Redis, so that what one replica protected another can read.</summary>
internal sealed class RedisKeys(RedisConnection redis) : IXmlRepository
{
    private readonly RedisXmlRepository _keys = new(() => redis.Database, RedisConnection.Prefix + "keys");

    public IReadOnlyCollection<XElement> GetAllElements() => redis.Ask(_ => _keys.GetAllElements());

    public void StoreElement(XElement element, string friendlyName) => redis.Ask(_ =>
    {
        _keys.StoreElement(element, friendlyName);
        return true;
    });
}
