using System.Text.Json.Nodes;
using Gateway.Access;
using Gateway.Paperless;
using Gateway.PasswordSessions;

namespace Gateway.Profile;

/// <summary>The requests of Paperless's profile API that the gateway completes or answers. Paperless knows only these paths with a trailing slash.</summary>
internal static class ProfileRequests
{
    public const string ProvidersPath = PaperlessPaths.Profile + "social_account_providers/";
    public const string DisconnectPath = PaperlessPaths.Profile + "disconnect_social_account/";

    /// <summary>The user of a profile request; null for other requests and for requests with a credential.</summary>
    public static SignedInUser? FindUser(HttpContext context, AccessDecision access) =>
        access is not (AccessDecision.WithCredential or AccessDecision.WithDevicePassword or AccessDecision.WithBearerToken)
            && context.Request.Path.Value!.StartsWith(PaperlessPaths.Profile, StringComparison.Ordinal)
            ? context.SignedInUser()
            : null;

    public static bool IsDisconnect(HttpRequest request) => HttpMethods.IsPost(request.Method) && request.Path.Value == DisconnectPath;

    /// <summary>The function that completes the response; null for other requests.</summary>
    public static Func<JsonNode, SignedInUser, Task<bool>>? FindCompletion(HttpRequest request, ProfileLinks links) => request.Path.Value switch
    {
        PaperlessPaths.Profile when HttpMethods.IsGet(request.Method) || HttpMethods.IsPatch(request.Method) => links.CompleteProfileAsync,
        ProvidersPath when HttpMethods.IsGet(request.Method) => links.CompleteProvidersAsync,
        _ => null,
    };
}
