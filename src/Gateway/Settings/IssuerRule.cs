namespace Gateway.Settings;

/// <summary>Which issuer a provider's discovery document may name (OpenID Connect Discovery 1.0, section 4.3).</summary>
internal static class IssuerRule
{
    private const string WellKnown = "/.well-known/";

    /// <summary>The issuer that belongs to a discovery address, without a trailing slash.</summary>
    public static Uri ExpectedIssuer(Uri discovery)
    {
        string path = discovery.AbsolutePath;
        int at = path.IndexOf(WellKnown, StringComparison.Ordinal);
        if (at >= 0)
        {
            // RFC 8414, section 3, puts the well-known part before the path of the issuer.
            int after = path.IndexOf('/', at + WellKnown.Length);
            path = path[..at] + (after < 0 ? "" : path[after..]);
        }

        return new Uri(discovery.GetLeftPart(UriPartial.Authority) + path.TrimEnd('/'));
    }

    /// <summary>
    /// Whether the issuer is the expected one or a parent path of it at the same origin: with authentik's issuer mode "global" the issuer is the origin.
    /// An issuer with any other path may be another provider of the same origin.
    /// </summary>
    public static bool IsAllowed(Uri discovery, string issuer)
    {
        if (!Uri.TryCreate(issuer, UriKind.Absolute, out Uri? url) || url.Query.Length > 0 || url.Fragment.Length > 0 || url.UserInfo.Length > 0)
        {
            return false;
        }

        Uri expected = ExpectedIssuer(discovery);
        return url.GetLeftPart(UriPartial.Authority) == expected.GetLeftPart(UriPartial.Authority)
            && (Path(expected) + "/").StartsWith(Path(url) + "/", StringComparison.Ordinal);
    }

    /// <summary>Whether two issuers are equal, apart from a trailing slash and the letter case of the host.</summary>
    public static bool IsSame(string one, string other) =>
        Uri.TryCreate(one, UriKind.Absolute, out Uri? first) && Uri.TryCreate(other, UriKind.Absolute, out Uri? second)
        && first.AbsoluteUri.TrimEnd('/') == second.AbsoluteUri.TrimEnd('/');

    private static string Path(Uri url) => url.AbsolutePath.TrimEnd('/');
}
