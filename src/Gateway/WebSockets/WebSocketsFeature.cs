namespace Gateway.WebSockets;

/// <summary>The forwarded WebSockets: each one closes when its session ends, and all of them close when the process stops.</summary>
internal static class WebSocketsFeature
{
    public static void AddWebSocketForwarding(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<OpenSockets>();
        builder.Services.AddHostedService<PasswordSocketChecks>();
    }
}
