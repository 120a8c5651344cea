namespace Gateway.Paperless;

/// <summary>Paths of Paperless, below the script name, that several folders use.</summary>
internal static class PaperlessPaths
{
    /// <summary>GET shows the account of the request's user.</summary>
    public const string Profile = "/api/profile/";
}
