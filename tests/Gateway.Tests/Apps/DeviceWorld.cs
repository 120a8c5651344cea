using Gateway.Apps;
using Gateway.Sessions;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Apps;

/// <summary>Device passwords in a world.</summary>
internal static class DeviceWorld
{
    /// <summary>Makes a device password of somebody who has signed in before.</summary>
    public static async Task<MadeDevicePassword> MakeDevicePasswordAsync(
        this World world,
        string person,
        DeviceScope scope = DeviceScope.Full,
        string name = "Hall scanner",
        bool withRefreshToken = false)
    {
        IServiceProvider services = world.Gateway.Services;
        ListedSession session = (await services.GetRequiredService<SessionList>().ListAllAsync(World.Ct))
            .First(listed => listed.Info.DevicePassword is null && listed.Info.Username == person);
        services.GetRequiredService<SessionMemory>().TryGet(session.Key, out Session? own);
        WantedDevicePassword wanted = new(name, scope, ExpiresAt: null, "Test", "192.0.2.1");
        ProviderTokens tokens = new("e30.e30.", withRefreshToken ? "refresh" : null);
        return (await services.GetRequiredService<DevicePasswords>().MakeAsync(
            own!.Identity, tokens, own.Identity.Subject, world.Clock.GetUtcNow(), wanted, World.Ct))!;
    }

    public static Task<Page> GetAsync(this Visitor app, string path, MadeDevicePassword device) =>
        app.FetchAsync(HttpMethod.Get, path, null, ("Authorization", "Token " + device.Secret));
}
