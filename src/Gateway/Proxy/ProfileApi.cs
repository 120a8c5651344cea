using System.Text.Json.Nodes;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Proxy;

/// <summary>What the gateway adds to Paperless's profile. The links are the business of a folder that knows this one: they come as functions.</summary>
/// <param name="Profile">Adds the user's links to an answer of `/api/profile/`; false where it does not look like one.</param>
/// <param name="Providers">The same for the providers.</param>
/// <param name="Disconnect">
/// Answers the request to take a link away; false where that is for Paperless to answer: the request is then whole again. The transformer
/// is what makes a request to Paperless that user's.
/// </param>
internal sealed record ProfileAdditions(
    Func<JsonNode, SignedInUser, Task<bool>> Profile,
    Func<JsonNode, SignedInUser, Task<bool>> Providers,
    Func<HttpContext, SignedInUser, HttpTransformer, Task<bool>> Disconnect);

/// <summary>Paperless's addresses at which the gateway has something to say: to exactly these, with the slash, Paperless answers too.</summary>
internal static class ProfileApi
{
    public const string ProfilePath = "/api/profile/";
    public const string ProvidersPath = ProfilePath + "social_account_providers/";
    public const string DisconnectPath = ProfilePath + "disconnect_social_account/";

    /// <summary>Whose profile a request is about; null where it is another request, or its own credential says who asks.</summary>
    public static SignedInUser? User(HttpContext context, Access access) =>
        access != Access.WithCredential && context.Request.Path.Value!.StartsWith(ProfilePath, StringComparison.Ordinal) ? context.SignedInUser() : null;

    public static bool IsDisconnect(HttpRequest request) => HttpMethods.IsPost(request.Method) && request.Path.Value == DisconnectPath;

    /// <summary>What completes the answer to a request; null where nothing does.</summary>
    public static Func<JsonNode, SignedInUser, Task<bool>>? Completion(HttpRequest request, ProfileAdditions additions) => request.Path.Value switch
    {
        ProfilePath when HttpMethods.IsGet(request.Method) || HttpMethods.IsPatch(request.Method) => additions.Profile,
        ProvidersPath when HttpMethods.IsGet(request.Method) => additions.Providers,
        _ => null,
    };
}
