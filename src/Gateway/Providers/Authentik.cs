namespace Gateway.Providers;

/// <summary>Recognises authentik by the paths of its endpoints, for the few answers in which authentik differs from other providers.</summary>
internal static class Authentik
{
    private const string ApplicationPath = "/application/o/";

    public static bool IsAuthorizationEndpoint(Uri address) => address.AbsolutePath.EndsWith(ApplicationPath + "authorize/", StringComparison.Ordinal);

    /// <summary>Whether the address is the end-session endpoint of one application.</summary>
    public static bool IsEndSessionEndpoint(Uri address) =>
        address.AbsolutePath.Contains(ApplicationPath, StringComparison.Ordinal)
        && address.AbsolutePath.TrimEnd('/').EndsWith("/end-session", StringComparison.Ordinal);
}
