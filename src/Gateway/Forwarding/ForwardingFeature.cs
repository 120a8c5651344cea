namespace Gateway.Forwarding;

/// <summary>The way to Paperless: the dispatcher, the forwarder, the headers and cookies of requests and answers, and bodies without a length.</summary>
internal static class ForwardingFeature
{
    public static void AddForwarding(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(ForwardingTimes.Default);
        builder.Services.AddSingleton<PaperlessForwarder>();
        builder.Services.AddSingleton<RequestHeaderFilter>();
        builder.Services.AddSingleton(UnverifiedBodyLimits.Default);
        builder.Services.AddSingleton<UnverifiedBodies>();
        builder.Services.AddSingleton<ChunkedBodyBuffer>();
    }

    /// <summary>Answers everything that is Paperless's. Only requests for the gateway's own endpoints get past it.</summary>
    public static void UseForwarding(this WebApplication app)
    {
        app.UseMiddleware<RequestDispatcher>();
        app.UseRouting();

        // YARP has no routes here: the dispatcher alone forwards. This call starts YARP's clusters and their health checks.
        app.MapReverseProxy();
    }
}
