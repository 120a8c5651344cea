using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using StackExchange.Redis;

namespace Gateway.Storage;

/// <summary>Refused sign-ins in Redis: a hash with an entry for each person. Redis removes it a week after the last refusal.</summary>
internal sealed class RedisRefusedSignIns(RedisConnection redis) : IRefusedSignInStore
{
    private const string Kind = "hash of refused sign-ins";

    public async Task SaveAsync(RefusedSignIn refused, CancellationToken cancellationToken)
    {
        (RedisValue Name, RefusedSignIn? Entry)[] others = [.. (await ReadAsync(cancellationToken)).Where(other => other.Entry?.Person != refused.Person)];
        RedisValue[] kept = [.. others
            .Where(other => other.Entry is { } entry && entry.RefusedAt > refused.RefusedAt - IRefusedSignInStore.Ttl)
            .OrderByDescending(other => other.Entry!.RefusedAt)
            .Take(IRefusedSignInStore.MaxEntries - 1)
            .Select(other => other.Name)];
        RedisValue[] removed = [.. others.Select(other => other.Name).Except(kept)];
        string person = $"{refused.Person.Provider}\0{refused.Person.Issuer}\0{refused.Person.Subject}";
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(person)));
        string text = JsonSerializer.Serialize(refused, RefusedSignInJson.Default.RefusedSignIn);
        await redis.ExecuteAsync(
            async database =>
            {
                await RedisLinkRecords.RemoveWrongTypeAsync(database, (RedisNames.RefusedSignIns, "hash"));
                await database.HashSetAsync(RedisNames.RefusedSignIns, name, text);
                await database.HashDeleteAsync(RedisNames.RefusedSignIns, removed);
                return await database.KeyExpireAsync(RedisNames.RefusedSignIns, IRefusedSignInStore.Ttl);
            },
            cancellationToken);
    }

    public async Task<IReadOnlyList<RefusedSignIn>> ListAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
    [
        .. (await ReadAsync(cancellationToken))
            .Select(one => one.Entry)
            .OfType<RefusedSignIn>()
            .Where(entry => entry.RefusedAt > now - IRefusedSignInStore.Ttl)
            .OrderByDescending(entry => entry.RefusedAt),
    ];

    /// <summary>The entry is null where it cannot be read: the next refusal removes it.</summary>
    private async Task<IEnumerable<(RedisValue Name, RefusedSignIn? Entry)>> ReadAsync(CancellationToken cancellationToken) =>
        (await redis.ReadAsync(
            database => database.HashGetAllAsync(RedisNames.RefusedSignIns, CommandFlags.DemandMaster),
            Kind,
            RedisNames.RefusedSignIns,
            [],
            cancellationToken))
            .Select(entry => (entry.Name, Parse(entry.Value)));

    private RefusedSignIn? Parse(RedisValue value)
    {
        try
        {
            return JsonSerializer.Deserialize(value.ToString(), RefusedSignInJson.Default.RefusedSignIn);
        }
        catch (JsonException)
        {
            redis.Unreadable.Report(Kind, RedisNames.RefusedSignIns);
            return null;
        }
    }
}

[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RefusedSignIn))]
internal sealed partial class RefusedSignInJson : JsonSerializerContext;
