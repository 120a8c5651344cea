namespace Gateway.Profile;

/// <summary>Paperless's My Profile with the gateway's providers and links: what it shows, and taking a link away.</summary>
internal static class ProfileFeature
{
    public static void AddProfile(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ProfileReader>();
        builder.Services.AddSingleton<ProfileLinks>();
        builder.Services.AddSingleton<Disconnect>();
    }
}
