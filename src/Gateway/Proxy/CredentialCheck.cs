using System.Net;
using Gateway.Settings;

namespace Gateway.Proxy;

/// <summary>Asks Paperless whether it takes a request's `Authorization`, where the gateway would otherwise do much for somebody unknown.</summary>
internal sealed class CredentialCheck(GatewaySettings settings, Upstreams upstreams)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<bool> IsTakenAsync(HttpContext context)
    {
        if (!upstreams.TryPick(except: null, out Yarp.ReverseProxy.Model.DestinationState? destination))
        {
            return false;
        }

        using HttpRequestMessage request = destination.Request(HttpMethod.Get, settings, "/api/profile/");
        request.Headers.TryAddWithoutValidation("Accept", "application/json");
        request.Headers.TryAddWithoutValidation("Authorization", (string?)context.Request.Headers.Authorization);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        patience.CancelAfter(Patience);
        try
        {
            using HttpResponseMessage response = await upstreams.Client.SendAsync(request, patience.Token);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }
}
