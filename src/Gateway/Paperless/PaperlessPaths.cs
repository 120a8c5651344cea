namespace Gateway.Paperless;

/// <summary>Addresses of Paperless below its script name that several folders speak of.</summary>
internal static class PaperlessPaths
{
    /// <summary>GET tells a user, or whoever a credential belongs to, about their own account.</summary>
    public const string Profile = "/api/profile/";
}
