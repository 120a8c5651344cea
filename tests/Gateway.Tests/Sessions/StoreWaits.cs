using Gateway.Storage;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Sessions;

/// <summary>Waits for a state of a real store, with a timeout.</summary>
internal static class StoreWaits
{
    public static Task UntilAsync(this World world, Func<Task<bool>> holds, string what) => Wait.UntilAsync(holds, what, () => world.Log.Text);

    public static Task UntilAsync(this World world, Func<bool> holds, string what) => Wait.UntilAsync(holds, what, () => world.Log.Text);

    /// <summary>Lets the clock of the gateways go on until a task is done: a replica that waits for another looks into the store by this clock.</summary>
    public static Task AdvanceUntilAsync(this World world, Task done, string what) => world.UntilAsync(
        () =>
        {
            if (done.IsCompleted)
            {
                return true;
            }

            world.Clock.Advance(TimeSpan.FromMilliseconds(125));
            return false;
        },
        what);

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
