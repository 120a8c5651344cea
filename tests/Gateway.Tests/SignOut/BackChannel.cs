using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.StandIns.Provider;
using Gateway.Tests.Kit;

namespace Gateway.Tests.SignOut;

/// <summary>The provider's side of a back-channel logout, and what the gateway says of a token that it refuses.</summary>
internal static class BackChannel
{
    public static Uri BackChannelUri(this World world) => new(world.Origin + "/accounts/oidc/authentik/logout/backchannel/");

    public static Task<HttpResponseMessage> SendLogoutAsync(
        this World world,
        ProviderSession session,
        Func<JsonObject, JsonObject>? tamper = null,
        string type = "logout+jwt") =>
        world.Provider.SendBackchannelLogoutAsync(world.BackChannelUri(), session, tamper, type, World.Ct);

    public static Task<HttpResponseMessage> SendLogoutTokenAsync(this World world, string token)
        => ProviderLogout.SendAsync(world.BackChannelUri(), token, World.Ct);

    public static Func<JsonObject, JsonObject> Without(params string[] names) => claims =>
    {
        Array.ForEach(names, name => claims.Remove(name));
        return claims;
    };

    /// <param name="says">A part of what it says is wrong.</param>
    public static async Task IsRefusedAsync(this World world, HttpResponseMessage answer, string says)
    {
        Assert.Equal((HttpStatusCode.BadRequest, "no-store"), (answer.StatusCode, answer.Headers.CacheControl?.ToString()));
        JsonElement json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(World.Ct)).RootElement;
        Assert.Equal("invalid_request", json.GetProperty("error").GetString());
        Assert.Contains(says, json.GetProperty("error_description").GetString()!, StringComparison.Ordinal);
        string trace = json.GetProperty("trace_id").GetString()!;
        Assert.Contains(world.Log.Of("LogoutTokenRefused"), entry => CapturedLog.Value(entry, "TraceId") == trace);
    }
}
