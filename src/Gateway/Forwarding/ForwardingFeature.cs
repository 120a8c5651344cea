namespace Gateway.Forwarding;

/// <summary>Forwarding to Paperless: the dispatcher, the forwarder, the headers and cookies of requests and responses, and chunked bodies.</summary>
internal static class ForwardingFeature
{
    public static void AddForwarding(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(ForwardingTimeouts.Default);
        builder.Services.AddSingleton<PaperlessForwarder>();
        builder.Services.AddSingleton<RequestHeaderFilter>();
        builder.Services.AddSingleton(UnverifiedBodyLimits.Default);
        builder.Services.AddSingleton<UnverifiedBodies>();
        builder.Services.AddSingleton<ChunkedBodyBuffer>();
        builder.Services.AddSingleton<CredentialAttempts>();
        builder.Services.AddSingleton<LoginRedirectResponder>();
        builder.Services.AddSingleton<PaperlessTransformers>();
        builder.Services.AddSingleton<WebSocketForwarder>();
        builder.Services.AddSingleton<AllowedRequestForwarder>();
        builder.Services.AddSingleton<DevicePasswordForwarder>();
        builder.Services.AddSingleton<BearerTokenForwarder>();
        builder.Services.AddSingleton<AppTokens>();
    }

    /// <summary>Forwards the requests for Paperless. Only requests for the gateway's endpoints pass this middleware.</summary>
    public static void UseForwarding(this WebApplication app)
    {
        app.UseMiddleware<RequestDispatcher>();
        app.UseRouting();

        // YARP has no routes here: the dispatcher alone forwards. This call starts YARP's clusters and their health checks.
        app.MapReverseProxy();
    }
}
