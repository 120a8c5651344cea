using System.Text.Json.Nodes;
using Gateway.Sessions;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Recheck;

/// <summary>A world for tests of the recheck.</summary>
internal static class RecheckWorld
{
    public const string TokenPath = "/application/o/token/";
    public const string UserInfoPath = "/application/o/userinfo/";

    /// <param name="refresh">Whether the provider gives refresh tokens.</param>
    public static Task<World> StartAsync(
        bool refresh = true,
        Func<DevelopmentProviderOptions, DevelopmentProviderOptions>? provider = null,
        params (string Name, string Value)[] settings) => World.StartAsync(options =>
    {
        options.Provider = given => (provider ?? (same => same))(given with { OfflineAccess = refresh });
        foreach ((string name, string value) in settings)
        {
            options.Settings[name] = value;
        }
    });

    /// <summary>The refreshes that the provider was asked for.</summary>
    public static IReadOnlyList<ProviderRequest> Refreshes(this World world) =>
        [.. world.Provider.Received
            .Where(request => request.Path == TokenPath && request.Form.TryGetValue("grant_type", out string? grant) && grant == "refresh_token")];

    public static Task<IReadOnlyList<ListedSession>> ListedSessionsAsync(this World world) =>
        world.Gateway.Services.GetRequiredService<SessionList>().ListAllAsync(World.Ct);

    /// <summary>As the session's own page names them.</summary>
    public static async Task<string[]> GroupsAsync(this Visitor visitor) =>
        [.. JsonNode.Parse((await visitor.FetchAsync("/gateway/session")).Text)!["groups"]!.AsArray().Select(group => (string)group!)];
}
