namespace Gateway.Providers;

/// <summary>The OpenID Connect providers: discovery documents and keys, token endpoints, and the checks of signed tokens.</summary>
internal static class ProvidersFeature
{
    public static void AddProviders(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(ProviderTimeouts.Default);
        builder.Services.AddSingleton<ProviderRegistry>();
        builder.Services.AddSingleton<AccessTokenCheck>();
    }
}
