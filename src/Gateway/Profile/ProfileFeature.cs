namespace Gateway.Profile;

/// <summary>Adds the gateway's providers and account links to Paperless's My Profile, and removes links.</summary>
internal static class ProfileFeature
{
    public static void AddProfile(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ProfileReader>();
        builder.Services.AddSingleton<ProfileLinks>();
        builder.Services.AddSingleton<DisconnectEndpoint>();
    }
}
