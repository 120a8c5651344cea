using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;

namespace Gateway.Tests.Kit;

/// <summary>Values of `PAPERLESS_SOCIALACCOUNT_PROVIDERS` for tests.</summary>
internal static class ProvidersSetting
{
    public const string Variable = "PAPERLESS_SOCIALACCOUNT_PROVIDERS";

    /// <summary>A world with one provider whose `settings` a test changes.</summary>
    public static async Task<World> StartAsync(Action<JsonObject> settings, Action<WorldOptions>? configure = null)
    {
        World world = await World.StartAsync(options =>
        {
            options.StartGateway = false;
            configure?.Invoke(options);
        });
        JsonObject app = Of(world.Provider);
        settings(app["settings"]!.AsObject());
        world.Options.Settings[Variable] = Json(app);
        world.StartGateway();
        return world;
    }

    public static string Json(params JsonObject[] apps) =>
        new JsonObject { ["openid_connect"] = new JsonObject { ["APPS"] = new JsonArray(apps) } }.ToJsonString();

    public static JsonObject Of(DevelopmentProvider provider, string id = "authentik") =>
        Of(provider.DiscoveryUrl, id, provider.Options.ClientId, provider.Options.ClientSecret);

    public static JsonObject Of(Uri server, string id, string clientId, string secret) => new()
    {
        ["provider_id"] = id,
        ["name"] = id,
        ["client_id"] = clientId,
        ["secret"] = secret,
        ["settings"] = new JsonObject { ["server_url"] = server.AbsoluteUri },
    };
}
