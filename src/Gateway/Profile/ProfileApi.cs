using System.Text.Json.Nodes;
using Gateway.Access;
using Gateway.Paperless;
using Gateway.PasswordSessions;

namespace Gateway.Profile;

/// <summary>Paperless's addresses at which the gateway has something to say: to exactly these, with the slash, Paperless answers too.</summary>
internal static class ProfileApi
{
    public const string ProvidersPath = PaperlessPaths.Profile + "social_account_providers/";
    public const string DisconnectPath = PaperlessPaths.Profile + "disconnect_social_account/";

    /// <summary>Whose profile a request is about; null where it is another request, or its own credential says who asks.</summary>
    public static SignedInUser? User(HttpContext context, AccessDecision access) =>
        access != AccessDecision.WithCredential && context.Request.Path.Value!.StartsWith(PaperlessPaths.Profile, StringComparison.Ordinal)
            ? context.SignedInUser()
            : null;

    public static bool IsDisconnect(HttpRequest request) => HttpMethods.IsPost(request.Method) && request.Path.Value == DisconnectPath;

    /// <summary>What completes the answer to a request; null where nothing does.</summary>
    public static Func<JsonNode, SignedInUser, Task<bool>>? Completion(HttpRequest request, ProfileLinks links) => request.Path.Value switch
    {
        PaperlessPaths.Profile when HttpMethods.IsGet(request.Method) || HttpMethods.IsPatch(request.Method) => links.CompleteProfileAsync,
        ProvidersPath when HttpMethods.IsGet(request.Method) => links.CompleteProvidersAsync,
        _ => null,
    };
}
