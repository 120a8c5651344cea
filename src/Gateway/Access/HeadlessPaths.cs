namespace Gateway.Access;

/// <summary>The paths of allauth's headless API that the gateway answers in Paperless's place, below the script name and without a slash at the end.</summary>
internal static class HeadlessPaths
{
    public const string Config = "/api/auth/headless/app/v1/config";

    public const string Redirect = "/api/auth/headless/browser/v1/auth/provider/redirect";

    public const string Token = "/api/auth/headless/app/v1/auth/provider/token";
}
