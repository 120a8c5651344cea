namespace Gateway.Paperless;

/// <summary>Paths of Paperless, below the script name, that several folders use.</summary>
internal static class PaperlessPaths
{
    /// <summary>GET shows the account of the request's user.</summary>
    public const string Profile = "/api/profile/";

    /// <summary>GET says who is asking.</summary>
    public const string UiSettings = "/api/ui_settings/";

    /// <summary>POST gives the request's user a new API token; the one before is gone.</summary>
    public const string GenerateToken = Profile + "generate_auth_token/";
}
