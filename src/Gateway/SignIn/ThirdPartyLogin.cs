using Gateway.Access;
using Gateway.Settings;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Gateway.SignIn;

/// <summary>
/// A sign-in that begins at the provider, such as in its list of applications (OpenID Connect Core 1.0, section 4). Any site can send such a request:
/// it chooses no more than the page of this gateway to which the sign-in leads, and whom the provider proposes.
/// </summary>
internal sealed record ThirdPartyLogin(string Issuer, string? LoginHint, string? TargetLinkUri)
{
    private const int MaxHintLength = 255;

    /// <summary>Null if the parameters have no `iss`: an ordinary sign-in.</summary>
    /// <param name="parameters">Of the query or of the form.</param>
    public static ThirdPartyLogin? Read(IEnumerable<KeyValuePair<string, StringValues>> parameters)
    {
        Dictionary<string, StringValues> named = parameters.ToDictionary(StringComparer.Ordinal);
        return named.TryGetValue("iss", out StringValues issuer)
            ? new ThirdPartyLogin(issuer.ToString(), Hint(Single(named, "login_hint")), Single(named, "target_link_uri"))
            : null;
    }

    /// <summary>The same request by GET.</summary>
    public string ToAddress(string path)
    {
        Dictionary<string, string?> parameters = new() { ["iss"] = Issuer, ["login_hint"] = LoginHint, ["target_link_uri"] = TargetLinkUri };
        return QueryHelpers.AddQueryString(path, parameters.Where(parameter => parameter.Value is not null));
    }

    /// <summary>The address to which the sign-in leads: the front page if the requested one is not at this gateway.</summary>
    public string ReturnAddressAt(GatewaySettings settings)
    {
        string origin = settings.Public.Origin;
        string? target = TargetLinkUri?.StartsWith(origin + "/", StringComparison.Ordinal) == true ? TargetLinkUri[origin.Length..] : TargetLinkUri;
        return ReturnAddress.SafeOrFrontPage(target, settings.ScriptName);
    }

    private static string? Single(Dictionary<string, StringValues> parameters, string name) =>
        parameters.GetValueOrDefault(name) is [{ Length: > 0 } value] ? value : null;

    private static string? Hint(string? hint) => hint is { Length: <= MaxHintLength } && !hint.Any(char.IsControl) ? hint : null;
}
