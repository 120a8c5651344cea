using Gateway.Sessions;
using Gateway.Storage;
using Gateway.Tests.Kit;
using Gateway.Tests.Storage;
using Microsoft.AspNetCore.DataProtection;

namespace Gateway.Tests.Sessions;

/// <summary>Two replicas with real threads on a real Redis: a session ended by one is never restored by a write of the other.</summary>
[Needs(RealPart.Redis)]
public sealed class ReplicaRaceTests
{
    [Fact]
    public async Task Loads_renewals_and_uses_racing_an_end_at_another_replica_never_restore_a_session()
    {
        await using RedisUnderTest redis = await RedisUnderTest.StartAsync();
        EphemeralDataProtectionProvider protection = new();
        ISessionStore storeHere = redis.AnotherReplica();
        ISessionStore storeThere = redis.AnotherReplica();
        SessionMemory memoryThere = new(1000);
        SessionParts here = Parts(storeHere, new SessionMemory(1000), protection);
        SessionParts there = Parts(storeThere, memoryThere, protection);
        here.Maintenance.Listen();
        there.Maintenance.Listen();
        Identity alice = SessionsOnDisk.Person("alice");
        for (int round = 0; round < 120; round++)
        {
            (SessionSecret secret, Session session) = (await here.Registry.BeginAsync(
                new NewSession(alice, new ProviderTokens("token"), $"{alice.Subject} {round}", $"sid {round}", DateTimeOffset.UtcNow),
                StoreUnderTest.Ct))!.Value;
            byte[] key = session.Key.ToBytes();
            bool over = false;
            using Barrier start = new(5);
            Task[] racers =
            [
                Race(start, () => Volatile.Read(ref over), () => there.Registry.LoadAsync(secret, StoreUnderTest.Ct)),
                Race(start, () => Volatile.Read(ref over), async () =>
                {
                    // Out of memory: the next look goes to the store.
                    if (await there.Registry.LoadAsync(secret, StoreUnderTest.Ct) is { } found)
                    {
                        memoryThere.Forget(found);
                    }
                }),
                Race(
                    start,
                    () => Volatile.Read(ref over),
                    () => there.Registry.RenewAsync(secret, record => record with { CheckedAt = record.CheckedAt.AddSeconds(1) }, StoreUnderTest.Ct)),
                Race(start, () => Volatile.Read(ref over), () => storeThere.TouchAsync([(key, DateTimeOffset.UtcNow.AddMinutes(1))], StoreUnderTest.Ct)),
            ];
            try
            {
                start.Meet();
                await ((round % 3) switch
                {
                    0 => here.Revocations.EndAsync(session, SessionEnd.SignedOut, StoreUnderTest.Ct),
                    1 => here.Revocations
                        .EndAllAsync(SessionIndex.ForSid(alice.Provider, alice.Issuer, $"sid {round}"), SessionEnd.EndedAtTheProvider, StoreUnderTest.Ct),
                    _ => here.Revocations.EndAllAsync(session.PersonIndex, SessionEnd.SignedOutEverywhere, StoreUnderTest.Ct),
                });
                await Wait.UntilAsync(() => memoryThere.IsEnded(session.Key), $"The other replica hears of the end in round {round}.");
                Assert.False(there.Registry.TryFind(session.Key, out _), $"Round {round}: it is still there.");
                Assert.Null(await there.Registry.LoadAsync(secret, StoreUnderTest.Ct));
            }
            finally
            {
                // Before the store goes: none of them may be left, however the round ended.
                Volatile.Write(ref over, true);
                await Task.WhenAll(racers);
            }

            Assert.False(there.Registry.TryFind(session.Key, out _), $"Round {round}: it is back.");
            Assert.Null(await storeHere.FindAsync(key, StoreUnderTest.Ct));
        }

        Assert.Empty(await storeHere.KeysAsync());
        Assert.Empty(memoryThere.All);
    }

    private static SessionParts Parts(ISessionStore store, SessionMemory memory, EphemeralDataProtectionProvider protection) =>
        SessionParts.Create(memory, store, protection, StoreUnderTest.Settings(redis: null), TimeProvider.System);

    private static Task Race(Barrier start, Func<bool> over, Func<Task> step) => Racer.Start(() =>
    {
        start.Meet();
        for (int after = 0; after < 2; after += over() ? 1 : 0)
        {
            step().GetAwaiter().GetResult();
        }
    });
}
