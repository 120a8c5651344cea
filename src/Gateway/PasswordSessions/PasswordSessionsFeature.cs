namespace Gateway.PasswordSessions;

/// <summary>Password sessions: Paperless's sessions after a sign-in with a password. This folder recognises and ends them.</summary>
internal static class PasswordSessionsFeature
{
    public static void AddPasswordSessions(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<PasswordSessionQuery>();
        builder.Services.AddSingleton<PasswordSessionRegistry>();
    }
}
