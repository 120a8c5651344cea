namespace Gateway.Groups;

/// <summary>From the provider's group claim to Paperless's groups.</summary>
internal static class GroupsFeature
{
    public static void AddGroups(this WebApplicationBuilder builder) => builder.Services.AddSingleton<PaperlessGroups>();
}
