using System.Text.Json.Nodes;
using OpenIddict.Abstractions;

namespace Gateway.StandIns.Provider.Endpoints;

/// <summary>Microsoft Graph's list of the ids of the groups that the access token's person is in, as far as the gateway asks for it.</summary>
internal static class GraphEndpoint
{
    public const string Path = "/v1.0/me/getMemberObjects";

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost(Path, ListAsync);

    private static async Task<IResult> ListAsync(HttpContext http, DevelopmentProvider provider)
    {
        string[] credential = http.Request.Headers.Authorization.ToString().Split(' ');
        bool isKnown = credential is ["Bearer", var token] && provider.Tokens.Find(token)?.Type == OpenIddictConstants.TokenTypeIdentifiers.AccessToken;
        if (!isKnown)
        {
            return Fail(StatusCodes.Status401Unauthorized, "InvalidAuthenticationToken");
        }

        if (await http.Request.ReadFromJsonAsync<JsonObject>() is not { } question || !question.ContainsKey("securityEnabledOnly"))
        {
            return Fail(StatusCodes.Status400BadRequest, "Request_BadRequest");
        }

        if (provider.Options.GraphGroups is not { } groups)
        {
            return Fail(StatusCodes.Status403Forbidden, "Authorization_RequestDenied");
        }

        JsonObject answer = new() { ["value"] = new JsonArray([.. groups.Select(group => JsonValue.Create(group))]) };
        return Results.Json(provider.TamperGraph?.Invoke(answer) ?? answer);
    }

    private static IResult Fail(int status, string code) =>
        Results.Json(new JsonObject { ["error"] = new JsonObject { ["code"] = code, ["message"] = "Not for you." } }, statusCode: status);
}
