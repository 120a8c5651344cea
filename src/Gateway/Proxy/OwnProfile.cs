using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Gateway.Settings;
using Yarp.ReverseProxy.Forwarder;

namespace Gateway.Proxy;

/// <summary>Reads the profile of somebody who is signed in as Paperless shows it to that person, with the request's own identity and cookies.</summary>
internal sealed class OwnProfile(GatewaySettings settings, Upstreams upstreams)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    /// <param name="asUser">What makes a request to Paperless that user's.</param>
    /// <returns>Null where Paperless does not show it.</returns>
    public async Task<JsonObject?> ReadAsync(HttpContext context, HttpTransformer asUser)
    {
        if (!upstreams.TryPick(except: null, out Yarp.ReverseProxy.Model.DestinationState? destination))
        {
            return null;
        }

        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        patience.CancelAfter(Patience);
        using HttpRequestMessage request = new();
        await asUser.TransformRequestAsync(context, request, destination.Model.Config.Address, patience.Token);
        request.RequestUri = new Uri(new Uri(destination.Model.Config.Address), settings.ScriptName + ProfileApi.ProfilePath);
        ProfileTransformer.AskWhole(request);
        request.Headers.Remove("Accept");
        request.Headers.TryAddWithoutValidation("Accept", "application/json; version=9");
        try
        {
            using HttpResponseMessage response = await upstreams.Client.SendAsync(request, patience.Token);
            await response.Content.LoadIntoBufferAsync(ProfileTransformer.Largest, patience.Token);
            return response.StatusCode == HttpStatusCode.OK
                ? JsonNode.Parse(await response.Content.ReadAsByteArrayAsync(patience.Token)) as JsonObject
                : null;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException or JsonException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(JsonNode))]
internal sealed partial class ProfileJson : JsonSerializerContext;
