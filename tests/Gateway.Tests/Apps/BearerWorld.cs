using System.Text.Json.Nodes;
using Gateway.Tests.Attacks;
using Gateway.Tests.Kit;

namespace Gateway.Tests.Apps;

/// <summary>Access tokens of the development provider.</summary>
internal static class BearerWorld
{
    public const string Audience = "paperless-api";

    public static Task<World> StartAsync(Action<WorldOptions>? configure = null) => World.StartAsync(options =>
    {
        options.Settings["GATEWAY_BEARER_AUDIENCES"] = $"other-api,{Audience}";
        configure?.Invoke(options);
    });

    /// <summary>A valid access token (RFC 9068) of somebody who has signed in just now, which also links the account.</summary>
    public static async Task<GoodToken> AccessTokenAsync(this World world, string person)
    {
        string? text = null;
        world.Provider.RewriteIdToken = token => text = token;
        (await world.SignedInAsync(person)).Dispose();
        world.Provider.RewriteIdToken = null;
        GoodToken idToken = new(world, text!);
        JsonObject claims = idToken.Claims;
        claims.Remove("nonce");
        claims.Remove("at_hash");
        claims["aud"] = Audience;
        claims["client_id"] = "cli";
        claims["scope"] = "documents";
        claims["exp"] = idToken.Now + 300;
        return new GoodToken(world, idToken.Sign(idToken.HeaderWith(("typ", "\"at+jwt\"")), claims.ToJsonString()));
    }

    /// <summary>The token of somebody who has not signed in at the gateway.</summary>
    public static string Of(this GoodToken good, string person) => good.With(
        ("sub", $"\"{good.World.Provider.Find(person)!.Subject}\""), ("preferred_username", $"\"{person}\""), ("email", $"\"{person}@example.com\""));

    /// <summary>A token that a program got with its own secret (client credentials): nobody signed in.</summary>
    public static string OfProgram(this GoodToken good, string subject) =>
        good.With(("sub", $"\"{subject}\""), ("sid", null), ("amr", null), ("auth_time", null), ("groups", null), ("email", null));

    public static Task<Page> GetAsync(this Visitor app, string path, string token) => app.CallAsync(HttpMethod.Get, path, null, token);

    public static Task<Page> CallAsync(this Visitor app, HttpMethod method, string path, HttpContent? content, string token) =>
        app.SendAsync(method, path, content, ("Accept", "application/json; version=9"), ("Authorization", "Bearer " + token));
}
