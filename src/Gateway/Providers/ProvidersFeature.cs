namespace Gateway.Providers;

/// <summary>The OpenID Connect providers: their discovery documents and keys, their token endpoints, and the checks of what they sign.</summary>
internal static class ProvidersFeature
{
    public static void AddProviders(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(ProviderTimeouts.Default);
        builder.Services.AddSingleton<ProviderRegistry>();
    }
}
