using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

/// <summary>What tests wait for at a real store, with an end to their patience.</summary>
internal static class StoreWaits
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task UntilAsync(this World world, Func<Task<bool>> holds, string what)
    {
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) < Patience, $"{what} It does not.\n{world.Log.Text}");
            await Task.Delay(25, World.Ct);
        }
    }

    /// <summary>Waits until the gateway's store answers again.</summary>
    /// <param name="advance">Lets so much time pass that the gateway asks it again for those whom it knows.</param>
    public static async Task StoreIsBackAsync(this World world, bool advance = true)
    {
        ISessionStore store = world.Gateway.Services.GetRequiredService<ISessionStore>();
        await world.UntilAsync(
            async () =>
            {
                try
                {
                    await store.CheckAsync(World.Ct);
                    await store.FindAsync(new byte[32], World.Ct);
                    return true;
                }
                catch (StoreUnavailableException)
                {
                    return false;
                }
            },
            "The store is back.");
        if (advance)
        {
            world.Clock.Advance(TimeSpan.FromSeconds(2));
        }
    }

    public static async Task<IReadOnlyList<byte[]>> KeysAsync(this ISessionStore store)
    {
        List<byte[]> keys = [];
        await foreach (StoredSession session in store.ListAllAsync(World.Ct))
        {
            keys.Add(session.Key);
        }

        return keys;
    }
}
