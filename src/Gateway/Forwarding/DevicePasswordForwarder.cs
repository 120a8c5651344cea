using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Gateway.Access;
using Gateway.Paperless;
using Gateway.Sessions;
using Gateway.Settings;
using Gateway.Tracing;
using Gateway.WebSockets;

namespace Gateway.Forwarding;

/// <summary>
/// Forwards the request of a device password in its user's name: with the user's own API token, so that the API answers as it does with a token of
/// Paperless, or with a session of the user for a WebSocket.
/// </summary>
internal sealed class DevicePasswordForwarder(
    AppTokens tokens,
    UserSessions userSessions,
    UpstreamClient paperless,
    AllowedRequestForwarder allowed,
    GatewaySettings settings,
    AccessRefusals refusals)
{
    private const int MaxProfileBytes = 256 * 1024;

    public Task ForwardAsync(HttpContext context, DeviceRequest device)
    {
        bool isLiveStatus = context.Request.Path.StartsWithSegments("/ws", StringComparison.Ordinal);
        if (OpenSockets.IsSocketRequest(context) != isLiveStatus)
        {
            // An upgrade elsewhere would carry the user's own session where only the user's API token may go.
            return refusals.RefuseAsync(context, AccessDecision.DevicePasswordRefused);
        }

        if (isLiveStatus)
        {
            return ForwardSocketAsync(context, device);
        }

        return tokens.FindKnown(device.Session!) is { } token
            ? ForwardAsync(context, new UserOfApp(device, token), AccessDecision.WithDevicePassword)
            : PrepareAndForwardAsync(context, device);
    }

    private async Task PrepareAndForwardAsync(HttpContext context, DeviceRequest device)
    {
        if (await tokens.FindAsync(context, device) is { } token)
        {
            await ForwardAsync(context, new UserOfApp(device, token), AccessDecision.WithDevicePassword);
        }
    }

    /// <param name="user">The user of a request of the API, with the API token.</param>
    /// <param name="access">How the request is forwarded.</param>
    public Task ForwardAsync(HttpContext context, UserOfApp user, AccessDecision access)
    {
        if (context.Request.Path == PaperlessPaths.Profile)
        {
            return AnswerProfileAsync(context, user);
        }

        context.Features.Set<UserOfApp>(user);
        return allowed.ForwardAsync(context, access);
    }

    /// <summary>The profile without the permanent API token: no credential of an app may be changed into something that outlives it.</summary>
    private async Task AnswerProfileAsync(HttpContext context, UserOfApp user)
    {
        try
        {
            UserApiToken token = user.Token!;
            UpstreamResponse answer = await AskProfileAsync(context, token);
            if (answer.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                if (await tokens.FindAnotherAsync(context, user, token) is not { } another)
                {
                    return;
                }

                answer = await AskProfileAsync(context, another);
            }

            if (answer.Status != HttpStatusCode.OK || Parse(answer.Body) is not { } profile)
            {
                await refusals.RefuseWithoutUserTokenAsync(context, $"GET {answer.Address} answered {(int)answer.Status}");
                return;
            }

            profile["auth_token"] = null;
            CorsPreflight.AllowAnswer(context, settings.Paperless.CorsOrigins);
            context.Response.Headers.CacheControl = "no-store";
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(profile.ToJsonString(), context.RequestAborted);
        }
        catch (UpstreamUnavailableException unavailable)
        {
            await refusals.RefuseWithoutPaperlessAsync(context, new PaperlessUnavailableException(unavailable.Message, unavailable.Fault, unavailable));
        }
    }

    private Task<UpstreamResponse> AskProfileAsync(HttpContext context, UserApiToken token)
    {
        string accept = context.Request.Headers.Accept.ToString();
        UpstreamRequest request = new(HttpMethod.Get, PaperlessPaths.Profile, UserSessions.AnswerTimeout)
        {
            Headers = [("Accept", accept.Length > 0 ? accept : "application/json"), ("Authorization", token.Authorization)],
            MaxResponseBytes = MaxProfileBytes,
        };
        return paperless.AskAsync(request, context.RequestAborted);
    }

    private static JsonObject? Parse(byte[] body)
    {
        try
        {
            return JsonNode.Parse(body, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task ForwardSocketAsync(HttpContext context, DeviceRequest device)
    {
        if (await tokens.ConfirmAsync(context, device) is not { } confirmed)
        {
            return;
        }

        UserSession user;
        try
        {
            user = await userSessions.BeginAsync(confirmed.Identity.Username, context.RequestAborted);
        }
        catch (PaperlessApiException failure)
        {
            await refusals.RefuseWithoutUserTokenAsync(context, failure.Message);
            return;
        }

        try
        {
            context.Features.Set(new UserOfApp(device, Token: null, user));
            await allowed.ForwardSocketAsync(context, AccessDecision.WithDevicePassword, SocketOwner.From(confirmed));
        }
        finally
        {
            await userSessions.EndAsync(user, context.TraceId());
        }
    }
}
