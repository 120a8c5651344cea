namespace Gateway.PasswordSessions;

/// <summary>Sessions of Paperless's own, which begin with a sign-in by password: who they are, and their end.</summary>
internal static class PasswordSessionsFeature
{
    public static void AddPasswordSessions(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<PasswordSessionQuery>();
        builder.Services.AddSingleton<PasswordSessionRegistry>();
    }
}
