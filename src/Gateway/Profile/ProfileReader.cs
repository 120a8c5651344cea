using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Gateway.Paperless;
using Gateway.Settings;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Gateway.Profile;

/// <summary>Reads the profile of the signed-in user from Paperless, with the identity and the cookies of the request.</summary>
internal sealed class ProfileReader(GatewaySettings settings, UpstreamClient paperless)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(8);

    /// <param name="asUser">Adds the user's identity to a request to Paperless.</param>
    /// <returns>Null where Paperless does not return the profile.</returns>
    public async Task<JsonObject?> ReadAsync(HttpContext context, HttpTransformer asUser)
    {
        UpstreamRequest profileRequest = new(HttpMethod.Get, PaperlessPaths.Profile, AnswerTimeout)
        {
            MaxResponseBytes = ProfileTransformer.MaxBytes,
            CreateMessage = (destination, cancel) => CreateMessageAsync(context, asUser, destination, cancel),
        };
        try
        {
            UpstreamResponse response = await paperless.AskAsync(profileRequest, context.RequestAborted);
            return response.Status == HttpStatusCode.OK ? JsonNode.Parse(response.Body) as JsonObject : null;
        }
        catch (Exception error) when (error is UpstreamUnavailableException or OperationCanceledException or JsonException)
        {
            return null;
        }
    }

    private async ValueTask<HttpRequestMessage> CreateMessageAsync(
        HttpContext context,
        HttpTransformer asUser,
        DestinationState destination,
        CancellationToken cancel)
    {
        HttpRequestMessage request = new();
        await asUser.TransformRequestAsync(context, request, destination.Model.Config.Address, cancel);
        request.RequestUri = new Uri(new Uri(destination.Model.Config.Address), settings.ScriptName + PaperlessPaths.Profile);
        ProfileTransformer.RemoveConditions(request);
        request.Headers.Remove("Accept");
        request.Headers.TryAddWithoutValidation("Accept", "application/json; version=9");
        return request;
    }
}

[JsonSerializable(typeof(JsonNode))]
internal sealed partial class ProfileJson : JsonSerializerContext;
