using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Gateway.Paperless;
using Gateway.Settings;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Gateway.Profile;

/// <summary>Reads the profile of somebody who is signed in as Paperless shows it to that person, with the request's own identity and cookies.</summary>
internal sealed class ProfileReader(GatewaySettings settings, UpstreamClient paperless)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(8);

    /// <param name="asUser">What makes a request to Paperless that user's.</param>
    /// <returns>Null where Paperless does not show it.</returns>
    public async Task<JsonObject?> ReadAsync(HttpContext context, HttpTransformer asUser)
    {
        UpstreamQuestion question = new(HttpMethod.Get, PaperlessPaths.Profile, AnswerTimeout)
        {
            LargestAnswer = ProfileTransformer.Largest,
            Make = (destination, cancel) => RequestAsync(context, asUser, destination, cancel),
        };
        try
        {
            UpstreamAnswer answer = await paperless.AskAsync(question, context.RequestAborted);
            return answer.Status == HttpStatusCode.OK ? JsonNode.Parse(answer.Body) as JsonObject : null;
        }
        catch (Exception error) when (error is UpstreamUnavailableException or OperationCanceledException or JsonException)
        {
            return null;
        }
    }

    private async ValueTask<HttpRequestMessage> RequestAsync(
        HttpContext context,
        HttpTransformer asUser,
        DestinationState destination,
        CancellationToken cancel)
    {
        HttpRequestMessage request = new();
        await asUser.TransformRequestAsync(context, request, destination.Model.Config.Address, cancel);
        request.RequestUri = new Uri(new Uri(destination.Model.Config.Address), settings.ScriptName + PaperlessPaths.Profile);
        ProfileTransformer.AskWhole(request);
        request.Headers.Remove("Accept");
        request.Headers.TryAddWithoutValidation("Accept", "application/json; version=9");
        return request;
    }
}

[JsonSerializable(typeof(JsonNode))]
internal sealed partial class ProfileJson : JsonSerializerContext;
